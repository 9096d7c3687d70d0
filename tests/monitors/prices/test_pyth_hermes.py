"""Hermes is read as it is, in both its ways, and comes back whatever happens to it."""

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

from monitors.prices.http import EventReader
from monitors.prices.port import FaultKind, NotJsonError, WrongShapeError
from monitors.prices.pyth_hermes import (
    HermesFeed,
    HermesSettings,
    PythHermes,
    feeds_by_id,
    parse_hermes,
)
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.units import PriceE8, Seconds
from tests.monitors.prices.servers import (
    KEY,
    FakeClock,
    Recorder,
    Server,
    always,
    events,
    forever,
    running,
    serving,
    tools,
)

FEED_ID = "49f6b65cb1de6b10eaf75e7c03ca029c306d0357e91b5311b175084a5ad55688"
FEEDS = (HermesFeed(feed_id=f"0x{FEED_ID.upper()}", symbol="NVDA"),)
SHAPE = b"""{"binary":{"encoding":"hex","data":["504e4155"]},
 "parsed":[{"id":"49f6b65cb1de6b10eaf75e7c03ca029c306d0357e91b5311b175084a5ad55688",
   "price":{"price":"33223750","conf":"15272","expo":-5,"publish_time":1785424136},
   "ema_price":{"price":"33182101","conf":"21716","expo":-5,"publish_time":1785424136},
   "metadata":{"slot":305542333,"proof_available_time":null,"prev_publish_time":1785424136}}]}"""
REPORT = PriceReport(
    source="hermes",
    symbol="NVDA",
    price=PriceE8(332_23750000),
    confidence=PriceE8(15272000),
    observed_at=Seconds(1785424136),
    order=Micros(1785424136_000000),
)


def one_line(**facts: object) -> bytes:
    answer = orjson.loads(SHAPE)
    answer["parsed"][0]["price"] |= facts
    return orjson.dumps(answer)


def parse(payload: bytes) -> list[PriceReport]:
    return parse_hermes(payload, source="hermes", feeds=feeds_by_id(FEEDS))


def source(
    server: Server, clock: FakeClock | None = None, **facts: Any
) -> contextlib.AbstractAsyncContextManager[Recorder]:
    settings = HermesSettings(
        name="hermes", base_url=server.url, feeds=FEEDS, api_key=KEY, poll_seconds=0.01
    )
    settings = replace(settings, **facts)

    def make(session: aiohttp.ClientSession) -> PythHermes:
        return PythHermes(settings, session, **tools(clock))

    return running(make)


# --- parsing -----------------------------------------------------------------------------------


def test_reads_the_recorded_shape() -> None:
    assert parse(SHAPE) == [REPORT]


def test_gives_the_session_of_a_feed_of_one_session() -> None:
    feeds = feeds_by_id((replace(FEEDS[0], session=Session.PRE),))
    assert parse_hermes(SHAPE, source="hermes", feeds=feeds) == [
        replace(REPORT, session=Session.PRE)
    ]


@pytest.mark.parametrize(
    ("price", "expected"),
    [("0", 0), ("-33223750", -332_23750000), (str(2**63 - 1), (2**63 - 1) * 1000)],
)
def test_passes_strange_prices_on_for_the_judge_to_say(price: str, expected: int) -> None:
    assert parse(one_line(price=price)) == [replace(REPORT, price=PriceE8(expected))]


@pytest.mark.parametrize(
    "facts",
    [
        {"price": None},
        {"price": "NaN"},
        {"price": 332.2375},
        {"price": "9" * 100},
        {"conf": "-1"},
        {"expo": "x"},
        {"expo": 10**6},
        {"publish_time": None},
        {"publish_time": -1},
        {"publish_time": 1785424136000},
    ],
)
def test_refuses_a_malformed_price(facts: dict[str, object]) -> None:
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        parse(one_line(**facts))


