"""What the survey of the accounts exports: notional by market, side, and distance to liquidation.

Labels are closed sets: the venue's symbols, the side that is hurt, stretches of distance. Never an account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from risk.liquidation_map import LiquidationMap
from risk.market import Market
from risk.units import ATOMS_PER_USD, PPM_SCALE, MarketId, Ppm, QuoteAtoms, div_floor

EDGES: Final = (Ppm(10_000), Ppm(20_000), Ppm(50_000), Ppm(100_000), Ppm(200_000))
"""Of the stretches of distance that the status page and the metric show, as shares of the mark."""
_PERCENTS: Final = tuple(div_floor(edge * 100, PPM_SCALE) for edge in EDGES)
DISTANCES: Final = (
    "under_margin",
    f"under_{_PERCENTS[0]}_percent",
    *(f"{low}_to_{high}_percent" for low, high in pairwise(_PERCENTS)),
    f"over_{_PERCENTS[-1]}_percent",
)
"""Names of the buckets of a survey with `EDGES`, the nearest first."""
LONG: Final = "long"
"""Liquidated when the price falls."""
SHORT: Final = "short"
"""Liquidated when the price rises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationMapMetrics:
    """Collectors of the survey."""

    notional: Gauge
    surveyed_at: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "LiquidationMapMetrics":
        """Create the collectors on a registry; a market's series begin with `follow`."""
        return cls(
            notional=Gauge(
                "bellkeeper_liquidation_distance_notional_usd",
                "Notional by the adverse move of its market's mark, at least, that gets it liquidated.",
                ("market", "side", "distance"),
                registry=registry,
            ),
            surveyed_at=Gauge(
                "bellkeeper_liquidation_distance_timestamp_seconds",
                "The venue's time of the last survey of all accounts; 0 before the first.",
                registry=registry,
            ),
        )

    def follow(self, markets: Iterable[Market]) -> None:
        """Create the series of every market, so that a dashboard sees zeros and not gaps."""
        for market in markets:
            for side in (LONG, SHORT):
                for distance in DISTANCES:
                    self.notional.labels(market.symbol, side, distance)

    def show(self, found: LiquidationMap, markets: Mapping[MarketId, Market]) -> None:
        """Set every gauge of the markets that were surveyed."""
        for side, rows in ((LONG, found.longs), (SHORT, found.shorts)):
            for number, cells in rows.items():
                self._show_row(markets[number].symbol, side, cells)
        self.surveyed_at.set(found.now)

    def _show_row(self, symbol: str, side: str, cells: Sequence[QuoteAtoms]) -> None:
        for distance, atoms in zip(DISTANCES, cells, strict=True):
            self.notional.labels(symbol, side, distance).set(atoms / ATOMS_PER_USD)
