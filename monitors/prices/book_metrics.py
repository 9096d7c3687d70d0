"""What the book board exports of every market: that its book is followed, how often it was lost, why.

Labels are closed sets: the venue's symbols. A book's age is the venue's clock less
`bellkeeper_book_seen_timestamp_seconds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.metrics import counter, gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMetrics:
    """Collectors of the book board and its feed."""

    updates: Counter
    trades: Counter
    out_of_order: Counter
    gaps: Counter
    crossed: Counter
    malformed: Counter
    resyncs: Counter
    followed: Gauge
    seen_at: Gauge
    traded_at: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry, *, symbols: Sequence[str]) -> "BookMetrics":
        """Create the collectors on a registry, with every label combination there is."""
        by_market = {"market": symbols}
        return cls(
            updates=counter(
                registry,
                "bellkeeper_book_updates",
                "Snapshots and changes of the order book taken since start",
                by_market,
            ),
            trades=counter(
                registry, "bellkeeper_book_trades", "Trades heard of since start", by_market
            ),
            out_of_order=counter(
                registry,
                "bellkeeper_book_out_of_order",
                "Messages no newer than the book that was held, which were left out",
                by_market,
            ),
            gaps=counter(
                registry,
                "bellkeeper_book_gaps",
                "Books dropped because a message was missing",
                by_market,
            ),
            crossed=counter(
                registry,
                "bellkeeper_book_crossed",
                "Books dropped because the best bid reached the best ask",
                by_market,
            ),
            malformed=counter(
                registry,
                "bellkeeper_book_malformed",
                "Books dropped because a message about them could not be read",
                by_market,
            ),
            resyncs=counter(
                registry,
                "bellkeeper_book_resyncs",
                "Snapshots asked for again",
                by_market,
            ),
            followed=gauge(
                registry,
                "bellkeeper_book_followed",
                "Whether a book is held and no message about it is missing (1) or not (0)",
                by_market,
            ),
            seen_at=gauge(
                registry,
                "bellkeeper_book_seen_timestamp_seconds",
                "The venue's time at which the book was last known to be complete",
                by_market,
            ),
            traded_at=gauge(
                registry,
                "bellkeeper_book_trade_timestamp_seconds",
                "The venue's time of the last trade",
                by_market,
            ),
        )
