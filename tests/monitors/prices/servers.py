"""Small servers on loopback that speak the providers' real shapes, and misbehave on demand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import aiohttp
import orjson
from aiohttp import WSMsgType, web

from monitors.prices.port import FaultKind, PriceSource
from monitors.prices.reconnect import ReconnectRules
from risk.price_report import PriceReport
from runtime.backoff import Backoff

KEY = "pk-live-5up3rs3cr3t"
FAST = ReconnectRules(
    backoff=Backoff(first_seconds=0.01, most_seconds=0.02), rate_limit_seconds=0.01
)


class FakeClock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds


class Recorder:
    """A sink that keeps all it is given and lets a test wait for it."""

    def __init__(self) -> None:
        self.reports: list[PriceReport] = []
        self.faults: list[tuple[FaultKind, str]] = []
        self._changed = asyncio.Event()

    @property
    def kinds(self) -> list[FaultKind]:
        return [kind for kind, _ in self.faults]

    def on_report(self, report: PriceReport) -> None:
        self.reports.append(report)
        self._changed.set()

    def on_fault(self, source: str, kind: FaultKind, detail: str) -> None:
        assert source
        self.faults.append((kind, detail))
        self._changed.set()

    async def until(self, *, reports: int = 0, faults: int = 0) -> None:
        async with asyncio.timeout(20):
            while len(self.reports) < reports or len(self.faults) < faults:
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def running(
    make: Callable[[aiohttp.ClientSession], PriceSource],
) -> AsyncIterator[Recorder]:
    """Run a source; at the end stop it and see that no task and no connection is left."""
    sink, stop = Recorder(), asyncio.Event()
    connector = aiohttp.TCPConnector(force_close=True)
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession(connector=connector) as session:
        task = asyncio.create_task(make(session).run(sink, stop))
        try:
            yield sink
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await task
        await asyncio.sleep(0)
        assert not connector._acquired
        left = {
            item
            for item in asyncio.all_tasks() - before
            if not item.get_coro().__qualname__.startswith("RequestHandler.")  # the server's own
        }
        assert not left, left


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """One provider; set `on_get` (HTTP), `on_stream` (events) or `on_socket` to script it."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[web.Request] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.received: list[Any] = []
        self.on_get: Handler = self._nothing
        self.on_socket: Callable[[web.WebSocketResponse], Awaitable[None]] = self._silence
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hermes"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/v1/stream", self._websocket)
        application.router.add_get("/{path:.*}", self._get)
        self._runner = web.AppRunner(application, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.on_get(request)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        with contextlib.suppress(ConnectionError):
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.received.append(orjson.loads(message.data))
                    await self.on_socket(socket)
        return socket

    async def _nothing(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text=f"nothing at {request.path}")

    async def _silence(self, socket: web.WebSocketResponse) -> None:
        assert not socket.closed


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def always(body: bytes, *, status: int = 200, kind: str = "application/json") -> Handler:
    """Answer every request alike."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, content_type=kind)

    return answer


def events(*datas: bytes, then: Callable[[], Awaitable[None]] | None = None) -> Handler:
    """Answer with a stream of events, do `then`, and close the stream cleanly."""

    async def answer(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for data in datas:
            await stream.write(b"data:" + data + b"\n\n")
        if then is not None:
            await then()
        return stream

    return answer


async def forever() -> None:
    await asyncio.Event().wait()


def tools(clock: FakeClock | None = None) -> dict[str, Any]:
    """Give what every source wants besides its settings and session."""
    return {"clock": clock or FakeClock(), "random": Random(7), "rules": FAST}
