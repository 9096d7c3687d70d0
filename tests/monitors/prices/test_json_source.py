"""A spec makes a source of any provider that tells a price in JSON."""

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

from monitors.prices.json_source import JsonSource, JsonSpec, TimeUnit, parse_json
from monitors.prices.port import FaultKind, NotJsonError, WrongShapeError
from risk.price_report import Micros, PriceReport
from risk.units import PriceE8, Seconds
from tests.monitors.prices.servers import (
    KEY,
    Recorder,
    always,
    running,
    serving,
    tools,
)

SPEC = JsonSpec(
    name="quotes",
    symbol="NVDA",
    url="https://quotes.example/v1/last",
    price_path=("data", 0, "price"),
    time_path=("data", 0, "traded"),
    time_unit=TimeUnit.MILLIS,
    order_path=("sent",),
    confidence_path=("data", 0, "width"),
    publishers_path=("data", 0, "count"),
)
SHAPE = (
    b'{"sent":1785424137500,"data":[{"price":178.2501,"width":"0.05","count":4,'
    b'"traded":1785424136999}]}'
)
REPORT = PriceReport(
    source="quotes",
    symbol="NVDA",
    price=PriceE8(178_25010000),
    confidence=PriceE8(5000000),
    observed_at=Seconds(1785424136),
    order=Micros(1785424137500000),
    publishers=4,
)
BARE = JsonSpec(
    name="bare",
    symbol="NVDA",
    url="wss://bare.example",
    price_path=("p",),
    time_path=("t",),
    time_unit=TimeUnit.SECONDS,
)


def source(spec: JsonSpec, **facts: Any) -> contextlib.AbstractAsyncContextManager[Recorder]:
    spec = replace(spec, **{"poll_seconds": 0.01, **facts})

    def make(session: aiohttp.ClientSession) -> JsonSource:
        return JsonSource(spec, session, **tools())

    return running(make)


def test_follows_the_paths_of_the_spec() -> None:
    assert parse_json(SHAPE, SPEC) == [REPORT]


@pytest.mark.parametrize(
    ("number", "price"),
    [
        (b"0.29", 29000000),
        (b"123456789012.12345678", 123456789012_12345678),
        (b"1e3", 1000_00000000),
        (b'"178.25"', 178_25000000),
        (b"0", 0),
        (b"-3.5", -3_50000000),
        (b"99999999999999999999999999", 99999999999999999999999999_00000000),
    ],
)
def test_reads_each_digit_as_it_was_sent(number: bytes, price: int) -> None:
    (report,) = parse_json(b'{"p":' + number + b',"t":1}', BARE)
    assert report.price == price


@pytest.mark.parametrize(
    ("unit", "time"),
    [
        (TimeUnit.SECONDS, 1785424136),
        (TimeUnit.SECONDS, "1785424136.25"),
        (TimeUnit.MILLIS, 1785424136250),
        (TimeUnit.MICROS, "1785424136250000"),
        (TimeUnit.NANOS, 1785424136250000999),
        (TimeUnit.ISO, "2026-07-30T15:08:56.250000Z"),
        (TimeUnit.ISO, "2026-07-30T11:08:56-04:00"),
        (TimeUnit.ISO, "2026-07-30T15:08:56.250000999Z"),
    ],
)
def test_reads_each_unit_of_time(unit: TimeUnit, time: object) -> None:
    spec = replace(BARE, time_unit=unit)
    (report,) = parse_json(orjson.dumps({"p": "1", "t": time}), spec)
    assert report.observed_at == 1785424136
    assert report.order in {1785424136000000, 1785424136250000}


def test_counts_from_the_end_of_a_list_where_the_path_says_so() -> None:
    spec = replace(BARE, price_path=("p", -2))
    (report,) = parse_json(b'{"p":["1","2","3"],"t":1}', spec)
    assert report.price == 2_00000000
    with pytest.raises(WrongShapeError, match="nothing there"):
        parse_json(b'{"p":["1"],"t":1}', spec)


def test_scales_a_fixed_point_price() -> None:
    spec = replace(BARE, price_exponent=-18)
    (report,) = parse_json(b'{"p":"178250000000000000000","t":1}', spec)
    assert report.price == 178_25000000


