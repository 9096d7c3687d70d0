"""Pyth Pro is heard on all its hosts, each update once, and as old as it is."""

import contextlib
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitors.prices.port import FaultKind, NotJsonError, WrongShapeError
from monitors.prices.pyth_pro import (
    REMEMBERED_UPDATES,
    ProSettings,
    PythPro,
    SeenUpdates,
    parse_pro,
    parse_pro_message,
)
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.units import PriceE8, Seconds
from tests.monitors.prices.servers import (
    KEY,
    FakeClock,
    Recorder,
    Server,
    running,
    serving,
    tools,
)

FEEDS = {1: "NVDA"}
SHAPE = b"""{"type":"streamUpdated","subscriptionId":1,"parsed":{"timestampUs":"1758690761750000",
"priceFeeds":[{"priceFeedId":1,"price":"11223872331053","bestBidPrice":"11223872331000",
"bestAskPrice":"11223872331100","publisherCount":9,"exponent":-8,"confidence":1373488286,
"marketSession":"regular","feedUpdateTimestamp":1758690761750000}]},
"evm":{"encoding":"base64","data":"AAAA"}}"""
REPORT = PriceReport(
    source="pro",
    symbol="NVDA",
    price=PriceE8(11223872331053),
    confidence=PriceE8(1373488286),
    observed_at=Seconds(1758690761),
    order=Micros(1758690761750000),
    publishers=9,
    session=Session.REGULAR,
)
UNKNOWN = b"""{"type":"subscribedWithInvalidFeedIdsIgnored","subscriptionId":1,
"subscribedFeedIds":[1],"ignoredInvalidFeedIds":{"unknownIds":[77]}}"""


def update(at: int = 1758690761750000, **facts: object) -> bytes:
    message = orjson.loads(SHAPE)
    message["parsed"]["timestampUs"] = str(at)
    message["parsed"]["priceFeeds"][0] |= facts
    return orjson.dumps(message)


def parse(payload: bytes) -> list[PriceReport]:
    return parse_pro(payload, source="pro", feeds=FEEDS)


def source(
    *hosts: str, clock: FakeClock | None = None, **facts: Any
) -> contextlib.AbstractAsyncContextManager[Recorder]:
    settings = replace(ProSettings(name="pro", hosts=hosts, feeds=FEEDS, api_key=KEY), **facts)

    def make(session: aiohttp.ClientSession) -> PythPro:
        return PythPro(settings, session, **tools(clock))

    return running(make)


def say(server: Server, *payloads: bytes) -> None:
    """Let a server answer a subscription with these messages."""

    async def answer(socket: web.WebSocketResponse) -> None:
        for payload in payloads:
            await socket.send_str(payload.decode())

    server.on_socket = answer


# --- parsing -----------------------------------------------------------------------------------


def test_reads_the_recorded_shape() -> None:
    assert parse(SHAPE) == [REPORT]


@pytest.mark.parametrize(
    ("told", "session"),
    [
        ("regular", Session.REGULAR),
        ("preMarket", Session.PRE),
        ("postMarket", Session.POST),
        ("overNight", Session.OVERNIGHT),
        ("closed", Session.WEEKEND),
        ("lunar", Session.UNKNOWN),
        (5, Session.UNKNOWN),
        (None, None),
    ],
)
def test_translates_the_session(told: object, session: Session | None) -> None:
    assert parse(update(marketSession=told)) == [replace(REPORT, session=session)]


def test_a_price_carried_forward_keeps_the_time_it_was_seen() -> None:
    friday = 1758690761750000
    sunday = friday + 2 * 86_400 * 10**6
    (report,) = parse(update(sunday, feedUpdateTimestamp=friday, marketSession="closed"))
    assert report.observed_at == friday // 10**6
    assert report.order == sunday


def test_a_feed_without_a_price_is_left_out() -> None:
    assert parse(update(price=None)) == []
    assert parse(update(priceFeedId=2)) == []


