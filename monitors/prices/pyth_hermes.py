"""Pyth's Hermes, version 2: prices by polling or as server-sent events.

Hermes tells no session; a feed that is about one session only (`.PRE`, `.POST`, `.ON`) is
configured with it. Its order is the publish time in whole seconds, because nothing finer is told.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final
from urllib.parse import urlencode

import aiohttp

from monitors.prices.decimals import price_from_mantissa, read_time, width_from_mantissa
from monitors.prices.http import EventReader, check_status, get_body, load_json, member
from monitors.prices.port import FaultKind, NotJsonError, ReportSink, WrongShapeError
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.units import Seconds
from runtime.clock import Clock
from runtime.supervise import sleep_unless

MICROS_PER_SECOND: Final = 10**6
LIFETIME_NOTICE: Final = "Connection timeout reached"
"""What Hermes writes into a stream before it closes it after 24 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HermesFeed:
    """One price feed of Hermes and the market that it prices."""

    feed_id: str
    """64 hex digits, with or without 0x."""
    symbol: str
    session: Session | None = None
    """The one session that this feed is about; None for a feed of all sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HermesSettings:
    """How to speak to Hermes; times in seconds."""

    name: str
    base_url: str
    """Up to and without `/v2`."""
    feeds: tuple[HermesFeed, ...]
    api_key: str = field(repr=False)
    is_streaming: bool = True
    channel: str | None = None
    """Such as `fixed_rate@1000ms`; None leaves it to Hermes."""
    poll_seconds: float = 2.0
    timeout_seconds: float = 10.0
    """For one answer, and for the silence between two pieces of a stream."""


def feeds_by_id(feeds: tuple[HermesFeed, ...]) -> dict[str, HermesFeed]:
    """Index feeds as `parse_hermes` wants them."""
    return {_plain(feed.feed_id): feed for feed in feeds}


def parse_hermes(
    payload: bytes, *, source: str, feeds: Mapping[str, HermesFeed]
) -> list[PriceReport]:
    """Read one answer or stream event; entries of feeds that nobody asked for are left out.

    Raises WrongShapeError for the whole payload if any entry that we asked for is malformed.
    """
    entries = member(load_json(payload), "parsed", list, "the answer")
    reports = []
    for entry in entries:
        feed = feeds.get(_plain(member(entry, "id", str, "an entry of 'parsed'")))
        if feed is not None:
            reports.append(_report(entry, source, feed))
    return reports


def _report(entry: object, source: str, feed: HermesFeed) -> PriceReport:
    price = member(entry, "price", dict, f"the entry of {feed.symbol}")
    exponent = price.get("expo")
    published = read_time(price.get("publish_time"), "publish_time")
    return PriceReport(
        source=source,
        symbol=feed.symbol,
        price=price_from_mantissa(price.get("price"), exponent),
        confidence=width_from_mantissa(price.get("conf"), exponent),
        observed_at=Seconds(published),
        order=Micros(published * MICROS_PER_SECOND),
        session=feed.session,
    )


def _plain(feed_id: str) -> str:
    return feed_id.lower().removeprefix("0x")


class PythHermes:
    """A `PriceSource` that polls Hermes or listens to its stream."""

    def __init__(
        self,
        settings: HermesSettings,
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
        self._feeds = feeds_by_id(settings.feeds)
        self._headers = {"Authorization": f"Bearer {settings.api_key}"}
        self._given: set[tuple[str, Session | None]] = set()
        self._missing: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name of the source as configured."""
        return self._settings.name

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Give reports until `stop`."""
        courier = Courier(name=self.name, sink=sink, secrets=(self._settings.api_key,))

        async def serve() -> None:
            if self._settings.is_streaming:
                await self._stream(courier)
            else:
                await self._poll(courier, stop)

        await keep_connected(
            courier,
            serve,
            stop=stop,
            rules=self._rules,
            clock=self._clock,
            random=self._random,
        )

    async def _poll(self, courier: Courier, stop: asyncio.Event) -> None:
        while not stop.is_set():
            payload = await get_body(
                self._session,
                self._url("latest"),
                headers=self._headers,
                timeout_seconds=self._settings.timeout_seconds,
                rate_limit_seconds=self._rules.rate_limit_seconds,
            )
            self._take(payload, courier)
            await sleep_unless(stop, self._settings.poll_seconds)

    async def _stream(self, courier: Courier) -> None:
        """Read events until the server closes; an event that is no price is told and skipped."""
        reader = EventReader()
        seconds = self._settings.timeout_seconds
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
        async with self._session.get(
            self._url("stream"), headers=self._headers, timeout=timeout, allow_redirects=False
        ) as answer:
            check_status(answer, self._rules.rate_limit_seconds)
            if answer.content_type != "text/event-stream":
                raise NotJsonError(f"expected an event stream, found {answer.content_type!r}")
            async for chunk in answer.content.iter_any():
                for event in reader.feed(chunk):
                    self._take_event(event, courier)

    def _take_event(self, event: bytes, courier: Courier) -> None:
        try:
            self._take(event, courier)
        except WrongShapeError as error:
            text = courier.clean(event.decode("utf-8", "replace"))[:80]
            if LIFETIME_NOTICE in text:
                # The close follows; whether it came in its time is judged there.
                return
            courier.tell(error.kind, f"{error} ({text!r})")

    def _take(self, payload: bytes, courier: Courier) -> None:
        reports = parse_hermes(payload, source=self.name, feeds=self._feeds)
        for report in reports:
            courier.sink.on_report(report)
        self._tell_missing(reports, courier)

    def _tell_missing(self, reports: list[PriceReport], courier: Courier) -> None:
        """Tell which feeds never came so far, again only when they change.

        A feed that came and then stays away is for the judge: its price grows old.
        """
        self._given.update((report.symbol, report.session) for report in reports)
        missing = frozenset(
            feed.feed_id
            for feed in self._settings.feeds
            if (feed.symbol, feed.session) not in self._given
        )
        if missing and missing != self._missing:
            found = ", ".join(sorted(missing))
            courier.tell(
                FaultKind.UNKNOWN_FEED, f"expected a price of each feed, found none of {found}"
            )
        self._missing = missing

    def _url(self, what: str) -> str:
        # An unknown feed must not cost us the others; those missing are told by ourselves.
        pairs = [("ids[]", _plain(feed.feed_id)) for feed in self._settings.feeds]
        pairs += [("parsed", "true"), ("encoding", "hex"), ("ignore_invalid_price_ids", "true")]
        if self._settings.channel is not None:
            pairs.append(("channel", self._settings.channel))
        return f"{self._settings.base_url}/v2/updates/price/{what}?{urlencode(pairs)}"
