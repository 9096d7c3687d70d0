"""A story that local providers tell, and the keeper's own clients that listen to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import aiohttp

from drills.price_servers.running import PriceServers, ServersPlan, running_price_servers
from drills.price_servers.script import ProviderQuote, ProviderScript
from monitors.prices.halt_watch import HaltWatch
from monitors.prices.json_source import JsonSource
from monitors.prices.port import PriceSource
from monitors.prices.pyth_hermes import HermesFeed, HermesSettings, PythHermes
from monitors.prices.pyth_pro import ProSettings, PythPro
from monitors.prices.trading_halts import TradingHalt
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.units import PriceE8, Seconds
from tests.monitors.prices.servers import Recorder, tools

NVDA_FEED, TSLA_FEED = "a" * 64, "b" * 64
NVDA_PRE_FEED = "c" * 64
PLAN = ServersPlan(
    hermes_feeds=(
        HermesFeed(feed_id=f"0x{NVDA_FEED}", symbol="NVDA"),
        HermesFeed(feed_id=TSLA_FEED, symbol="TSLA"),
        HermesFeed(feed_id=NVDA_PRE_FEED, symbol="NVDA", session=Session.PRE),
    ),
    pro_feeds={1: "NVDA", 2: "TSLA"},
    json_providers=("blue", "green"),
)
START = Seconds(1_795_651_200)
"""Wednesday 25 November 2026, 19:00 in New York."""
LATER = Seconds(START + 100)
STOP = Seconds(START + 200)
BASE = {"NVDA": 178_12345678, "TSLA": 391_00000001}


@dataclass(slots=True)
class Venue:
    """A venue's clock that moves when a test says so."""

    at: Seconds = START

    def now(self) -> Seconds:
        return self.at


class Story:
    """Each second is worth a little more; observed two minutes ago, by night."""

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        if symbol not in BASE:
            return None
        return ProviderQuote(
            price=PriceE8(BASE[symbol] + (at - START) * 7 + len(provider)),
            confidence=PriceE8(1_234_567),
            observed_at=Seconds(at - 120),
            session=Session.OVERNIGHT,
            publishers=11,
        )


@dataclass(slots=True)
class Page:
    """A page of halts that a test fills."""

    shown: list[TradingHalt] = field(default_factory=list)

    def halts(self, at: Seconds) -> Sequence[TradingHalt]:
        return [halt for halt in self.shown if halt.halted_at <= at]


@contextlib.asynccontextmanager
async def serving(
    venue: Venue, script: ProviderScript | None = None, page: Page | None = None
) -> AsyncIterator[PriceServers]:
    async with running_price_servers(script or Story(), PLAN, now=venue.now, halts=page) as servers:
        yield servers


@contextlib.asynccontextmanager
async def listening(
    make: Callable[[aiohttp.ClientSession], PriceSource | HaltWatch],
) -> AsyncIterator[Recorder]:
    """Run one of the keeper's own clients."""
    sink, stop = Recorder(), asyncio.Event()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        group.create_task(make(session).run(sink, stop))
        try:
            yield sink
        finally:
            stop.set()


async def until(sink: Recorder, is_enough: Callable[[PriceReport], bool]) -> PriceReport:
    """Wait for the first report that is enough."""
    count = 0
    async with asyncio.timeout(20):
        while True:
            for report in sink.reports[count:]:
                if is_enough(report):
                    return report
            count = len(sink.reports)
            await sink.until(reports=count + 1)


def of(symbol: str, at: Seconds) -> Callable[[PriceReport], bool]:
    """Tell the report of a symbol that was made at a time."""
    return lambda report: report.symbol == symbol and report.order == at * 1_000_000


def told(source: str, provider: str, symbol: str, at: Seconds) -> PriceReport:
    """Give the report that the story amounts to, in the fullest protocol."""
    quote = Story().quote(provider, symbol, at)
    assert quote is not None
    return PriceReport(
        source=source,
        symbol=symbol,
        price=quote.price,
        confidence=quote.confidence,
        observed_at=quote.observed_at,
        order=Micros(at * 1_000_000),
        publishers=quote.publishers,
        session=quote.session,
    )


def hermes_report(symbol: str, at: Seconds) -> PriceReport:
    """Give it as Hermes can tell it: ordered by observation, without session and publishers."""
    report = told("hermes", "hermes", symbol, at)
    order = Micros(report.observed_at * 1_000_000)
    return replace(report, order=order, publishers=None, session=None)


def hermes(
    servers: PriceServers, *, is_streaming: bool = True, key: str = PLAN.api_key, feeds: int = 2
) -> Callable[[aiohttp.ClientSession], PythHermes]:
    settings = HermesSettings(
        name="hermes",
        base_url=servers.hermes.url,
        feeds=PLAN.hermes_feeds[:feeds],
        api_key=key,
        is_streaming=is_streaming,
        poll_seconds=0.01,
    )
    return lambda session: PythHermes(settings, session, **tools())


def pro(
    servers: PriceServers,
    *,
    key: str = PLAN.api_key,
    hosts: slice = slice(None),
    silence: float = 10,
) -> Callable[[aiohttp.ClientSession], PythPro]:
    settings = ProSettings(
        name="pyth_pro",
        hosts=servers.pro_urls[hosts],
        feeds=PLAN.pro_feeds,
        api_key=key,
        silence_seconds=silence,
    )
    return lambda session: PythPro(settings, session, **tools())


def quotes(
    servers: PriceServers, *, is_socket: bool, provider: str = "blue"
) -> Callable[[aiohttp.ClientSession], JsonSource]:
    spec = servers.json_quotes[provider].spec("NVDA", is_socket=is_socket, poll_seconds=0.01)
    return lambda session: JsonSource(spec, session, **tools())