@pytest.mark.parametrize(("price", "expected"), [("0", 0), ("-5", -5), (2**63 - 1, 2**63 - 1)])
def test_passes_strange_prices_on_for_the_judge_to_say(price: object, expected: int) -> None:
    assert parse(update(price=price)) == [replace(REPORT, price=PriceE8(expected))]


@pytest.mark.parametrize(
    "facts",
    [
        {"price": "1.5"},
        {"price": 1.5},
        {"exponent": None},
        {"exponent": -(10**6)},
        {"feedUpdateTimestamp": None},
        {"feedUpdateTimestamp": -1},
        {"confidence": -1},
        {"publisherCount": "many"},
        {"priceFeedId": None},
    ],
)
def test_refuses_a_malformed_update(facts: dict[str, object]) -> None:
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        parse(update(**facts))


@pytest.mark.parametrize("payload", [b"", SHAPE[:150], b"<html>", b"\x00"])
def test_says_that_it_is_no_json(payload: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(payload)


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b'{"type":"error","error":"bad request"}', FaultKind.REFUSED),
        (b'{"type":"subscriptionError","subscriptionId":1,"error":"no"}', FaultKind.REFUSED),
        (UNKNOWN, FaultKind.UNKNOWN_FEED),
        (b'{"type":"subscribed","subscriptionId":1}', None),
        (b'{"type":"somethingNew"}', None),
    ],
)
def test_tells_messages_that_are_no_update(payload: bytes, fault: FaultKind | None) -> None:
    message = parse_pro_message(payload, source="pro", feeds=FEEDS)
    assert message.fault is fault
    assert not message.reports


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.sampled_from(["streamUpdated", "error", "1", "regular"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "parsed", "price", "priceFeeds"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_wrong_shape_error(payload: bytes) -> None:
    with contextlib.suppress(WrongShapeError):
        parse(payload)


@given(JSON, st.sampled_from(list(orjson.loads(SHAPE)["parsed"]["priceFeeds"][0])))
def test_random_json_raises_only_the_wrong_shape_error(anything: Any, field: str) -> None:
    parsed = {"timestampUs": "1", "priceFeeds": [anything]}
    for payload in (
        orjson.dumps(anything),
        orjson.dumps({"type": "streamUpdated", "parsed": anything}),
        orjson.dumps({"type": "streamUpdated", "parsed": parsed}),
        orjson.dumps({"type": "error", "error": anything}),
        update(**{field: anything}),
    ):
        with contextlib.suppress(WrongShapeError):
            parse(payload)


def test_remembers_a_bounded_number_of_updates_of_each_feed() -> None:
    seen = SeenUpdates()
    assert all(seen.is_new(1, order) for order in range(REMEMBERED_UPDATES))
    assert not seen.is_new(1, 0)
    assert seen.is_new(2, 0)
    assert seen.is_new(1, REMEMBERED_UPDATES)
    assert not seen.is_new(1, 1)


# --- the socket --------------------------------------------------------------------------------


async def test_subscribes_to_all_hosts_and_takes_each_update_once() -> None:
    async with serving() as first, serving() as second, serving() as third:
        servers = (first, second, third)
        for place, server in enumerate(servers):
            say(server, update(1), update(1), update(2), update(3), update(10 + place))
        async with source(*(server.ws_url for server in servers)) as sink:
            await sink.until(reports=6)
    assert sorted(report.order for report in sink.reports) == [1, 2, 3, 10, 11, 12]
    assert not sink.faults
    for server in servers:
        (subscription,) = server.received
        assert subscription["type"] == "subscribe"
        assert subscription["priceFeedIds"] == [1]
        assert {"marketSession", "feedUpdateTimestamp"} <= set(subscription["properties"])
        assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
        assert KEY not in str(server.requests[0].url)


async def test_one_dead_host_costs_no_update() -> None:
    async with serving() as dead:
        pass
    async with serving() as first, serving() as second:
        say(first, update(1))
        say(second, update(2))
        async with source(first.ws_url, dead.ws_url, second.ws_url) as sink:
            await sink.until(reports=2, faults=2)
    assert {report.order for report in sink.reports} == {1, 2}
    assert set(sink.kinds) == {FaultKind.UNREACHABLE}
    assert all(detail.startswith("host 1: ") for _, detail in sink.faults)


async def test_a_host_from_the_future_does_not_silence_the_others() -> None:
    async with serving() as server:
        say(server, update(4 * 10**15), update(1), update(2))
        async with source(server.ws_url) as sink:
            await sink.until(reports=3)
    assert [report.order for report in sink.reports] == [4 * 10**15, 1, 2]


async def test_a_malformed_message_is_told_and_the_socket_stays() -> None:
    async with serving() as server:
        say(server, update(price="x"), SHAPE[:100], UNKNOWN, b'{"type":"new"}', SHAPE)
        async with source(server.ws_url) as sink:
            await sink.until(reports=1)
    assert sink.reports == [REPORT]
    assert sink.kinds == [FaultKind.WRONG_SHAPE, FaultKind.NOT_JSON, FaultKind.UNKNOWN_FEED]
    assert "77" in sink.faults[2][1]
    assert len(server.requests) == 1


async def test_an_error_message_ends_the_connection_and_hides_the_key() -> None:
    async with serving() as server:
        say(server, orjson.dumps({"type": "error", "error": f"token {KEY} expired"}))
        with capture_logs() as logs:
            async with source(server.ws_url) as sink:
                await sink.until(faults=2)
    assert set(sink.kinds) == {FaultKind.REFUSED}
    assert "token [redacted] expired" in sink.faults[0][1]
    assert KEY not in repr(logs) + repr(sink.faults)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, FaultKind.REJECTED_KEY), (429, FaultKind.RATE_LIMITED), (500, FaultKind.REFUSED)],
)
async def test_a_refused_handshake_is_told(status: int, kind: FaultKind) -> None:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=KEY)

    async with serving() as server:
        server.on_get = refuse
        async with source(f"{server.ws_url}/refused") as sink:
            await sink.until(faults=2)
    assert set(sink.kinds) == {kind}
    assert KEY not in repr(sink.faults)


