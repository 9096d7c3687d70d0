"""The page on a real socket, with facts that a test sets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from keepers.page.document import SECTIONS, Section
from keepers.page.facts import PageFacts
from keepers.page.routes import page_routes
from keepers.page.stream import Looker, Stream
from runtime.clock import SystemClock
from tests.keepers.page.values import facts


class Shown:
    """A served page."""

    def __init__(
        self,
        *,
        period: float = 0.02,
        most_clients: int = 4,
        slow_seconds: float = 5.0,
        sections: Mapping[str, Section] = SECTIONS,
    ) -> None:
        self.facts = facts()
        self.gathered = 0
        looker = Looker(self._gather, SystemClock(), sections=sections, period_seconds=period)
        self.stream = Stream(
            looker, period_seconds=period, most_clients=most_clients, slow_seconds=slow_seconds
        )
        self.routes = page_routes(looker, self.stream, version="0.1.0")
        self.port = 0
        self.stop = asyncio.Event()

    async def _gather(self) -> PageFacts:
        self.gathered += 1
        return self.facts

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def serving(shown: Shown) -> AsyncIterator[Shown]:
    """Serve on a free port, with the worker that tells who follows."""
    application = web.Application()
    application.add_routes(shown.routes)
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shown.port = int(runner.addresses[0][1])
    worker = asyncio.create_task(shown.stream.run(shown.stop))
    try:
        yield shown
    finally:
        shown.stop.set()
        await worker
        await runner.cleanup()