@pytest.mark.parametrize("payload", [b"", b"<!doctype html><p>Sorry", SHAPE[:200], b"NaN", b"\xff"])
def test_says_that_it_is_no_json(payload: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(payload)


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'{"parsed":null}', b'{"parsed":[1]}', b"1"])
def test_says_that_json_has_the_wrong_shape(payload: bytes) -> None:
    with pytest.raises(WrongShapeError) as raised:
        parse(payload)
    assert raised.value.kind is FaultKind.WRONG_SHAPE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "price", "conf", "expo", "parsed"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_wrong_shape_error(payload: bytes) -> None:
    with contextlib.suppress(WrongShapeError):
        parse(payload)


@given(JSON, JSON)
def test_random_json_raises_only_the_wrong_shape_error(anything: Any, price: Any) -> None:
    for value in (
        anything,
        {"parsed": [anything]},
        {"parsed": [{"id": FEED_ID, "price": price}]},
        {"parsed": [{"id": FEED_ID, "price": {"price": price, "conf": anything, "expo": -5}}]},
    ):
        with contextlib.suppress(WrongShapeError):
            parse(orjson.dumps(value))


@given(st.lists(st.binary(max_size=20)), st.data())
def test_events_are_the_same_however_the_bytes_are_cut(texts: list[bytes], data: Any) -> None:
    texts = [text.replace(b"\n", b"").replace(b"\r", b"") for text in texts]
    wire = b"".join(b": beat\r\n\r\ndata: " + text + b"\n\n" for text in texts)
    cut = data.draw(st.integers(0, len(wire)))
    reader = EventReader()
    assert reader.feed(wire[:cut]) + reader.feed(wire[cut:]) == [text for text in texts if text]


def test_an_endless_event_is_refused() -> None:
    reader = EventReader(most_bytes=100)
    with pytest.raises(WrongShapeError, match="larger"):
        reader.feed(b"data: 0123456789\n" * 20)


# --- polling -----------------------------------------------------------------------------------


async def test_polls_with_the_key_in_the_header_and_never_in_the_url() -> None:
    async with serving() as server:
        server.on_get = always(SHAPE)
        async with source(server, is_streaming=False, channel="real_time") as sink:
            await sink.until(reports=2)
    request = server.requests[0]
    assert sink.reports[0] == REPORT
    assert not sink.faults
    assert request.path == "/hermes/v2/updates/price/latest"
    assert request.query.getall("ids[]") == [FEED_ID]
    assert request.query["channel"] == "real_time"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(request.url)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, FaultKind.REJECTED_KEY),
        (403, FaultKind.REJECTED_KEY),
        (404, FaultKind.UNKNOWN_FEED),
        (429, FaultKind.RATE_LIMITED),
        (302, FaultKind.REFUSED),
        (503, FaultKind.REFUSED),
    ],
)
@pytest.mark.parametrize("way", ["stream", "latest"])
async def test_a_refusal_is_told_and_the_price_comes_back_after_it(
    status: int, kind: FaultKind, way: str
) -> None:
    async with serving() as server:

        async def first_refuse(request: web.Request) -> web.StreamResponse:
            if len(server.requests) == 1:
                return web.Response(status=status, text=f"bad key {KEY}")
            if request.path.endswith("stream"):
                return await events(b" " + one_line(), then=forever)(request)
            return web.Response(body=SHAPE)

        server.on_get = first_refuse
        with capture_logs() as logs:
            async with source(server, is_streaming=way == "stream") as sink:
                await sink.until(reports=1)
    assert sink.kinds == [kind]
    assert KEY not in repr(logs) + repr(sink.faults)


