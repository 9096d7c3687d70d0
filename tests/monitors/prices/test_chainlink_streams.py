"""Data Streams are heard over the socket, and asked for where the socket says nothing."""

import contextlib
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitors.prices.chainlink_reports import StreamFeed
from monitors.prices.chainlink_streams import ChainlinkStreams, StreamsSettings
from monitors.prices.reconnect import Courier
from tests.monitors.prices.servers import (
    KEY,
    FakeClock,
    Recorder,
    Server,
    forever,
    running,
    serving,
    tools,
)
from tests.monitors.prices.test_chainlink_reports import (
    NOW,
    V8,
    V8_FEED,
    V11,
    V11_FEED,
    message,
    reported,
)

SECRET = "us-v3ry-h1dd3n"
SOCKET = "/api/v1/ws"
LATEST = "/api/v1/reports/latest"
Serve = Callable[[web.WebSocketResponse], Awaitable[None]]


def at(second: int) -> V11:
    return V11(observations=NOW + second, seen=(NOW + second) * 10**9)


class Provider:
    """Plays Data Streams on a server; `socket` and `latest` say how it behaves."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.latest: Callable[[str], web.Response] = lambda _: web.Response(status=404)
        self.socket: Serve = lambda _: forever()
        server.on_get = self._answer

    @property
    def asked(self) -> list[web.Request]:
        return [request for request in self.server.requests if request.path == LATEST]

    @property
    def connected(self) -> list[web.Request]:
        return [request for request in self.server.requests if request.path == SOCKET]

    def asked_for(self, feed: StreamFeed) -> int:
        return sum(request.query["feedID"] == f"0x{feed.feed_id}" for request in self.asked)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path != SOCKET:
            return self.latest(request.query["feedID"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.server.sockets.append(socket)
        await self.socket(socket)
        return socket


def telling(*payloads: bytes, then: Callable[[], Awaitable[None]] = forever) -> Serve:
    """Send these messages, then do something, and close the socket cleanly."""

    async def serve(socket: web.WebSocketResponse) -> None:
        for payload in payloads:
            await socket.send_str(payload.decode("utf-8", "replace"))
        await then()

    return serve


def answering(*messages: V8 | V11) -> Callable[[str], web.Response]:
    """Answer with the report of the feed that is asked for; 404 for the others."""
    bodies = {"0x" + fields.key.hex(): message(fields) for fields in messages}

    def answer(feed_id: str) -> web.Response:
        return web.Response(body=bodies[feed_id]) if feed_id in bodies else web.Response(status=404)

    return answer


def settings_of(server: Server, **facts: Any) -> StreamsSettings:
    return replace(
        StreamsSettings(
            name="streams",
            feeds=(V11_FEED,),
            api_key=KEY,
            api_secret=SECRET,
            rest_url=f"http://127.0.0.1:{server.port}",
            socket_url=f"ws://127.0.0.1:{server.port}",
            poll_seconds=0.01,
        ),
        **facts,
    )


@contextlib.asynccontextmanager
async def playing(clock: FakeClock | None = None, **facts: Any) -> Any:
    """Give a provider and the function that runs a source against it."""
    async with serving() as server:
        settings = settings_of(server, **facts)

        def make(session: aiohttp.ClientSession) -> ChainlinkStreams:
            return ChainlinkStreams(settings, session, **tools(clock))

        yield Provider(server), lambda: running(make)


# --- who asks ----------------------------------------------------------------------------------


def check_signature(request: web.Request, millis: int) -> None:
    """Check a request as the server does: over the target that really came."""
    empty = hashlib.sha256(b"").hexdigest()
    text = f"GET {request.raw_path} {empty} {KEY} {millis}"
    assert request.headers["Authorization"] == KEY
    assert request.headers["X-Authorization-Timestamp"] == str(millis)
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert request.headers["X-Authorization-Signature-SHA256"] == signature
    assert KEY not in str(request.url)


async def test_signs_each_request_with_the_time_at_which_it_is_made() -> None:
    clock = FakeClock()
    async with playing(clock, feeds=(V11_FEED, V8_FEED)) as (provider, run):
        provider.latest = answering(V8(), V11())

        async def later() -> None:
            clock.seconds = 1_020.5

        provider.socket = telling(then=later)
        async with run() as sink:
            await sink.until(faults=2)
        first, second = provider.connected[:2]
        check_signature(first, 1_000_000)
        check_signature(second, 1_020_500)
        check_signature(provider.asked[0], 1_000_000)
        ids = f"0x{V11_FEED.feed_id},0x{V8_FEED.feed_id}"
        assert first.query["feedIDs"] == ids


# --- the two ways ------------------------------------------------------------------------------


async def test_asks_for_each_feed_at_the_start() -> None:
    async with playing(feeds=(V11_FEED, V8_FEED)) as (provider, run):
        provider.latest = answering(V8(), V11())
        async with run() as sink:
            await sink.until(reports=2)
    assert sink.reports[:2] == [reported(V11()), reported(V8())]
    assert not sink.faults


async def test_asks_only_for_the_feed_that_the_socket_leaves_out() -> None:
    async with playing(feeds=(V11_FEED, V8_FEED)) as (provider, run):
        provider.latest = answering(V8())
        provider.socket = telling(message(at(1)))
        async with run() as sink:
            while reported(at(1)) not in sink.reports:
                await sink.until(reports=len(sink.reports) + 1)
            # The round that was under way is over once the feed behind it was answered.
            await sink.until(reports=len(sink.reports) + 2)
            asked = provider.asked_for(V11_FEED)
            await sink.until(reports=len(sink.reports) + 3)
            assert provider.asked_for(V11_FEED) == asked


async def test_asks_again_when_the_socket_told_nothing_for_the_gap() -> None:
    clock = FakeClock()
    async with playing(clock) as (provider, run):
        provider.latest = answering()
        provider.socket = telling(message(at(1)))
        async with run() as sink:
            await sink.until(reports=1)
            provider.latest = answering(at(2))
            clock.seconds += 5
            await sink.until(reports=2)
    assert sink.reports[:2] == [reported(at(1)), reported(at(2))]


@pytest.mark.parametrize(("silent", "is_unheard"), [(0.0, False), (4.9, False), (5.0, True)])
async def test_a_feed_is_unheard_after_the_gap(silent: float, *, is_unheard: bool) -> None:
    clock, sink = FakeClock(), Recorder()
    async with serving() as server, aiohttp.ClientSession() as session:
        source = ChainlinkStreams(settings_of(server), session, **tools(clock))
    assert source._is_unheard(V11_FEED)
    source._take(message(at(1)), Courier(name="streams", sink=sink))
    clock.seconds += silent
    assert source._is_unheard(V11_FEED) is is_unheard


async def test_a_time_seen_that_goes_back_is_passed_on() -> None:
    back = V11(observations=NOW + 2, seen=(NOW - 60) * 10**9)
    async with playing() as (provider, run):
        provider.socket = telling(message(at(1)), message(back))
        async with run() as sink:
            await sink.until(reports=2)
    first, second = sink.reports[:2]
    assert second.order > first.order
    assert second.observed_at < first.observed_at


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feeds", "found"),
    [
        ((), "expected at least one feed"),
        ((V11_FEED, replace(V8_FEED, symbol="NVDA")), "expected one stream of each symbol"),
    ],
)
def test_refuses_settings_that_cannot_be_meant(feeds: tuple[StreamFeed, ...], found: str) -> None:
    with pytest.raises(ValueError, match=found):
        StreamsSettings(name="streams", feeds=feeds, api_key=KEY, api_secret=SECRET)


def test_no_secret_is_in_a_repr() -> None:
    shown = repr(StreamsSettings(name="s", feeds=(V11_FEED,), api_key=KEY, api_secret=SECRET))
    assert KEY not in shown
    assert SECRET not in shown
