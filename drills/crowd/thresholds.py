"""At which price each account of a crowd in one market is liquidated: what a fall sets off, all at once.

For models and calibration, in floats; the exact judge of a drill is the keeper's own. With one position, equity
c + q + s·P meets maintenance margin r·|s|·P − d at P = (−c − q − d) / (s·(1 − r)) for a long and
P = (−c − q − d) / (s·(1 + r)) for a short. The tier is that of the notional at the mark.
"""

from dataclasses import dataclass

import numpy as np

from drills.crowd.draw import Crowd
from drills.crowd.house import Floats
from risk.units import ATOMS_PER_USD, NOTIONAL_SCALE, PPM_SCALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Accounts with a position, in order of the columns; prices as parts of the mark, amounts in USD."""

    price: Floats
    """0 or less: never."""
    notional: Floats
    """Signed, at the mark."""

    @property
    def open_interest(self) -> float:
        """Give the sum of longs at the mark."""
        return float(self.notional[self.notional > 0].sum())

    def fallen(self, part: float) -> Floats:
        """Give the notionals of the longs that a fall to `part` of the mark liquidates."""
        hit: Floats = self.notional[(self.notional > 0) & (self.price >= part)]
        return hit


def thresholds(crowd: Crowd) -> Thresholds:
    """Give the thresholds of a crowd of one market; raises ValueError for one of several."""
    if len(crowd.markets) != 1:
        raise ValueError(f"expected a crowd of one market, found {len(crowd.markets)}")
    (market,) = crowd.markets.values()
    held = crowd.accounts.positions
    cash = crowd.accounts.collateral[crowd.accounts.position_count > 0].astype(np.float64)
    value = held.size * (market.mark / NOTIONAL_SCALE)
    exposure = np.abs(value)
    rate, deduction = np.zeros(len(value)), np.zeros(len(value))
    for tier in market.tiers:
        inside = exposure >= tier.lower_bound
        rate[inside], deduction[inside] = tier.rate / PPM_SCALE, float(tier.deduction)
    kept = np.where(value > 0, 1 - rate, 1 + rate)
    price = (-cash - held.quote - deduction) / (value * kept)
    return Thresholds(price=price, notional=value / ATOMS_PER_USD)