@pytest.mark.parametrize("way", ["stream", "latest"])
async def test_a_redirect_is_not_followed(way: str) -> None:
    async with serving() as elsewhere, serving() as server:

        async def redirect(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": elsewhere.url})

        server.on_get = redirect
        async with source(server, is_streaming=way == "stream") as sink:
            await sink.until(faults=2)
    assert set(sink.kinds) == {FaultKind.REFUSED}
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>Service notice</html>", FaultKind.NOT_JSON),
        (SHAPE[: len(SHAPE) // 2], FaultKind.NOT_JSON),
        (b'{"parsed":{}}', FaultKind.WRONG_SHAPE),
    ],
)
async def test_an_answer_of_200_that_is_no_price_gives_no_report(
    body: bytes, kind: FaultKind
) -> None:
    async with serving() as server:
        server.on_get = always(body)
        async with source(server, is_streaming=False) as sink:
            await sink.until(faults=2)
    assert set(sink.kinds) == {kind}
    assert not sink.reports


async def test_a_feed_that_is_not_given_is_told_once() -> None:
    feeds = (*FEEDS, HermesFeed(feed_id="ab" * 32, symbol="GONE"))
    async with serving() as server:
        server.on_get = always(SHAPE)
        async with source(server, is_streaming=False, feeds=feeds) as sink:
            await sink.until(reports=3)
    assert sink.kinds == [FaultKind.UNKNOWN_FEED]
    assert "ab" * 32 in sink.faults[0][1]


async def test_a_feed_that_comes_later_is_not_told_again() -> None:
    feeds = (*FEEDS, HermesFeed(feed_id="ab" * 32, symbol="AAPL"))
    late = one_line().replace(FEED_ID.encode(), b"ab" * 32)
    async with serving() as server:
        server.on_get = events(one_line(), late, one_line(), late, then=forever)
        async with source(server, feeds=feeds) as sink:
            await sink.until(reports=4)
    assert sink.kinds == [FaultKind.UNKNOWN_FEED]


async def test_an_answer_that_does_not_come_is_silence() -> None:
    async with serving() as server:
        server.on_get = events(then=forever)
        async with source(server, is_streaming=False, timeout_seconds=0.05) as sink:
            await sink.until(faults=1)
    assert sink.kinds[0] is FaultKind.SILENT


async def test_a_host_that_is_down_is_unreachable() -> None:
    async with serving() as server:
        pass
    async with source(server) as sink:
        await sink.until(faults=2)
    assert set(sink.kinds) == {FaultKind.UNREACHABLE}


# --- the stream --------------------------------------------------------------------------------


async def test_an_error_event_is_told_and_the_stream_goes_on() -> None:
    async with serving() as server:
        server.on_get = events(
            one_line(), f"Slow consumer {KEY}".encode(), one_line(price="5"), then=forever
        )
        async with source(server) as sink:
            await sink.until(reports=2)
    assert server.requests[0].path == "/hermes/v2/updates/price/stream"
    assert [report.price for report in sink.reports] == [332_23750000, 5000]
    assert sink.kinds == [FaultKind.NOT_JSON]
    assert "Slow consumer [redacted]" in sink.faults[0][1]


async def test_updates_out_of_order_are_passed_on_with_their_order() -> None:
    async with serving() as server:
        server.on_get = events(one_line(), one_line(publish_time=1785424130), then=forever)
        async with source(server) as sink:
            await sink.until(reports=2)
    first, second = sink.reports
    assert second.order < first.order
    assert second.observed_at == 1785424130


async def test_the_close_after_a_day_is_no_outage() -> None:
    clock = FakeClock()
    async with serving() as server:

        async def a_day() -> None:
            if len(server.requests) == 1:
                clock.seconds += 86_400
            else:
                await forever()

        server.on_get = events(one_line(), b"Connection timeout reached (24h)", then=a_day)
        async with source(server, clock) as sink:
            await sink.until(reports=2)
    assert len(server.requests) == 2
    assert not sink.faults


async def test_a_close_before_its_time_is_told() -> None:
    async with serving() as server:
        server.on_get = events(one_line())
        async with source(server) as sink:
            await sink.until(reports=2)
    assert sink.kinds[0] is FaultKind.STREAM_CLOSED


async def test_a_web_page_instead_of_a_stream_is_told() -> None:
    async with serving() as server:
        server.on_get = always(b"<html>data: hello</html>", kind="text/html")
        async with source(server) as sink:
            await sink.until(faults=1)
    assert sink.kinds[0] is FaultKind.NOT_JSON


async def test_a_stream_that_falls_silent_is_left() -> None:
    async with serving() as server:
        server.on_get = events(one_line(), then=forever)
        async with source(server, timeout_seconds=0.05) as sink:
            await sink.until(reports=2)
    assert sink.kinds[0] is FaultKind.SILENT


def test_the_key_is_in_no_repr() -> None:
    settings = HermesSettings(name="hermes", base_url="http://h", feeds=FEEDS, api_key=KEY)
    assert KEY not in repr(settings)
