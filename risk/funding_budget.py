"""How much of an account's slack is set aside for funding, and until when that lasts.

An account that pays at most `pays` atoms a second may be left alone for `horizon` seconds if
`pays · horizon` is taken off its budget. At most a quarter of the budget goes there, so an account
near the line gets a short horizon, and at most an hour, spread by row so that a million accounts
loaded together do not fall due together. With less than a second nothing is set aside: time moves
in whole seconds, and the next one wakes the account.
"""

from math import inf
from typing import Final

import numpy as np

from risk.columns import Int64Column
from risk.units import Seconds
from risk.valuation import FloatColumn

_LONGEST: Final = 3_600.0
_SHARE: Final = 0.25
_SPREAD: Final = 40_503
_EARLY: Final = 1e-6
"""Seconds: more than float64 rounds a time by, so that `due` never comes late."""
_ROUND_FROM: Final = 60.0
_ROUND_TO: Final = 8.0
"""Longer horizons end on a common beat, so that accounts come in batches, not one by one."""


def set_aside(row: int, budget: float, pays: float, now: Seconds) -> tuple[float, float]:
    """Give what is left of an account's budget, and the time until which that holds."""
    if pays <= 0:
        return budget, inf
    longest = _LONGEST * (0.5 + (row * _SPREAD & 0xFFFF) / 0x20000)
    horizon = min(longest, _SHARE * budget / pays)
    if horizon < 1:
        return budget, now + 1.0
    due = now + horizon - _EARLY
    if horizon > _ROUND_FROM:
        due -= due % _ROUND_TO
    return budget - pays * horizon, due


def set_aside_many(
    rows: Int64Column, budget: FloatColumn, pays: FloatColumn, now: Seconds
) -> tuple[FloatColumn, FloatColumn]:
    """Do the same for many accounts."""
    longest = _LONGEST * (0.5 + (rows * _SPREAD & 0xFFFF) / 0x20000)
    is_paying = pays > 0
    affordable = np.divide(_SHARE * budget, pays, out=np.zeros(len(rows)), where=is_paying)
    horizon = np.minimum(longest, affordable)
    is_brief = horizon < 1
    due = now + horizon - _EARLY
    due -= np.where(horizon > _ROUND_FROM, due % _ROUND_TO, 0.0)
    due[is_brief] = now + 1.0
    due[~is_paying] = inf
    spent = np.where(is_brief, 0.0, pays * horizon)
    return budget - spent, due
