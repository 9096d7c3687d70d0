"""Pyth Pro (Lazer): one subscription on every host at once, each update taken once.

The hosts are redundant and each may fail alone, so all are listened to. Off hours a price is
carried forward in every update: `feedUpdateTimestamp` says how old it is, and is `observed_at`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import aiohttp

from monitors.prices.decimals import (
    price_from_mantissa,
    read_integer,
    read_time,
    width_from_mantissa,
)
from monitors.prices.http import load_json, member, shown
from monitors.prices.port import FaultKind, ReportSink, SourceFault, WrongShapeError
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected
from monitors.prices.websocket import as_text, listen
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.units import PriceE8, Seconds, div_floor
from runtime.clock import Clock

MICROS_PER_SECOND: Final = 10**6
SESSIONS: Final[Mapping[str, Session]] = {
    "regular": Session.REGULAR,
    "preMarket": Session.PRE,
    "postMarket": Session.POST,
    "overNight": Session.OVERNIGHT,
    # Pyth does not say why it is closed; what matters is that no outside market leads.
    "closed": Session.WEEKEND,
}
REMEMBERED_UPDATES: Final = 256
"""Of each feed: 51 s at 200 ms, longer than a host lags behind the others and still is of use."""
ERROR_TYPES: Final = frozenset({"error", "subscriptionError"})
PROPERTIES: Final = (
    "price", "confidence", "publisherCount", "exponent", "marketSession", "feedUpdateTimestamp",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProSettings:
    """How to speak to Pyth Pro; times in seconds."""

    name: str
    hosts: tuple[str, ...]
    """WebSocket URLs, all listened to."""
    feeds: Mapping[int, str]
    """Symbol of our market by Pyth Pro's feed number."""
    api_key: str = field(repr=False)
    channel: str = "fixed_rate@200ms"
    silence_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProMessage:
    """What one message says: prices, or a fault, or nothing of interest."""

    reports: tuple[tuple[int, PriceReport], ...] = ()
    """Each with its feed number."""
    fault: FaultKind | None = None
    detail: str = ""


def parse_pro(payload: bytes, *, source: str, feeds: Mapping[int, str]) -> list[PriceReport]:
    """Read the reports of one message; a message that holds no prices gives none."""
    message = parse_pro_message(payload, source=source, feeds=feeds)
    return [report for _, report in message.reports]


def parse_pro_message(payload: bytes, *, source: str, feeds: Mapping[int, str]) -> ProMessage:
    """Read one message of any type; types that we do not know say nothing.

    A feed without a price (too few publishers) is left out. Raises WrongShapeError for the whole
    message if any entry that we asked for is malformed.
    """
    message = load_json(payload)
    kind = member(message, "type", str, "the message")
    if kind in ERROR_TYPES:
        return ProMessage(
            fault=FaultKind.REFUSED,
            detail=f"expected prices, found {kind!r}: {shown(message.get('error'))}",
        )
    if kind == "subscribedWithInvalidFeedIdsIgnored":
        return ProMessage(
            fault=FaultKind.UNKNOWN_FEED,
            detail=f"expected all feeds to be known, found {_ignored(message)} ignored",
        )
    if kind != "streamUpdated":
        return ProMessage()
    parsed = member(message, "parsed", dict, "the update")
    order = Micros(_micros(parsed, "timestampUs"))
    entries = member(parsed, "priceFeeds", list, "'parsed'")
    read = (_entry(entry, source, feeds, order) for entry in entries)
    return ProMessage(reports=tuple(found for found in read if found is not None))


def _ignored(message: dict[str, Any]) -> str:
    """Name the ignored feeds, which come as a list or by the reason why they were ignored."""
    return shown(message.get("ignoredInvalidFeedIds", message.get("ignoredInvalidFeeds", "some")))