def test_passes_over_messages_of_another_kind() -> None:
    spec = replace(BARE, kind_path=("type",), kind="trade")
    assert parse_json(b'{"type":"heartbeat"}', spec) == []
    assert len(parse_json(b'{"type":"trade","p":1,"t":1}', spec)) == 1


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b'{"p":1', NotJsonError),
        (b"<html>", NotJsonError),
        (b'{"p":NaN,"t":1}', NotJsonError),
        (b'{"p":' + b"9" * 5000 + b',"t":1}', NotJsonError),
        (b"[" * 100_000, NotJsonError),
        (b"\xff\xfe", NotJsonError),
        (b"[]", WrongShapeError),
        (b'{"p":1}', WrongShapeError),
        (b'{"p":null,"t":1}', WrongShapeError),
        (b'{"p":true,"t":1}', WrongShapeError),
        (b'{"p":"1e99","t":1}', WrongShapeError),
        (b'{"p":1,"t":-1}', WrongShapeError),
        (b'{"p":1,"t":1785424136000}', WrongShapeError),
        (b'{"p":1,"t":"1e400"}', WrongShapeError),
    ],
)
def test_refuses_what_is_malformed(payload: bytes, error: type[WrongShapeError]) -> None:
    with pytest.raises(error, match=r"^expected .*found "):
        parse_json(payload, BARE)


@pytest.mark.parametrize("time", ["2026-07-30T15:08:56", "today", 5, "1969-01-01T00:00:00Z"])
def test_refuses_a_time_that_says_no_instant(time: object) -> None:
    with pytest.raises(WrongShapeError, match="ISO 8601"):
        parse_json(orjson.dumps({"p": 1, "t": time}), replace(BARE, time_unit=TimeUnit.ISO))


def test_refuses_a_url_that_it_cannot_speak_to() -> None:
    with pytest.raises(ValueError, match="another scheme"):
        replace(BARE, url="ftp://bare.example")


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_wrong_shape_error(payload: bytes) -> None:
    with contextlib.suppress(WrongShapeError):
        parse_json(payload, SPEC)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(JSON, JSON, JSON, st.sampled_from(TimeUnit))
def test_random_json_raises_only_the_wrong_shape_error(
    price: Any, time: Any, width: Any, unit: TimeUnit
) -> None:
    item = {"price": price, "traded": time, "width": width, "count": width}
    spec = replace(SPEC, time_unit=unit)
    for value in (price, {"data": price}, {"data": [item], "sent": time}):
        with contextlib.suppress(WrongShapeError):
            parse_json(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), spec)


async def test_polls_over_http_with_its_headers() -> None:
    async with serving() as server:
        server.on_get = always(SHAPE)
        async with source(SPEC, url=f"{server.url}/last", headers={"X-Key": KEY}) as sink:
            await sink.until(reports=2)
    assert sink.reports[0] == REPORT
    assert server.requests[0].headers["X-Key"] == KEY
    assert not sink.faults


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (always(b"<html>hi</html>", kind="text/html"), FaultKind.NOT_JSON),
        (always(SHAPE[:50]), FaultKind.NOT_JSON),
        (always(b"{}"), FaultKind.WRONG_SHAPE),
        (always(b"", status=401), FaultKind.REJECTED_KEY),
        (always(b"", status=429), FaultKind.RATE_LIMITED),
    ],
)
async def test_an_answer_that_is_no_price_is_told(answer: Any, kind: FaultKind) -> None:
    async with serving() as server:
        server.on_get = answer
        async with source(SPEC, url=f"{server.url}/last") as sink:
            await sink.until(faults=2)
    assert set(sink.kinds) == {kind}
    assert not sink.reports


async def test_listens_to_a_socket_after_subscribing() -> None:
    async with serving() as server:

        async def answer(socket: web.WebSocketResponse) -> None:
            await socket.send_str('{"p":"oops","t":1}')
            await socket.send_bytes(b'{"p":178.25,"t":1785424136}')

        server.on_socket = answer
        async with source(BARE, url=server.ws_url, subscribe='{"sub":["NVDA"]}') as sink:
            await sink.until(reports=1)
    assert server.received == [{"sub": ["NVDA"]}]
    assert sink.kinds == [FaultKind.WRONG_SHAPE]
    assert sink.reports[0].price == 178_25000000


async def test_a_key_in_header_url_or_subscription_is_told_to_nobody() -> None:
    spec = replace(
        BARE,
        headers={"Authorization": f"Bearer {KEY}"},
        subscribe=f'{{"key":"{KEY}"}}',
        secrets=(KEY,),
    )
    async with serving() as server:

        async def echo(socket: web.WebSocketResponse) -> None:
            await socket.send_json({"p": KEY, "t": 1})

        server.on_socket = echo
        with capture_logs() as logs:
            async with source(spec, url=f"{server.ws_url}?key={KEY}") as sink:
                await sink.until(faults=1)
    async with source(spec, url=f"ws://127.0.0.1:1/{KEY}") as down:
        await down.until(faults=1)
    assert sink.kinds == [FaultKind.WRONG_SHAPE]
    assert "[redacted]" in sink.faults[0][1]
    assert KEY not in repr(logs) + repr(sink.faults) + repr(down.faults) + repr(spec)
