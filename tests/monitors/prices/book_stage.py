"""A book board that a test can wait for, an engine that trades, and a feed between the two."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from random import Random
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from drills.book_server import BookServer
from drills.matching_engine import MatchingEngine, Side
from monitors.prices.book_board import (
    BookBoard,
    BookMessage,
    BookRules,
    BookSnapshot,
    BookTrade,
    BookUpdate,
)
from monitors.prices.book_feed import BookFeed, BookFeedSettings
from monitors.prices.book_metrics import BookMetrics
from risk.order_book import OrderBook
from risk.units import AccountId, PriceE8, Seconds, SizeE8
from tests.builders import NOW, price, shares, usd
from tests.monitors.prices.servers import FakeClock, Recorder, tools

NOW_MS = NOW * 1_000
TRADER = AccountId(1)
SNAPSHOT = BookSnapshot(
    market="AAPL",
    sequence=7,
    time_ms=NOW_MS,
    bids=((price(100), shares(10)), (price(99), shares(10))),
    asks=((price(101), shares(10)), (price(102), shares(10))),
)
UPDATE = BookUpdate(
    market="AAPL", sequence=8, previous=7, time_ms=NOW_MS, bids=((price(100), shares(4)),), asks=()
)
TRADE = BookTrade(market="AAPL", sequence=8, previous=7, time_ms=NOW_MS, price=price(101))


class Board(BookBoard):
    """A book board that a test can wait for, and whose venue's time it sets."""

    def __init__(self, *symbols: str) -> None:
        self.now = NOW
        self.registry = CollectorRegistry()
        self.metrics = BookMetrics.create(self.registry, symbols=symbols)
        super().__init__(
            impact_notional=dict.fromkeys(symbols, usd(1_500)),
            metrics=self.metrics,
            venue_now=lambda: self.now,
            rules=BookRules(stale_after=Seconds(10), trade_stale_after=Seconds(60)),
        )
        self._changed_event = asyncio.Event()

    def take(self, message: BookMessage) -> None:
        self._changed_event.set()
        super().take(message)

    def heard(self, time_ms: int) -> None:
        self._changed_event.set()
        super().heard(time_ms)

    def drop(self, symbol: str) -> None:
        self._changed_event.set()
        super().drop(symbol)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self._changed_event.clear()
                await self._changed_event.wait()

    async def until_as(self, engine: MatchingEngine) -> None:
        """Wait until all that the engine said has come."""
        held = self._held[engine.market]
        await self.until(lambda: held.book is not None and held.sequence == engine.sequence)

    def count(self, name: str, market: str = "AAPL") -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_book_{name}", {"market": market})


@contextlib.asynccontextmanager
async def publishing(*engines: MatchingEngine, port: int = 0) -> AsyncIterator[BookServer]:
    server = BookServer(
        {engine.market: engine for engine in engines},
        now_ms=lambda: NOW_MS,
        port=port,
        heartbeat_seconds=3_600,
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(stop))
        await server.started.wait()
        try:
            yield server
        finally:
            stop.set()


@contextlib.asynccontextmanager
async def following(
    url: str, board: Board, clock: FakeClock | None = None, **facts: Any
) -> AsyncIterator[Recorder]:
    """Run a feed into a board; at the end see that it stops, and that no book is left."""
    sink, stop = Recorder(), asyncio.Event()
    settings = replace(BookFeedSettings(name="book", url=url), **facts)
    async with aiohttp.ClientSession() as session:
        feed = BookFeed(settings, session, board=board, metrics=board.metrics, **tools(clock))
        task = asyncio.create_task(feed.run(sink, stop))
        try:
            yield sink
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await task
    assert not any(board.is_followed(symbol) for symbol in board.symbols)
    assert sink.reports == []


def make_engine(market: str = "AAPL") -> MatchingEngine:
    return MatchingEngine(market, now_ms=lambda: NOW_MS)


def book_of(engine: MatchingEngine) -> OrderBook:
    return OrderBook(bids=engine.bids, asks=engine.asks)


def order_at_random(engine: MatchingEngine, random: Random) -> None:
    side, size = random.choice(tuple(Side)), SizeE8(random.randint(1, 10**10))
    match random.randint(0, 9):
        case 0:
            engine.market_order(TRADER, side, size)
        case 1 | 2 | 3:
            engine.cancel(random.randint(1, engine.sequence + 1))
        case _:
            engine.limit(TRADER, side, PriceE8(random.randint(95, 105) * 10**8 + 1), size)


def quote(engine: MatchingEngine, *, bid: int = 100, ask: int = 101) -> None:
    engine.limit(TRADER, Side.BUY, price(bid), shares(10))
    engine.limit(TRADER, Side.SELL, price(ask), shares(10))


def lose(engine: MatchingEngine, act: Callable[[], object]) -> None:
    """Let what the engine does stay untold."""
    listeners = engine._listeners[:]
    engine._listeners.clear()
    act()
    engine._listeners.extend(listeners)
