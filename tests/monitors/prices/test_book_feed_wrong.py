"""What a server of books may say wrong costs the market that it is about, or the connection."""

import contextlib
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from monitors.prices.book_board import (
    BookMessage,
)
from monitors.prices.book_feed import parse_book_message
from monitors.prices.port import FaultKind, WrongShapeError
from tests.monitors.prices.book_stage import (
    SNAPSHOT,
    TRADE,
    UPDATE,
    Board,
    following,
)
from tests.monitors.prices.servers import FakeClock, Server, serving


def wire(message: BookMessage, **facts: object) -> dict[str, Any]:
    """Write a message as the format has it, in whole dollars and shares."""
    kind = type(message).__name__.removeprefix("Book").lower()
    written: dict[str, Any] = {"type": kind}
    for key in message.__slots__:
        value = getattr(message, key)
        if key == "price":
            value = str(value // 10**8)
        elif key in {"bids", "asks"}:
            value = [[str(at // 10**8), str(size // 10**8)] for at, size in value]
        written[key] = value
    return written | facts


def say(server: Server, *messages: object) -> None:
    """Let a server answer a subscription with these messages, and requests for snapshots not."""

    async def answer(socket: web.WebSocketResponse) -> None:
        if server.received[-1]["type"] != "subscribe":
            return
        await socket.send_json({"type": "subscribed", "markets": ["AAPL", "NVDA"]})
        for message in messages:
            await socket.send_str(
                message if isinstance(message, str) else orjson.dumps(message).decode()
            )

    server.on_socket = answer


async def test_what_cannot_be_read_costs_the_market_that_it_is_about() -> None:
    board, clock = Board("AAPL", "NVDA"), FakeClock()
    async with serving() as server:
        say(
            server,
            wire(SNAPSHOT),
            wire(SNAPSHOT, market="NVDA"),
            {"type": "news", "text": "of no interest"},
            wire(UPDATE, bids=[["100", "x"]]),
            wire(UPDATE, market="NVDA"),
        )
        async with following(server.ws_url, board, clock, resync_seconds=0.0) as sink:
            await sink.until(faults=1)
            await board.until(lambda: board._held["NVDA"].sequence == 8)
            assert board.book("AAPL") is None
            assert board.is_followed("NVDA")
            assert board.count("malformed_total") == 1
            assert sink.kinds == [FaultKind.WRONG_SHAPE]
            assert sink.faults[0][1].startswith("AAPL: expected size")
    assert [message["type"] for message in server.received] == ["subscribe", "resync"]
    assert server.received[0]["markets"] == ["AAPL", "NVDA"]
    assert server.received[1]["market"] == "AAPL"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("<html>", FaultKind.NOT_JSON),
        ("[]", FaultKind.WRONG_SHAPE),
        ({"kind": "update"}, FaultKind.WRONG_SHAPE),
        (wire(UPDATE, market="DOGE"), FaultKind.WRONG_SHAPE),
        ({"type": "heartbeat", "time_ms": "soon"}, FaultKind.WRONG_SHAPE),
        ({"type": "error", "message": "too many markets"}, FaultKind.REFUSED),
    ],
)
async def test_what_concerns_all_markets_ends_the_connection(
    message: object, kind: FaultKind
) -> None:
    board = Board("AAPL", "NVDA")
    async with serving() as server:
        say(server, wire(SNAPSHOT), message, wire(UPDATE))
        async with following(server.ws_url, board) as sink:
            await sink.until(faults=2)
            assert set(sink.kinds) == {kind}
            assert not board.is_followed("AAPL")
    assert len(server.requests) >= 2
    assert board.count("updates_total") == len(server.requests)


@pytest.mark.parametrize("message", [SNAPSHOT, UPDATE, TRADE])
def test_reads_what_the_format_says(message: BookMessage) -> None:
    written = wire(message)
    assert parse_book_message(written, written["type"]) == message


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        (UPDATE, {"sequence": None}),
        (UPDATE, {"sequence": -1}),
        (UPDATE, {"previous": 1.5}),
        (UPDATE, {"time_ms": 10**14}),
        (UPDATE, {"bids": None}),
        (UPDATE, {"bids": [["100"]]}),
        (UPDATE, {"bids": ["100", "1"]}),
        (UPDATE, {"bids": [["0", "1"]]}),
        (UPDATE, {"bids": [["-1", "1"]]}),
        (UPDATE, {"bids": [["100", "-1"]]}),
        (UPDATE, {"bids": [[100.5, "1"]]}),
        (UPDATE, {"bids": [["100.000000001", "1"]]}),
        (UPDATE, {"bids": [["100", "0.000000001"]]}),
        (SNAPSHOT, {"asks": [["NaN", "1"]]}),
        (TRADE, {"price": "0"}),
        (TRADE, {"price": None}),
        (TRADE, {"market": 1}),
    ],
)
def test_refuses_a_malformed_message(message: BookMessage, facts: dict[str, object]) -> None:
    written = wire(message, **facts)
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        parse_book_message(written, written["type"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(
    st.sampled_from([SNAPSHOT, UPDATE, TRADE]),
    st.dictionaries(
        st.sampled_from(["market", "sequence", "previous", "time_ms", "bids", "asks", "price"]),
        JSON | st.lists(st.lists(JSON, min_size=2, max_size=2), max_size=2),
    ),
)
def test_random_json_raises_only_the_wrong_shape_error(
    message: BookMessage, facts: dict[str, Any]
) -> None:
    written = wire(message, **facts)
    with contextlib.suppress(WrongShapeError):
        parse_book_message(written, written["type"])
