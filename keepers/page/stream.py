"""One look at the process for all who look: rendered at most once a second, told as server-sent events.

Whoever follows is level-triggered: it is told what changed since it was told last, never a queue of what
was missed, so a slow client costs no memory. One that does not take what it is sent is dropped. Nobody
looking costs nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final, Literal

import orjson
import structlog
from aiohttp import web

from keepers.page.document import SECTIONS, VERDICT, Section, broken
from keepers.page.facts import PageFacts
from keepers.page.headers import HEADERS
from runtime.clock import Clock

PERIOD_SECONDS: Final = 1.0
GATHERING: Final = "gathering"
MOST_CLIENTS: Final = 64
SLOW_SECONDS: Final = 5.0
"""A client that has not taken an event after so long is dropped."""
RETRY_MILLISECONDS: Final = 3_000
"""So long a browser waits before it comes back."""

log = structlog.get_logger("page")

Gather = Callable[[], Awaitable[PageFacts]]


class Look:
    """What the page shows at one moment, and since when each section shows it."""

    def __init__(self, version: int, sections: Mapping[str, tuple[int, str]]) -> None:
        self.version = version
        self.sections = sections
        self._events: dict[int, bytes] = {}

    def html(self) -> dict[str, str]:
        """Give every section's HTML."""
        return {name: html for name, (_, html) in self.sections.items()}

    def event(self, seen: int) -> bytes:
        """Give the event for whoever saw version `seen`; made once for all who saw the same."""
        event = self._events.get(seen)
        if event is None:
            changed = {name: html for name, (since, html) in self.sections.items() if since > seen}
            event = b"data: " + orjson.dumps({"sections": changed}) + b"\n\n"
            self._events[seen] = event
        return event


class Looker:
    """Looks at the process when somebody wants to see it, at most once a period."""

    def __init__(
        self,
        gather: Gather,
        clock: Clock,
        *,
        sections: Mapping[str, Section] = SECTIONS,
        period_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._gather, self._clock, self._period = gather, clock, period_seconds
        self._makers = sections
        self._lock = asyncio.Lock()
        self._looked_at: float | None = None
        self._broken: set[str] = set()
        self.look = Look(0, {})

    async def fresh(self) -> Look:
        """Give a look that is at most a period old."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._looked_at is None or now - self._looked_at >= self._period:
                self.look = await self._rendered()
                self._looked_at = now
        return self.look

    async def _rendered(self) -> Look:
        version, sections = self.look.version + 1, dict(self.look.sections)
        try:
            facts = await self._gather()
        except Exception as error:  # noqa: BLE001 - nor one that finds nothing to show
            self._tell_broken(GATHERING, error)
            return Look(version, sections | {VERDICT: (version, broken(VERDICT))})
        self._broken.discard(GATHERING)
        for name, maker in self._makers.items():
            html = self._made(name, maker, facts)
            if name not in sections or sections[name][1] != html:
                sections[name] = (version, html)
            # Whoever liquidates goes first.
            await asyncio.sleep(0)
        return Look(version, sections)

    def _made(self, name: str, maker: Section, facts: PageFacts) -> str:
        try:
            html: str = maker(facts)
        except Exception as error:  # noqa: BLE001 - a page that cannot be drawn stops no liquidation
            self._tell_broken(name, error)
            return broken(name)
        self._broken.discard(name)
        return html

    def _tell_broken(self, name: str, error: Exception) -> None:
        """Log the error, once until it works again."""
        if name not in self._broken:
            self._broken.add(name)
            log.error("page_broken", part=name, exc_info=error)


class Stream:
    """Tells those who follow, once a period; a worker of the process."""

    def __init__(
        self,
        looker: Looker,
        *,
        period_seconds: float = PERIOD_SECONDS,
        most_clients: int = MOST_CLIENTS,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        self._looker, self._period = looker, period_seconds
        self._most, self._slow_seconds = most_clients, slow_seconds
        self._news = asyncio.Event()
        self._followed = asyncio.Event()
        self._is_over = False
        self.clients = 0
        self.dropped = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look once a period while anybody follows, until `stop`."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await _first(stopping, self._followed.wait())
                if not stop.is_set():
                    await self._turn()
                    await _first(stopping, asyncio.sleep(self._period))
        finally:
            stopping.cancel()
            self._is_over = True
            self._tell()

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Tell one client until it goes, is too slow, or the process stops."""
        if self.clients >= self._most or self._is_over:
            return web.Response(
                status=503,
                text=f"expected at most {self._most} followers, found as many: the page refreshes"
                " itself without\n",
                headers={"Retry-After": "10"},
            )
        self.clients += 1
        self._followed.set()
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        try:
            await self._tell_all(request, response)
        except TimeoutError:
            self.dropped += 1
            log.info("slow_page_client_dropped", dropped=self.dropped)
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            # It has gone.
            pass
        finally:
            self.clients -= 1
            if not self.clients:
                self._followed.clear()
        return response

    async def _tell_all(self, request: web.Request, response: web.StreamResponse) -> None:
        await response.prepare(request)
        await self._write(response, f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        await self._looker.fresh()
        seen = 0
        while not self._is_over:
            # Taken before the look: news that come while this client is written to are not missed.
            news, look = self._news, self._looker.look
            if look.version > seen:
                await self._write(response, look.event(seen))
                seen = look.version
            else:
                await news.wait()

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(self._slow_seconds):
            await response.write(data)

    async def _turn(self) -> None:
        await self._looker.fresh()
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def _first(
    stopping: "asyncio.Task[Literal[True]]", other: Coroutine[object, object, object]
) -> None:
    """Wait until either ends; the other wait is given up."""
    waiting = asyncio.create_task(other)
    try:
        await asyncio.wait({stopping, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
