"""What the accounts monitor exports: the state of the venue in whole dollars and seconds.

Labels are closed sets: a market's symbol, a status, a doubt. Never an account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from risk.market import Market
from risk.price_guard import Doubt
from risk.units import ATOMS_PER_USD, MarketId, MarketStatus

PRICE_SCALE: Final = 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMetrics:
    """Collectors of the accounts monitor."""

    accounts: Gauge
    positions: Gauge
    under_margin: Gauge
    insurance_fund: Gauge
    snapshots: Counter
    interruptions: Counter
    is_trusted: Gauge
    venue_time: Gauge
    applied_block: Gauge
    mark: Gauge
    index: Gauge
    price_timestamp: Gauge
    price_updates: Counter
    status: Gauge
    doubt: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "AccountMetrics":
        """Create the collectors on a registry."""

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"bellkeeper_{name}", text, labels, registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"bellkeeper_{name}", text, labels, registry=registry)

        return cls(
            accounts=gauge("accounts", "Accounts held in the account book"),
            positions=gauge("positions", "Open positions held in the account book"),
            under_margin=gauge(
                "accounts_under_margin", "Accounts whose equity is below maintenance margin"
            ),
            insurance_fund=gauge("insurance_fund_usd", "Insurance fund of the exchange in USD"),
            snapshots=counter("snapshots", "Snapshots loaded since start"),
            interruptions=counter("feed_interruptions", "Times the feed lost touch since start"),
            is_trusted=gauge("state_trusted", "1 while what is held may be acted on"),
            venue_time=gauge(
                "venue_time_timestamp_seconds", "The venue's clock: timestamp of the newest block"
            ),
            applied_block=gauge("applied_block_number", "Newest block applied"),
            mark=gauge("mark_price_usd", "Mark price", "market"),
            index=gauge("index_price_usd", "Index price", "market"),
            price_timestamp=gauge(
                "price_timestamp_seconds", "Time of the mark price on the venue's clock", "market"
            ),
            price_updates=counter(
                "price_updates", "Prices and other market changes seen", "market"
            ),
            status=gauge(
                "market_status", "1 for the status that the market is in", "market", "status"
            ),
            doubt=gauge(
                "price_doubt",
                "1 for the reason not to act on the market's price",
                "market",
                "doubt",
            ),
        )

    def follow(self, markets: Mapping[MarketId, Market]) -> None:
        """Create the series of every market, so that a dashboard sees zeros and not gaps."""
        for market in markets.values():
            self.price_updates.labels(market.symbol)
            self.show_market(market, None)

    def note_price(self, market: Market) -> None:
        """Count an update; the gauges are set when somebody looks, not on the hot path."""
        self.price_updates.labels(market.symbol).inc()

    def show_market(self, market: Market, doubt: Doubt | None) -> None:
        """Set a market's gauges."""
        self.mark.labels(market.symbol).set(market.mark / PRICE_SCALE)
        self.index.labels(market.symbol).set(market.index / PRICE_SCALE)
        self.price_timestamp.labels(market.symbol).set(market.price_timestamp)
        for status in MarketStatus:
            self.status.labels(market.symbol, status.name.lower()).set(market.status is status)
        for reason in Doubt:
            self.doubt.labels(market.symbol, reason.value).set(doubt is reason)

    def show_insurance(self, atoms: int) -> None:
        """Set the insurance fund, given in atoms."""
        self.insurance_fund.set(atoms / ATOMS_PER_USD)
