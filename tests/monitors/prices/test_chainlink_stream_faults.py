"""What goes wrong with Data Streams is told for what it is, and costs no more than it must."""

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from monitors.prices.chainlink_reports import StreamFeed
from monitors.prices.chainlink_streams import ChainlinkStreams
from monitors.prices.port import FaultKind, SourceFault
from risk.price_report import PriceReport
from tests.monitors.prices.servers import KEY, Recorder, running, serving, tools
from tests.monitors.prices.test_chainlink_reports import (
    V8,
    V8_FEED,
    V11,
    V11_FEED,
    message,
    reported,
)
from tests.monitors.prices.test_chainlink_streams import (
    SECRET,
    answering,
    at,
    playing,
    settings_of,
    telling,
)


def over_socket(sink: Recorder) -> list[FaultKind]:
    return [kind for kind, detail in sink.faults if detail.startswith("socket: ")]


def over_rest(sink: Recorder) -> list[FaultKind]:
    return [kind for kind, detail in sink.faults if detail.startswith("REST: ")]


async def test_a_malformed_message_is_told_and_the_socket_stays() -> None:
    async with playing() as (provider, run):
        provider.socket = telling(
            b"<html>busy</html>",
            b'{"error":"busy"}',
            message(at(1), fullReport="0x00"),
            message(V8()),
            message(at(2)),
        )
        async with run() as sink:
            await sink.until(reports=1)
        assert len(provider.connected) == 1
    assert sink.reports == [reported(at(2))]
    wrong = FaultKind.WRONG_SHAPE
    assert over_socket(sink) == [FaultKind.NOT_JSON, wrong, wrong]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_key_is_told_on_both_ways_and_never_shown(status: int) -> None:
    async with serving() as server:

        async def refuse(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, reason=KEY, text=f"bad key {KEY} of {SECRET}")

        server.on_get = refuse
        settings = settings_of(server)
        with capture_logs() as logs:
            async with running(
                lambda session: ChainlinkStreams(settings, session, **tools())
            ) as sink:
                await sink.until(faults=4)
    assert set(sink.kinds) == {FaultKind.REJECTED_KEY}
    assert over_socket(sink)
    assert over_rest(sink)
    assert all("clock" in detail and "secret" in detail for _, detail in sink.faults)
    assert not any(text in repr(sink.faults) + repr(logs) for text in (KEY, SECRET))


async def test_a_secret_that_a_provider_echoes_is_cut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def echo(_source: ChainlinkStreams, _feed: StreamFeed) -> PriceReport:
        raise SourceFault(FaultKind.REFUSED, f"expected a report, found {SECRET} of {KEY}")

    monkeypatch.setattr(ChainlinkStreams, "_latest", echo)
    async with playing() as (_, run), run() as sink:
        await sink.until(faults=1)
    assert sink.faults[0][1] == "REST: expected a report, found [redacted] of [redacted]"


async def test_where_no_feed_is_answered_the_fault_is_told_each_time() -> None:
    async with playing(feeds=(V11_FEED, V8_FEED)) as (provider, run):
        provider.latest = lambda _: web.Response(status=503)
        async with run() as sink:
            await sink.until(faults=3)
    assert set(over_rest(sink)) == {FaultKind.REFUSED}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (web.Response(body=b"<html>busy</html>", content_type="text/html"), FaultKind.NOT_JSON),
        (web.Response(body=b'{"reports":[]}'), FaultKind.WRONG_SHAPE),
        (web.Response(body=message(V8())), FaultKind.WRONG_SHAPE),
        (web.Response(status=206, body=message(V11())), FaultKind.REFUSED),
        (web.Response(status=400), FaultKind.REFUSED),
        (web.Response(status=404), FaultKind.UNKNOWN_FEED),
        (web.Response(status=429), FaultKind.RATE_LIMITED),
        (web.Response(status=503), FaultKind.REFUSED),
        (web.Response(status=302, headers={"Location": "/else"}), FaultKind.REFUSED),
    ],
)
async def test_a_refused_question_is_told_and_asked_again(
    answer: web.Response, kind: FaultKind
) -> None:
    async with playing() as (provider, run):
        answers = [answer]
        good = answering(V11())
        provider.latest = lambda feed_id: answers.pop() if answers else good(feed_id)
        async with run() as sink:
            await sink.until(reports=1, faults=1)
    assert over_rest(sink) == [kind]
    assert sink.reports[0] == reported(V11())


async def test_an_unknown_feed_costs_the_others_nothing_and_is_told_once() -> None:
    async with playing(feeds=(V8_FEED, V11_FEED)) as (provider, run):
        provider.latest = answering(V11())
        async with run() as sink:
            await sink.until(reports=4)
    assert set(sink.reports) == {reported(V11())}
    assert over_rest(sink) == [FaultKind.UNKNOWN_FEED]
    assert "SPY: " in sink.faults[0][1]


async def test_too_many_questions_stop_the_round() -> None:
    async with playing(feeds=(V11_FEED, V8_FEED)) as (provider, run):
        asked: list[str] = []

        def answer(feed_id: str) -> web.Response:
            asked.append(feed_id)
            return web.Response(status=429)

        provider.latest = answer
        async with run() as sink:
            await sink.until(faults=2)
    assert over_rest(sink)[:2] == [FaultKind.RATE_LIMITED] * 2
    assert set(asked) == {f"0x{V11_FEED.feed_id}"}


async def test_a_cut_socket_is_told_and_the_price_comes_over_rest() -> None:
    async with playing() as (provider, run):

        async def cut(_socket: web.WebSocketResponse) -> None:
            transport = provider.connected[-1].transport
            assert transport is not None
            transport.abort()

        provider.socket = cut
        provider.latest = answering(V11())
        async with run() as sink:
            await sink.until(reports=2, faults=2)
    assert set(sink.kinds) == {FaultKind.UNREACHABLE}
    assert set(sink.reports) == {reported(V11())}


@pytest.mark.parametrize(
    ("code", "kind"), [(1000, FaultKind.STREAM_CLOSED), (1008, FaultKind.REJECTED_KEY)]
)
async def test_a_closed_socket_is_told_and_opened_again(code: int, kind: FaultKind) -> None:
    async with playing() as (provider, run):
        provider.latest = answering(V11())

        async def close_once(socket: web.WebSocketResponse) -> None:
            if len(provider.connected) == 1:
                await socket.close(code=code)
            else:
                await telling(message(at(9)))(socket)

        provider.socket = close_once
        async with run() as sink:
            while reported(at(9)) not in sink.reports:
                await sink.until(reports=len(sink.reports) + 1)
    assert sink.kinds == [kind]


async def test_a_socket_that_falls_silent_is_left() -> None:
    async with playing(silence_seconds=0.05) as (provider, run):
        provider.latest = answering(V11())
        async with run() as sink:
            await sink.until(faults=2)
    assert set(sink.kinds) == {FaultKind.SILENT}


async def test_a_dead_host_of_one_way_leaves_the_other() -> None:
    async with serving() as dead:
        pass
    async with playing(rest_url=dead.url) as (provider, run):
        provider.socket = telling(message(at(1)))
        async with run() as sink:
            await sink.until(reports=1, faults=1)
    assert sink.reports == [reported(at(1))]
    assert over_socket(sink) == []
    assert set(over_rest(sink)) == {FaultKind.UNREACHABLE}