@pytest.mark.parametrize(
    ("code", "kind"), [(1000, FaultKind.STREAM_CLOSED), (1008, FaultKind.REJECTED_KEY)]
)
async def test_a_closed_socket_is_told_and_opened_again(code: int, kind: FaultKind) -> None:
    async with serving() as server:

        async def close_once(socket: web.WebSocketResponse) -> None:
            if len(server.requests) == 1:
                await socket.close(code=code)
            else:
                await socket.send_str(SHAPE.decode())

        server.on_socket = close_once
        async with source(server.ws_url) as sink:
            await sink.until(reports=1)
    assert sink.kinds == [kind]


async def test_a_socket_that_is_cut_is_unreachable() -> None:
    async with serving() as server:

        async def cut_once(socket: web.WebSocketResponse) -> None:
            if len(server.requests) == 1:
                transport = server.requests[0].transport
                assert transport is not None
                transport.abort()
            else:
                await socket.send_str(SHAPE.decode())

        server.on_socket = cut_once
        async with source(server.ws_url) as sink:
            await sink.until(reports=1)
    assert sink.kinds == [FaultKind.UNREACHABLE]


async def test_a_socket_that_falls_silent_is_left() -> None:
    async with serving() as server:
        say(server, SHAPE)
        async with source(server.ws_url, silence_seconds=0.05) as sink:
            await sink.until(reports=1, faults=2)
    assert set(sink.kinds) == {FaultKind.SILENT}
    assert sink.reports == [REPORT]


def test_wants_a_host() -> None:
    settings = ProSettings(name="pro", hosts=(), feeds=FEEDS, api_key=KEY)
    with pytest.raises(ValueError, match="at least one host"):
        PythPro(settings, None, **tools())  # type: ignore[arg-type]


def test_the_key_is_in_no_repr() -> None:
    settings = ProSettings(name="pro", hosts=("ws://h",), feeds=FEEDS, api_key=KEY)
    assert KEY not in repr(settings)