def _entry(
    entry: object, source: str, feeds: Mapping[int, str], order: Micros
) -> tuple[int, PriceReport] | None:
    if not isinstance(entry, dict):
        raise WrongShapeError(f"expected a feed to be an object, found a {type(entry).__name__}")
    feed_id = read_integer(entry.get("priceFeedId"), "priceFeedId")
    symbol = feeds.get(feed_id)
    if symbol is None or entry.get("price") is None:
        return None
    exponent = entry.get("exponent")
    updated = _micros(entry, "feedUpdateTimestamp")
    width, publishers = entry.get("confidence"), entry.get("publisherCount")
    return feed_id, PriceReport(
        source=source,
        symbol=symbol,
        price=price_from_mantissa(entry["price"], exponent),
        confidence=PriceE8(0) if width is None else width_from_mantissa(width, exponent),
        observed_at=Seconds(div_floor(updated, MICROS_PER_SECOND)),
        order=order,
        publishers=None if publishers is None else read_integer(publishers, "publisherCount"),
        session=_session(entry.get("marketSession")),
    )


def _micros(message: dict[str, Any], key: str) -> int:
    return read_time(message.get(key), key, per_second=MICROS_PER_SECOND)


def _session(told: object) -> Session | None:
    """Give the session told; a word that we do not know is UNKNOWN, never open."""
    if told is None:
        return None
    return SESSIONS.get(told, Session.UNKNOWN) if isinstance(told, str) else Session.UNKNOWN


class SeenUpdates:
    """Which updates of each feed were taken already, among the last `REMEMBERED_UPDATES`.

    Remembered one by one, not as a high-water mark: one host with a clock in the future would
    otherwise silence all the others.
    """

    def __init__(self) -> None:
        self._seen: dict[int, OrderedDict[int, None]] = {}

    def is_new(self, feed_id: int, order: int) -> bool:
        """Say whether this update comes for the first time, and remember it."""
        seen = self._seen.setdefault(feed_id, OrderedDict())
        if order in seen:
            return False
        seen[order] = None
        if len(seen) > REMEMBERED_UPDATES:
            seen.popitem(last=False)
        return True


class PythPro:
    """A `PriceSource` that listens to every host of Pyth Pro."""

    def __init__(
        self,
        settings: ProSettings,
        session: aiohttp.ClientSession,
        *,
        clock: Clock,
        random: Random,
        rules: ReconnectRules | None = None,
    ) -> None:
        if not settings.hosts:
            raise ValueError("expected at least one host of Pyth Pro, found none")
        self._settings = settings
        self._session = session
        self._clock = clock
        self._random = random
        self._rules = rules or ReconnectRules()
        self._seen = SeenUpdates()

    @property
    def name(self) -> str:
        """Name of the source as configured."""
        return self._settings.name

    async def run(self, sink: ReportSink, stop: asyncio.Event) -> None:
        """Listen to all hosts until `stop`; a fault names its host by its place in the list."""
        courier = Courier(name=self.name, sink=sink, secrets=(self._settings.api_key,))
        async with asyncio.TaskGroup() as group:
            for place, url in enumerate(self._settings.hosts):
                group.create_task(self._host(courier, place, url, stop))

    async def _host(self, courier: Courier, place: int, url: str, stop: asyncio.Event) -> None:
        settings = self._settings
        courier = Courier(
            name=courier.name,
            sink=courier.sink,
            secrets=courier.secrets,
            about=f"host {place}: ",
        )
        subscribe = as_text(
            {
                "type": "subscribe",
                "subscriptionId": 1,
                "priceFeedIds": sorted(settings.feeds),
                "properties": PROPERTIES,
                "formats": [],
                "channel": settings.channel,
                "ignoreInvalidFeeds": True,
            }
        )

        async def serve() -> None:
            await listen(
                self._session,
                url,
                headers={"Authorization": f"Bearer {settings.api_key}"},
                subscribe=subscribe,
                silence_seconds=settings.silence_seconds,
                on_payload=lambda payload: self._take(payload, courier),
            )

        await keep_connected(
            courier,
            serve,
            stop=stop,
            rules=self._rules,
            clock=self._clock,
            random=self._random,
        )

    def _take(self, payload: bytes, courier: Courier) -> None:
        """Hand on what is new; a malformed message is told and the next one waited for."""
        try:
            message = parse_pro_message(payload, source=self.name, feeds=self._settings.feeds)
        except WrongShapeError as error:
            courier.tell(error.kind, str(error))
            return
        if message.fault is FaultKind.REFUSED:
            raise SourceFault(message.fault, message.detail)
        if message.fault is not None:
            courier.tell(message.fault, message.detail)
        for feed_id, report in message.reports:
            if self._seen.is_new(feed_id, report.order):
                courier.sink.on_report(report)
