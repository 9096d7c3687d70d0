"""The venue's own order books and last trades, as its matching engine tells them.

A book is held only while every message about it has come: a missing one, a bid that reaches the
ask, a message that cannot be read, a lost connection each drop it until the next snapshot. A book that
nobody has confirmed for a while counts as none, and so does a trade long past; both by the venue's
clock. It is asked far less often than it is told, so impact prices are computed when asked for,
and once for each state of a book.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from monitors.prices.book_metrics import BookMetrics
from risk.impact_price import impact_prices
from risk.internal_price import ImpactPrices
from risk.mark_price import BookPrices
from risk.order_book import Level, OrderBook
from risk.units import PriceE8, QuoteAtoms, Seconds

MILLIS_PER_SECOND: Final = 1_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSnapshot:
    """A whole book, as it is after the message numbered `sequence`."""

    market: str
    sequence: int
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookUpdate:
    """New sizes of some levels; follows the message numbered `previous`."""

    market: str
    sequence: int
    previous: int
    time_ms: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTrade:
    """A trade; follows the message numbered `previous` and leaves the book to the next update."""

    market: str
    sequence: int
    previous: int
    time_ms: int
    price: PriceE8


BookMessage = BookSnapshot | BookUpdate | BookTrade


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRules:
    """When what is held counts no more, in seconds of the venue's clock."""

    stale_after: Seconds = Seconds(10)
    """Longest silence about a book: neither a message nor a heartbeat."""
    trade_stale_after: Seconds = Seconds(300)


@dataclass(slots=True)
class _Held:
    """What is held of one market."""

    book: OrderBook | None = None
    sequence: int = 0
    seen_ms: int = 0
    impact: ImpactPrices | None = None
    """Of this state of the book; None: not computed yet."""
    trade: BookTrade | None = None


class BookBoard:
    """The book and the last trade of each market that has an impact notional.

    Every method raises KeyError for another market.
    """

    def __init__(
        self,
        *,
        impact_notional: Mapping[str, QuoteAtoms],
        metrics: BookMetrics,
        venue_now: Callable[[], Seconds],
        rules: BookRules | None = None,
    ) -> None:
        self._impact_notional = dict(impact_notional)
        self._held = {symbol: _Held() for symbol in impact_notional}
        self._metrics = metrics
        self._venue_now = venue_now
        self._rules = rules or BookRules()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Give the markets that the board was made for."""
        return tuple(self._held)

    def book(self, symbol: str) -> OrderBook | None:
        """Give the book now, to be read and not kept; None when none is followed, or it is stale."""
        return self._current(symbol, self._venue_now())

    def mid(self, symbol: str) -> PriceE8 | None:
        """Give the middle of the book now; None for no book or a one-sided one."""
        book = self.book(symbol)
        return None if book is None else book.mid

    def prices(self, symbol: str, now: Seconds) -> BookPrices:
        """Give what the mark wants to know of the book at `now`; None where there is nothing."""
        held, book = self._held[symbol], self._current(symbol, now)
        trade = held.trade
        if trade is not None and not _is_near(trade.time_ms, now, self._rules.trade_stale_after):
            trade = None
        last_trade = None if trade is None else trade.price
        if book is None:
            return BookPrices(last_trade=last_trade)
        if held.impact is None:
            held.impact = impact_prices(
                bids=book.walk_bids(),
                asks=book.walk_asks(),
                notional=self._impact_notional[symbol],
            )
        return BookPrices(
            impact=held.impact,
            best_bid=book.best_bid,
            best_ask=book.best_ask,
            last_trade=last_trade,
        )

    def is_followed(self, symbol: str) -> bool:
        """Say whether a book is held of which nothing is missing, however old."""
        return self._held[symbol].book is not None

    def take(self, message: BookMessage) -> None:
        """Take a message about a market; ValueError for levels that cannot be, and no book then."""
        held = self._held[message.market]
        try:
            if isinstance(message, BookSnapshot):
                self._take_snapshot(held, message)
            else:
                self._take_next(held, message)
        except ValueError:
            self.drop(message.market)
            raise

    def heard(self, time_ms: int) -> None:
        """Learn from the venue that up to this time of its clock nothing is missing."""
        for symbol, held in self._held.items():
            self._seen(symbol, held, time_ms)

    def drop(self, symbol: str) -> None:
        """Hold no book of this market until the next snapshot; its last trade stays a fact."""
        held = self._held[symbol]
        held.book = held.impact = None
        self._metrics.followed.labels(symbol).set(0)

    def forget(self, symbol: str) -> None:
        """Hold neither book nor last trade of a market: its prices changed their meaning."""
        if symbol in self._held:
            self.drop(symbol)
            self._held[symbol].trade = None

    def _current(self, symbol: str, now: Seconds) -> OrderBook | None:
        held = self._held[symbol]
        return held.book if _is_near(held.seen_ms, now, self._rules.stale_after) else None

    def _take_snapshot(self, held: _Held, snapshot: BookSnapshot) -> None:
        if held.book is not None and snapshot.sequence < held.sequence:
            self._metrics.out_of_order.labels(snapshot.market).inc()
            return
        held.book = OrderBook(bids=snapshot.bids, asks=snapshot.asks)
        held.sequence = snapshot.sequence
        self._metrics.followed.labels(snapshot.market).set(1)
        self._changed(snapshot.market, held, held.book)
        self._seen(snapshot.market, held, snapshot.time_ms)

    def _take_next(self, held: _Held, message: BookUpdate | BookTrade) -> None:
        symbol = message.market
        if message.sequence <= held.sequence:
            self._metrics.out_of_order.labels(symbol).inc()
            return
        if held.book is not None and message.previous != held.sequence:
            log.warning(
                "order_book_gap", market=symbol, held=held.sequence, previous=message.previous
            )
            self._metrics.gaps.labels(symbol).inc()
            self.drop(symbol)
        held.sequence = message.sequence
        if isinstance(message, BookTrade):
            # A fact by itself, whether or not the book is followed.
            self._take_trade(held, message)
        elif held.book is not None:
            held.book.apply(bids=message.bids, asks=message.asks)
            self._changed(symbol, held, held.book)
        self._seen(symbol, held, message.time_ms)

    def _changed(self, symbol: str, held: _Held, book: OrderBook) -> None:
        held.impact = None
        self._metrics.updates.labels(symbol).inc()
        if book.is_crossed:
            log.warning(
                "order_book_crossed", market=symbol, bid_e8=book.best_bid, ask_e8=book.best_ask
            )
            self._metrics.crossed.labels(symbol).inc()
            self.drop(symbol)

    def _take_trade(self, held: _Held, trade: BookTrade) -> None:
        self._metrics.trades.labels(trade.market).inc()
        held.trade = trade
        self._metrics.traded_at.labels(trade.market).set(trade.time_ms / MILLIS_PER_SECOND)

    def _seen(self, symbol: str, held: _Held, time_ms: int) -> None:
        # The last word, not the latest time: a time from the future must not keep a book fresh.
        if held.book is not None:
            held.seen_ms = time_ms
            self._metrics.seen_at.labels(symbol).set(time_ms / MILLIS_PER_SECOND)


def _is_near(time_ms: int, now: Seconds, most: Seconds) -> bool:
    """Say whether a time lies within `most` of now: one far ahead tells as little as an old one."""
    return abs(now * MILLIS_PER_SECOND - time_ms) <= most * MILLIS_PER_SECOND
