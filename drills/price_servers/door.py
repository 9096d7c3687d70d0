"""One listening port of a local provider, and how a connection can fail.

A door can be down (every request gets an error status), cut (every open connection breaks without a
word) or mute (connections stand, nothing comes). It says nothing about prices.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from drills.price_servers.venue_ticks import VenueTicks
from risk.units import Seconds

HOST: Final = "127.0.0.1"
SHUTDOWN_SECONDS: Final = 0.05
"""What open streams get to end by themselves; they never do."""


class Door:
    """A port on loopback with some routes; its number is known once it is open."""

    def __init__(self, routes: Iterable[web.RouteDef]) -> None:
        self._routes = tuple(routes)
        self._runner: web.AppRunner | None = None
        self._status: int | None = None
        self._transports: set[asyncio.Transport] = set()
        self._speaking = asyncio.Event()
        self._speaking.set()

    async def open(self) -> None:
        """Listen on a free port."""
        application = web.Application(middlewares=[self._meet])
        application.add_routes(self._routes)
        self._runner = web.AppRunner(
            application, shutdown_timeout=SHUTDOWN_SECONDS, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()

    async def close(self) -> None:
        """Stop listening and end every connection; nothing if it was never opened."""
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def address(self) -> str:
        """Give host and port; raises RuntimeError before it is open."""
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("expected an open door, found one that does not listen: open it")
        return f"{HOST}:{self._runner.addresses[0][1]}"

    def go_down(self, status: int = 503) -> None:
        """Answer every request with `status` from now on, and break what is open."""
        self._status = status
        self.cut()

    def come_back(self) -> None:
        """Answer again after `go_down`."""
        self._status = None

    def cut(self) -> None:
        """Break every open connection without a word; new ones are let in."""
        for transport in self._transports:
            transport.abort()

    def mute(self) -> None:
        """Keep connections and let nothing through."""
        self._speaking.clear()

    def speak(self) -> None:
        """Let through again after `mute`."""
        self._speaking.set()

    async def moment_after(self, seen: Seconds | None, ticks: VenueTicks) -> Seconds:
        """Wait for the next venue time at which this door may say something."""
        at = await ticks.after(seen)
        if not self._speaking.is_set():
            await self._speaking.wait()
            at = ticks.look()
        return at

    @web.middleware
    async def _meet(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._status is not None:
            return web.Response(status=self._status)
        transport = request.transport
        if transport is not None:
            self._transports.add(transport)
        try:
            await self._speaking.wait()
            return await handler(request)
        finally:
            if transport is not None:
                self._transports.discard(transport)
