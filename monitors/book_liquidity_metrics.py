"""What the book monitor exports of every market: depth, spreads, makers, skew, refills.

Labels are closed sets: the venue's symbols, sides, distances of the rules. Never a maker. A figure that
is not known is NaN, never 0, and `bellkeeper_liquidity_unknown` says so by name: a comparison
with NaN is false, so an alert on little liquidity must ask for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from risk.liquidity import BookLiquidity, Side
from risk.maker_shares import MakerShares
from risk.market_liquidity import Figure, MarketLiquidity
from risk.session_averages import SessionAverage
from risk.units import ATOMS_PER_USD, PPM_SCALE, Ppm
from runtime.metrics import gauge

PPM_PER_BP: Final = 100

_MARKET_GAUGES: Final = {
    "quoted_spread": (
        "bellkeeper_liquidity_quoted_spread_ratio",
        "Distance between best bid and best ask, as a share of their middle",
    ),
    "makers": (
        "bellkeeper_liquidity_makers",
        "Owners who made the market for another in the window",
    ),
    "largest_share": (
        "bellkeeper_liquidity_largest_maker_ratio",
        "The largest maker's part of the makers' volume in the window",
    ),
    "volume": ("bellkeeper_liquidity_volume_usd", "Volume settled in the window"),
    "maker_volume": (
        "bellkeeper_liquidity_maker_volume_usd",
        "Volume of the window in which one owner made the market for another",
    ),
    "taker_fees": ("bellkeeper_liquidity_taker_fees_usd", "Fees of takers in the window"),
    "maker_fees": ("bellkeeper_liquidity_maker_fees_usd", "Fees that makers paid in the window"),
    "rebates": ("bellkeeper_liquidity_rebates_usd", "Rebates that makers were paid in the window"),
    "skew": (
        "bellkeeper_liquidity_open_interest_skew_ratio",
        "Part of the open interest by which others are net long (+) or short (-) against the makers",
    ),
    "sampled_at": (
        "bellkeeper_liquidity_sampled_timestamp_seconds",
        "The venue's time of the last sample",
    ),
    "session_observed": (
        "bellkeeper_liquidity_session_observed_seconds",
        "Time of the running session in which the book was known",
    ),
    "session_unknown": (
        "bellkeeper_liquidity_session_unknown_seconds",
        "Time of the running session in which no book was known",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLiquidityMetrics:
    """Collectors of the book monitor."""

    depth: Gauge
    session_depth: Gauge
    effective_spread: Gauge
    recovery: Gauge
    unknown: Gauge
    by_market: Mapping[str, Gauge]
    distances: tuple[str, ...]
    """The label of each distance: `10bp`."""

    @classmethod
    def create(
        cls, registry: CollectorRegistry, *, symbols: Sequence[str], distances: Sequence[Ppm]
    ) -> "BookLiquidityMetrics":
        """Create the collectors on a registry, with every label combination there is."""
        labels = tuple(distance_label(distance) for distance in distances)
        sides = [side.value for side in Side]
        by_side = {"market": symbols, "side": sides}
        by_distance = {**by_side, "distance": labels}
        return cls(
            depth=gauge(
                registry,
                "bellkeeper_liquidity_depth_usd",
                "What rests on a side of the book within a distance of the mark",
                by_distance,
            ),
            session_depth=gauge(
                registry,
                "bellkeeper_liquidity_session_depth_usd",
                "Depth averaged by time over what was seen of the running session",
                by_distance,
            ),
            effective_spread=gauge(
                registry,
                "bellkeeper_liquidity_effective_spread_ratio",
                "Twice the distance of the average fill of the notional from the middle, as a share of it",
                by_side,
            ),
            recovery=gauge(
                registry,
                "bellkeeper_liquidity_recovery_seconds",
                "Median time until depth that a trade took was back",
                by_side,
            ),
            unknown=gauge(
                registry,
                "bellkeeper_liquidity_unknown",
                "Whether a figure of the market is not known (1)",
                {"market": symbols, "figure": [figure.value for figure in Figure]},
            ),
            by_market={
                key: gauge(registry, name, text, {"market": symbols})
                for key, (name, text) in _MARKET_GAUGES.items()
            },
            distances=labels,
        )

    def show(self, symbol: str, known: MarketLiquidity | None) -> None:
        """Set a market's gauges; None: nothing of it is known now."""
        for figure in Figure:
            is_unknown = known is None or figure in known.unknown
            self.unknown.labels(symbol, figure.value).set(is_unknown)
        self._show_book(symbol, None if known is None else known.book)
        self._show_shares(symbol, None if known is None else known.shares)
        self._show_session(symbol, None if known is None else known.average)
        for side in Side:
            took = None if known is None else known.recovery(side)
            self.recovery.labels(symbol, side.value).set(_number(took))
        self._set(symbol, "skew", None if known is None else known.skew, PPM_SCALE)
        self._set(symbol, "sampled_at", None if known is None else known.sampled_at)

    def _show_book(self, symbol: str, book: BookLiquidity | None) -> None:
        self._set(symbol, "quoted_spread", None if book is None else book.quoted_spread, PPM_SCALE)
        for side in Side:
            part = None if book is None else book.side(side)
            spread = None if part is None else part.effective_spread
            self.effective_spread.labels(symbol, side.value).set(_number(spread, PPM_SCALE))
            depths = None if part is None else part.depth
            for place, label in enumerate(self.distances):
                depth = None if depths is None else depths[place]
                self.depth.labels(symbol, side.value, label).set(_number(depth, ATOMS_PER_USD))

    def _show_shares(self, symbol: str, shares: MakerShares | None) -> None:
        self._set(symbol, "makers", None if shares is None else shares.makers)
        share = None if shares is None else shares.largest_share
        self._set(symbol, "largest_share", share, PPM_SCALE)
        money = {
            "volume": None if shares is None else shares.volume,
            "maker_volume": None if shares is None else shares.maker_volume,
            "taker_fees": None if shares is None else shares.taker_fees,
            "maker_fees": None if shares is None else shares.maker_fees,
            "rebates": None if shares is None else shares.rebates,
        }
        for key, atoms in money.items():
            self._set(symbol, key, atoms, ATOMS_PER_USD)

    def _show_session(self, symbol: str, average: SessionAverage | None) -> None:
        self._set(symbol, "session_observed", None if average is None else average.observed)
        self._set(symbol, "session_unknown", None if average is None else average.unknown)
        for side in Side:
            part = None if average is None else average.side(side)
            for place, label in enumerate(self.distances):
                depth = None if part is None else part.depth[place].value
                shown = self.session_depth.labels(symbol, side.value, label)
                shown.set(_number(depth, ATOMS_PER_USD))

    def _set(self, symbol: str, key: str, value: int | None, scale: int = 1) -> None:
        self.by_market[key].labels(symbol).set(_number(value, scale))


def distance_label(distance: Ppm) -> str:
    """Write a distance as people read it: `10bp`, or `25ppm` where it is no whole number of bp."""
    whole, rest = divmod(distance, PPM_PER_BP)
    return f"{distance}ppm" if rest else f"{whole}bp"


def _number(value: int | None, scale: int = 1) -> float:
    return nan if value is None else value / scale
