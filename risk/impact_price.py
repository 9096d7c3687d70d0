"""What a stated notional could be sold or bought for in an order book: the impact prices.

    average = notional / size,   size = Σ s_i + (notional − Σ p_i · s_i) / p_last

over the levels from the best one on: whole ones (p_i, s_i) while they fit, and of the last one as much
as is left. All of it is exact, with one division at the end, rounded against whoever trades: what is
sold brings less (down), what is bought costs more (up). A level too small to matter moves nothing,
so one share cannot stand for the market.
"""

from collections.abc import Iterable

from risk.internal_price import ImpactPrices
from risk.order_book import Level
from risk.units import NOTIONAL_SCALE, PriceE8, QuoteAtoms, div_ceil, div_floor


def impact_prices(
    *, bids: Iterable[Level], asks: Iterable[Level], notional: QuoteAtoms
) -> ImpactPrices:
    """Give the average prices at which `notional` could be sold into `bids` and bought from `asks`.

    Levels come best first; a side without that depth gives None. Raises ValueError for a notional
    that is not above 0.
    """
    if notional <= 0:
        raise ValueError(f"expected an impact notional above 0, found {notional} quote atoms")
    sold, bought = _average(bids, notional), _average(asks, notional)
    return ImpactPrices(
        bid=None if sold is None else PriceE8(div_floor(*sold)),
        ask=None if bought is None else PriceE8(div_ceil(*bought)),
    )


def _average(levels: Iterable[Level], notional: QuoteAtoms) -> tuple[int, int] | None:
    """Give the average price as numerator and denominator; None without the depth.

    With S the size and R the value left when the last level (price p) is reached, it is
    notional / (S + R / p) = notional · p / (S · p + R), values in 1e-16 USD.
    """
    whole = notional * NOTIONAL_SCALE
    left = whole
    taken = 0
    for price, size in levels:
        value = price * size
        if value >= left:
            return whole * price, taken * price + left
        left -= value
        taken += size
    return None
