"""What a sample of the book monitor costs: a hundred markets, fifty levels a side within 50 bp.

python -m tests.bench.bench_book_monitor
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Final

from prometheus_client import CollectorRegistry

from monitors.book import BookMonitor
from monitors.book_liquidity_metrics import BookLiquidityMetrics
from risk.liquidity import DISTANCES, LiquidityRules
from risk.margin import Account
from risk.order_book import Level, OrderBook
from risk.sessions import Session
from risk.units import AccountId, MarketId, PriceE8, QuoteAtoms, Seconds, account_id
from tests.builders import NOW, make_market, price, shares, usd
from venues.port import TradeSettled

MARKETS: Final = 100
LEVELS: Final = 50
ROUNDS: Final = 200
SYMBOLS: Final = tuple(f"M{number}" for number in range(MARKETS))
MARK: Final = price(200)
STEP: Final = price("0.02")
"""1 bp: levels of one side are that far apart, so the widest distance takes all fifty."""
MAKERS: Final = tuple(account_id(bytes([number]) * 20, 0) for number in range(1, 6))


class Venue:
    """A hundred markets, a clock, and who listens."""

    def __init__(self) -> None:
        self.distrust: str | None = None
        self.now = NOW
        self.markets = {
            MarketId(number): make_market(number, symbol=symbol, expiry=Seconds(10**9))
            for number, symbol in enumerate(SYMBOLS)
        }
        self.tick: Callable[[], None] = lambda: None
        self.settle: Callable[[TradeSettled], None] = lambda _: None

    def account(self, account: AccountId) -> Account:
        """Give an account without positions."""
        return Account(id=account, collateral=QuoteAtoms(0), positions=())

    def on_clock(self, listener: Callable[[], None]) -> None:
        """Keep the listener."""
        self.tick = listener

    def on_trade(self, listener: Callable[[TradeSettled], None]) -> None:
        """Keep the listener."""
        self.settle = listener

    def on_replaced(self, listener: Callable[[], None]) -> None:
        """No snapshot comes."""


class Shelf:
    """A book for every market."""

    def __init__(self) -> None:
        self._books = {symbol: _book() for symbol in SYMBOLS}

    def book(self, symbol: str) -> OrderBook | None:
        """Give a market's book."""
        return self._books[symbol]


def _book() -> OrderBook:
    def level(away: int) -> Level:
        return PriceE8(MARK + away), shares(5)

    return OrderBook(
        bids=[level(-STEP * place) for place in range(1, LEVELS + 1)],
        asks=[level(STEP * place) for place in range(1, LEVELS + 1)],
    )


def run() -> dict[str, float]:
    """Give the median CPU time of a sample of all markets, of showing them, and of a trade."""
    venue = Venue()
    monitor = BookMonitor(
        venue=venue,
        books=Shelf(),
        session_of=lambda _symbol, _now: Session.WEEKEND,
        markets=dict.fromkeys(SYMBOLS, LiquidityRules(effective_notional=usd(20_000))),
        makers=MAKERS,
        metrics=BookLiquidityMetrics.create(
            CollectorRegistry(), symbols=SYMBOLS, distances=DISTANCES
        ),
    )
    trades = [_trade(number) for number in range(MARKETS)]
    samples, shows, tells = [], [], []
    for _ in range(ROUNDS):
        venue.now = Seconds(venue.now + 1)
        tells.append(_cpu(lambda: [venue.settle(trade) for trade in trades]))
        samples.append(_cpu(venue.tick))
        shows.append(_cpu(monitor.show))
    known = monitor.liquidity(SYMBOLS[-1])
    assert known is not None
    assert known.book is not None
    assert known.book.bid.depth == tuple(
        sum(5 * (MARK - STEP * place) // 100 for place in range(1, count + 1))
        for count in (10, 25, 50)
    )
    return {
        "book_monitor_100x50_sample_cpu_ms": median(samples) * 1_000,
        "book_monitor_100x50_show_cpu_ms": median(shows) * 1_000,
        "book_monitor_trade_cpu_us": median(tells) * 1_000_000 / MARKETS,
    }


def _trade(number: int) -> TradeSettled:
    return TradeSettled(
        market=MarketId(number),
        taker=AccountId(number << 100),
        maker=MAKERS[number % len(MAKERS)],
        size=shares(1),
        price=MARK,
        taker_fee=QuoteAtoms(100),
        maker_fee=QuoteAtoms(-20),
    )


def _cpu(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


if __name__ == "__main__":
    sys.stdout.write(json.dumps({key: round(value, 3) for key, value in run().items()}) + "\n")
