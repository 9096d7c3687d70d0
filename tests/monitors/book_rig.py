"""A book board that a test can wait for, and a venue that does what a test says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from random import Random

import aiohttp
from prometheus_client import CollectorRegistry

from drills.book_server import BookServer
from drills.matching_engine import MatchingEngine
from monitors.prices.book_board import BookBoard, BookMessage, BookRules
from monitors.prices.book_feed import BookFeed, BookFeedSettings
from monitors.prices.book_metrics import BookMetrics
from risk.margin import Account
from risk.market import Market
from risk.units import AccountId, Seconds
from runtime.clock import SystemClock
from tests.builders import NOW, make_market, usd
from tests.monitors.prices.servers import Recorder
from venues.port import TradeSettled

DAY = Seconds(86_400)


class StagedVenue:
    """Implements `monitors.book.Venue`: one market, AAPL, unless a test adds others."""

    def __init__(self, *markets: Market) -> None:
        self.now = NOW
        self.distrust: str | None = None
        listed = markets or (make_market(expiry=DAY),)
        self.markets = {market.id: market for market in listed}
        self.accounts: dict[AccountId, Account] = {}
        self._clock: list[Callable[[], None]] = []
        self._trades: list[Callable[[TradeSettled], None]] = []
        self._replaced: list[Callable[[], None]] = []

    def account(self, account: AccountId) -> Account:
        return self.accounts[account]

    def on_clock(self, listener: Callable[[], None]) -> None:
        self._clock.append(listener)

    def on_trade(self, listener: Callable[[TradeSettled], None]) -> None:
        self._trades.append(listener)

    def on_replaced(self, listener: Callable[[], None]) -> None:
        self._replaced.append(listener)

    # --- for tests --------------------------------------------------------------------------

    def tick(self, seconds: int = 1) -> None:
        """Let the clock move."""
        self.now = Seconds(self.now + seconds)
        for listener in self._clock:
            listener()

    def settle(self, trade: TradeSettled) -> None:
        """Tell a trade."""
        for listener in self._trades:
            listener(trade)

    def replace(self) -> None:
        """Tell that a snapshot came."""
        for listener in self._replaced:
            listener()


class Board(BookBoard):
    """A book board on the staged venue's clock."""

    def __init__(self, venue: StagedVenue, *symbols: str) -> None:
        self.metrics = BookMetrics.create(CollectorRegistry(), symbols=symbols)
        super().__init__(
            impact_notional=dict.fromkeys(symbols, usd(1_000)),
            metrics=self.metrics,
            venue_now=lambda: venue.now,
            rules=BookRules(stale_after=Seconds(10)),
        )
        self._told = asyncio.Event()

    def take(self, message: BookMessage) -> None:
        self._told.set()
        super().take(message)

    def heard(self, time_ms: int) -> None:
        self._told.set()
        super().heard(time_ms)

    def drop(self, symbol: str) -> None:
        self._told.set()
        super().drop(symbol)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self._told.clear()
                await self._told.wait()

    async def until_as(self, engine: MatchingEngine) -> None:
        """Wait until all that the engine said has come."""
        held = self._held[engine.market]
        await self.until(lambda: held.book is not None and held.sequence == engine.sequence)


@contextlib.asynccontextmanager
async def publishing(server: BookServer) -> AsyncIterator[BookServer]:
    """Run a book server while the block lasts."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run(stop))
        await server.started.wait()
        try:
            yield server
        finally:
            stop.set()


@contextlib.asynccontextmanager
async def fed(url: str, board: Board) -> AsyncIterator[None]:
    """Keep a board told while the block lasts."""
    stop = asyncio.Event()
    async with aiohttp.ClientSession() as session:
        feed = BookFeed(
            BookFeedSettings(name="book", url=url),
            session,
            board=board,
            metrics=board.metrics,
            clock=SystemClock(),
            random=Random(1),
        )
        task = asyncio.create_task(feed.run(Recorder(), stop))
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await task
