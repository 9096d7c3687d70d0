"""A round of samples gives way: a few markets in each turn of the event loop, and every market in the end."""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from monitors.book import MARKETS_PER_TURN, BookMonitor
from monitors.book_liquidity_metrics import BookLiquidityMetrics
from risk.liquidity import DISTANCES, LiquidityRules
from risk.order_book import OrderBook
from risk.sessions import Session
from tests.builders import usd
from tests.monitors.book_rig import StagedVenue

SYMBOLS = tuple(f"M{number}" for number in range(3 * MARKETS_PER_TURN + 1))


class Shelf:
    """Counts who was looked at."""

    def __init__(self) -> None:
        self.looked_at: list[str] = []

    def book(self, symbol: str) -> OrderBook | None:
        self.looked_at.append(symbol)
        return None


class Turns:
    """An event loop that a test turns by hand."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def defer(self, turn: Callable[[], None]) -> None:
        self.waiting.append(turn)

    def take(self) -> None:
        self.waiting.pop(0)()


def monitor(
    venue: StagedVenue, shelf: Shelf, defer: Callable[[Callable[[], None]], object]
) -> BookMonitor:
    return BookMonitor(
        venue=venue,
        books=shelf,
        session_of=lambda _symbol, _now: Session.REGULAR,
        markets=dict.fromkeys(SYMBOLS, LiquidityRules(effective_notional=usd(1_000))),
        makers=(),
        metrics=BookLiquidityMetrics.create(
            CollectorRegistry(), symbols=SYMBOLS, distances=DISTANCES
        ),
        defer=defer,
    )


def test_no_turn_samples_more_than_a_few_and_a_round_samples_each_once() -> None:
    venue, shelf, turns = StagedVenue(), Shelf(), Turns()
    seen = monitor(venue, shelf, turns.defer)
    venue.tick()
    assert shelf.looked_at == list(SYMBOLS[:MARKETS_PER_TURN])
    assert seen.liquidity(SYMBOLS[-1]) is None
    while turns.waiting:
        before = len(shelf.looked_at)
        turns.take()
        assert len(shelf.looked_at) - before <= MARKETS_PER_TURN
    assert shelf.looked_at == list(SYMBOLS)
    assert seen.liquidity(SYMBOLS[-1]) is not None


def test_a_round_that_takes_long_is_ended_before_the_next_begins() -> None:
    venue, shelf, turns = StagedVenue(), Shelf(), Turns()
    seen = monitor(venue, shelf, turns.defer)
    venue.tick()
    venue.tick(5)
    assert len(turns.waiting) == 1
    while turns.waiting:
        turns.take()
    assert shelf.looked_at == list(SYMBOLS)
    # Each market is sampled as it is in its turn.
    last = seen.liquidity(SYMBOLS[-1])
    assert last is not None
    assert last.sampled_at == venue.now
    venue.tick()
    assert len(shelf.looked_at) == len(SYMBOLS) + MARKETS_PER_TURN


def test_a_round_ends_when_the_feed_is_interrupted() -> None:
    venue, shelf, turns = StagedVenue(), Shelf(), Turns()
    monitor(venue, shelf, turns.defer)
    venue.tick()
    venue.distrust = "the socket was lost"
    turns.take()
    assert turns.waiting == []
    assert len(shelf.looked_at) == MARKETS_PER_TURN
    venue.distrust = None
    venue.tick()
    assert len(shelf.looked_at) == 2 * MARKETS_PER_TURN


async def test_others_run_between_the_turns_of_a_real_loop() -> None:
    venue, shelf = StagedVenue(), Shelf()
    monitor(venue, shelf, asyncio.get_running_loop().call_soon)
    venue.tick()
    seen = [len(shelf.looked_at)]
    while seen[-1] < len(SYMBOLS):
        await asyncio.sleep(0)
        seen.append(len(shelf.looked_at))
    assert seen == [8, 16, 24, 25]
