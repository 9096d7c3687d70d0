"""Chainlink Data Streams: a socket that gives every report, and questions where it gives none.

The socket is the main way. A feed of which it told nothing for `gap_seconds`, as at the start, is
asked for over REST until the socket tells it again; so neither a cut socket nor a feed that it
leaves out costs the price. Reports are decoded by `chainlink_reports`; nothing is verified here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

import aiohttp

from monitors.prices.chainlink_auth import signed_headers, with_remedy
from monitors.prices.chainlink_reports import StreamFeed, parse_stream
from monitors.prices.http import get_body
from monitors.prices.port import FaultKind, ReportSink, SourceFault, WrongShapeError
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected, refusal
from monitors.prices.websocket import listen
from risk.price_report import PriceReport
from runtime.clock import Clock
from runtime.supervise import sleep_unless

LATEST_PATH: Final = "/api/v1/reports/latest"
SOCKET_PATH: Final = "/api/v1/ws"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsSettings:
    """How to speak to Data Streams; times in seconds.

    Raises ValueError unless there is a feed, and one at most of each symbol: the streams of one
    name are sources of their own (of one provider), because each repeats another old price.
    """

    name: str
    feeds: tuple[StreamFeed, ...]
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    rest_url: str = "https://api.dataengine.chain.link"
    """Up to and without `/api/v1`."""
    socket_url: str = "wss://ws.dataengine.chain.link"
    """Up to and without `/api/v1`."""
    gap_seconds: float = 5.0
    """How long the socket may tell nothing of a feed before the feed is asked for."""
    poll_seconds: float = 2.0
    """Between two questions for the same feed."""
    silence_seconds: float = 10.0
    """For the silence between two messages of the socket."""
    timeout_seconds: float = 10.0
    """For one answer."""

    def __post_init__(self) -> None:
        symbols = [feed.symbol for feed in self.feeds]
        if not symbols:
            raise ValueError("expected at least one feed of Data Streams, found none")
        if len(set(symbols)) < len(symbols):
            raise ValueError(
                f"expected one stream of each symbol, found {', '.join(sorted(symbols))}:"
                " make a source of each stream of a name"
            )


class ChainlinkStreams:
    """A `PriceSource` that listens to Data Streams, and asks where it hears nothing."""

    def __init__(
        self,
        settings: StreamsSettings,
        session: aiohttp.ClientSession,
        *,
        clock: Clock,
        random: Random,
        rules: ReconnectRules | None = None,
    ) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._random = random
        self._rules = rules or ReconnectRules()
        self._feeds = {feed.key: feed for feed in settings.feeds}
        self._heard_at: dict[str, float] = {}
        """By symbol: when the socket last told it, on the monotonic clock."""
        self._told: dict[str, FaultKind | None] = {}
        """By symbol: which fault of an answer was told last."""

    @property
    def name(self) -> str:
        """Name of the source as configured."""
        return self._settings.name

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Listen and ask until `stop`; a fault begins with the way on which it came."""

        async def keep(about: str, serve: Callable[[Courier], Awaitable[None]]) -> None:
            courier = Courier(
                name=self.name,
                sink=sink,
                secrets=(self._settings.api_key, self._settings.api_secret),
                about=about,
            )
            await keep_connected(
                courier,
                lambda: serve(courier),
                stop=stop,
                rules=self._rules,
                clock=self._clock,
                random=self._random,
            )

        async with asyncio.TaskGroup() as group:
            group.create_task(keep("socket: ", self._listen))
            group.create_task(keep("REST: ", lambda courier: self._poll(courier, stop)))

    # --- the socket -------------------------------------------------------------------------

    async def _listen(self, courier: Courier) -> None:
        ids = ",".join(f"0x{key.hex()}" for key in self._feeds)
        url = f"{self._settings.socket_url}{SOCKET_PATH}?feedIDs={ids}"
        try:
            await listen(
                self._session,
                url,
                headers=self._headers(url),
                subscribe=None,
                silence_seconds=self._settings.silence_seconds,
                on_payload=lambda payload: self._take(payload, courier),
            )
        except aiohttp.WSServerHandshakeError as error:
            retry_after = None if error.headers is None else error.headers.get("Retry-After")
            refused = refusal(error.status, retry_after, self._rules.rate_limit_seconds)
            raise with_remedy(refused) from error
        except SourceFault as fault:
            raise with_remedy(fault) from None

    def _take(self, payload: bytes, courier: Courier) -> None:
        """Hand on a message; a malformed one is told and the next one waited for."""
        try:
            found = parse_stream(payload, source=self.name, feeds=self._feeds)
        except WrongShapeError as error:
            courier.tell(error.kind, str(error))
            return
        if found is not None:
            feed, report = found
            self._heard_at[feed.symbol] = self._clock.monotonic()
            courier.sink.on_report(report)

    # --- REST ------------------------------------------------------------------------------

    async def _poll(self, courier: Courier, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._ask_for_unheard(courier)
            await sleep_unless(stop, self._settings.poll_seconds)

    async def _ask_for_unheard(self, courier: Courier) -> None:
        """Ask for each feed of which the socket tells nothing; one feed's fault is its own.

        Raises the first fault where no feed was answered, so that the delays grow.
        """
        unheard = [feed for feed in self._settings.feeds if self._is_unheard(feed)]
        faults: dict[str, SourceFault] = {}
        for feed in unheard:
            try:
                courier.sink.on_report(await self._latest(feed))
            except WrongShapeError as error:
                faults[feed.symbol] = SourceFault(error.kind, str(error))
            except SourceFault as fault:
                if fault.kind is FaultKind.RATE_LIMITED:
                    raise
                faults[feed.symbol] = with_remedy(fault)
        if faults and len(faults) == len(unheard):
            raise next(iter(faults.values()))
        for feed in unheard:
            self._tell_new(feed, faults.get(feed.symbol), courier)

    def _is_unheard(self, feed: StreamFeed) -> bool:
        heard_at = self._heard_at.get(feed.symbol)
        now = self._clock.monotonic()
        return heard_at is None or now - heard_at >= self._settings.gap_seconds

    def _tell_new(self, feed: StreamFeed, fault: SourceFault | None, courier: Courier) -> None:
        """Tell a feed's fault, again only when it is another one: the feed is asked for often."""
        before = self._told.get(feed.symbol)
        self._told[feed.symbol] = None if fault is None else fault.kind
        if fault is not None and fault.kind is not before:
            courier.tell(fault.kind, f"{feed.symbol}: {fault.detail}")

    async def _latest(self, feed: StreamFeed) -> PriceReport:
        url = f"{self._settings.rest_url}{LATEST_PATH}?feedID=0x{feed.key.hex()}"
        payload = await get_body(
            self._session,
            url,
            headers=self._headers(url),
            timeout_seconds=self._settings.timeout_seconds,
            rate_limit_seconds=self._rules.rate_limit_seconds,
        )
        found = parse_stream(payload, source=self.name, feeds={feed.key: feed})
        if found is None:
            raise WrongShapeError(f"expected the report of {feed.symbol}, found another feed's")
        return found[1]

    def _headers(self, url: str) -> dict[str, str]:
        settings = self._settings
        return signed_headers(
            url,
            api_key=settings.api_key,
            api_secret=settings.api_secret,
            now=self._clock.now(),
        )
