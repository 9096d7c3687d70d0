"""Many accounts valued at once in float64, each with a bound on how wrong that is.

Let S be an account's exact slack in atoms and S~ the same formula without any rounding, and with
the maintenance margin as the largest of the tiers' lines. Per position they differ by less than

    1 (floor of the value) + 1 (ceil of what is owed) + |q|/1e14 (floor of the funding index)
    + 2 (ceil of the notional, rates being at most 1, and of the margin) + tier slop

where the slop is how far the tiers fail to meet at their bounds (deductions are rounded). float64
adds at most `ROUNDING` of the sum of the magnitudes that went in: every term takes fewer than ten
roundings of 2^-53 and an account sums at most 128 positions, together below 180 of them.
So `slack - error > 0` proves S > 0, and `slack + error < 0` proves S < 0; between them only
integers can tell. Floats are allowed here because of that bound, and nowhere else but in the
trigger index, which is built on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.market import Market, Tier
from risk.position_slots import SlotColumn
from risk.units import (
    FUNDING_NUMERATOR_SCALE,
    FUNDING_SCALE,
    NOTIONAL_SCALE,
    PPM_SCALE,
    MarketId,
    Seconds,
)

FloatColumn: TypeAlias = NDArray[np.float64]

ROUNDING: Final = 2e-14
ATOMS_PER_POSITION: Final = 4.0
INDEX_HEADROOM: Final = 1.5
"""The index price may grow by this factor before the pace of funding is set anew."""


class MarketPace:
    """What bounds how fast one share in a market can change an account's slack.

    `fall` and `rise`: slack lost per unit of a long's value when the price falls, (1 − lowest
    rate), and of a short's when it rises, (1 + highest rate); the margin is convex, so these are
    its extreme slopes. `pace`: funding per 1e-8 share and second, in atoms, at `index_cap`.
    """

    __slots__ = ("allowance", "fall", "index_cap", "pace", "rise", "tiers")

    def __init__(self, market: Market) -> None:
        self.tiers = _lines(market)
        lowest, highest = self.tiers[0][0], self.tiers[-1][0]
        if not 0 <= lowest <= highest <= 1:
            raise ValueError(
                f"expected maintenance rates from 0 to 100 %, found {lowest:%} to {highest:%} "
                f"in market {market.id}"
            )
        self.fall = 1.0 - lowest
        self.rise = 1.0 + highest
        self.index_cap = int(market.index * INDEX_HEADROOM) + 1
        self.pace = market.funding_rate * self.index_cap / FUNDING_NUMERATOR_SCALE / FUNDING_SCALE
        self.allowance = ATOMS_PER_POSITION + (0.0 if market.is_settled else _slop(market.tiers))


class MarketColumns:
    """Every market's mark, funding, tiers and pace as columns by market number."""

    def __init__(self, markets: Mapping[MarketId, Market], paces: Mapping[int, MarketPace]) -> None:
        size = max(markets, default=-1) + 1
        depth = max((len(pace.tiers) for pace in paces.values()), default=1)
        self.mark: FloatColumn = np.zeros(size)
        self.funding: FloatColumn = np.zeros(size)
        self.fall: FloatColumn = np.zeros(size)
        self.rise: FloatColumn = np.zeros(size)
        self.pace: FloatColumn = np.zeros(size)
        self.allowance: FloatColumn = np.zeros(size)
        self.rate: FloatColumn = np.zeros((depth, size))
        self.deduction: FloatColumn = np.zeros((depth, size))
        self._markets = markets
        for number, pace in paces.items():
            self.set_pace(number, pace)

    def set_pace(self, number: int, pace: MarketPace) -> None:
        """Learn a market's rules; its tiers must not be more than there is room for."""
        self.fall[number] = pace.fall
        self.rise[number] = pace.rise
        self.pace[number] = pace.pace
        self.allowance[number] = pace.allowance
        for depth in range(len(self.rate)):
            rate, deduction = pace.tiers[min(depth, len(pace.tiers) - 1)]
            self.rate[depth, number] = rate
            self.deduction[depth, number] = deduction

    def read(self, now: Seconds) -> None:
        """Take every market's mark and cumulative funding of this moment."""
        for number, market in self._markets.items():
            self.mark[number] = market.mark
            self.funding[number] = market.funding_index(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """Some accounts, by their place among the rows asked for; money in atoms as floats.

    `gross` is Σ r·m: what slack can lose if every price moves against the account by its whole
    self. `pays`, `receives`: funding per second at the cap, of the positions that pay and of those
    that receive. `slots` and `owners` as `AccountBook.slots_of` gives them.
    """

    slack: FloatColumn
    error: FloatColumn
    allowance: FloatColumn
    gross: FloatColumn
    notional: FloatColumn
    pays: FloatColumn
    receives: FloatColumn
    slots: SlotColumn
    owners: SlotColumn


def value_rows(book: AccountBook, markets: MarketColumns, rows: Int64Column) -> Valuation:
    """Value accounts at the marks and the moment that `markets` last read."""
    slots, owners = book.slots_of(rows)
    held = book.slots
    market = held.market[slots].astype(np.intp)
    size = held.size[slots].astype(np.float64)
    quote = held.quote[slots].astype(np.float64)
    settled = held.funding[slots].astype(np.float64)
    funding = markets.funding[market]
    value = size * markets.mark[market] / NOTIONAL_SCALE
    notional = np.abs(value)
    owed = size * (funding - settled) / FUNDING_SCALE
    required = np.zeros(len(slots))
    for rate, deduction in zip(markets.rate, markets.deduction, strict=True):
        np.maximum(required, notional * rate[market] - deduction[market], out=required)
    magnitude = 4 * notional + np.abs(quote)
    magnitude += np.abs(size) * (np.abs(funding) + np.abs(settled)) / FUNDING_SCALE
    drift = size * markets.pace[market]
    weight = np.where(size > 0, markets.fall[market], markets.rise[market])
    allowance = markets.allowance[market] + np.abs(size) / FUNDING_SCALE

    def total(column: FloatColumn) -> FloatColumn:
        sums = np.bincount(owners, weights=column, minlength=len(rows))
        return cast("FloatColumn", sums)

    collateral = book.rows.collateral[rows].astype(np.float64)
    atoms = total(allowance)
    return Valuation(
        slack=collateral + total(value + quote - owed - required),
        error=ROUNDING * (np.abs(collateral) + total(magnitude)) + atoms,
        allowance=atoms,
        gross=total(notional * weight),
        notional=total(notional),
        pays=total(np.maximum(drift, 0.0)),
        receives=total(np.maximum(-drift, 0.0)),
        slots=slots,
        owners=owners,
    )


def _lines(market: Market) -> tuple[tuple[float, float], ...]:
    if market.is_settled:
        return ((0.0, 0.0),)
    return tuple((tier.rate / PPM_SCALE, float(tier.deduction)) for tier in market.tiers)


def _slop(tiers: tuple[Tier, ...]) -> float:
    """Bound how far the tier that applies can lie from the highest of all the tiers' lines.

    Neighbouring lines cross where they should meet, at the upper one's bound, but for a jump; away
    from the bound they part in the right direction, because rates rise.
    """
    jumps = 0.0
    for lower, upper in pairwise(tiers):
        met = upper.lower_bound * (upper.rate - lower.rate)
        jumps += abs(met / PPM_SCALE - (upper.deduction - lower.deduction))
    return 2 * jumps
