"""How well the weekend's mark foresaw the reopening, against the frozen close."""

from collections.abc import Mapping
from statistics import median

from drills import weekend
from drills.mark_history import MarkHistory
from drills.weekend_prices import WeekendPrices
from risk.market import Market
from risk.units import MarketId, PriceE8, Seconds

BASIS_POINTS = 10_000
AFTER_SECONDS = 60
"""After the reopening: what outside markets say then is the truth that is compared with."""


def reopening_report(
    markets: Mapping[MarketId, Market], history: MarkHistory, prices: WeekendPrices
) -> dict[str, object]:
    """Give the distance from the outside price at the reopening, in basis points, over all markets."""
    ours, frozen = [], []
    for number, market in markets.items():
        # Compared on the basis of Friday's close, as the mark of that moment still is.
        outside = prices.outside_unsplit(market.symbol, Seconds(weekend.REOPEN + AFTER_SECONDS))
        mark, close = (history.at(number, moment) for moment in (weekend.REOPEN, weekend.CLOSE))
        if mark is not None and close is not None:
            ours.append(_distance(mark, outside))
            frozen.append(_distance(close, outside))
    if not ours:
        return {"markets": 0}
    return {
        "markets": len(ours),
        "mark_median_bp": round(median(ours), 1),
        "mark_worst_bp": round(max(ours), 1),
        "frozen_close_median_bp": round(median(frozen), 1),
        "frozen_close_worst_bp": round(max(frozen), 1),
    }


def _distance(price: PriceE8, outside: PriceE8) -> float:
    return abs(price / outside - 1) * BASIS_POINTS
