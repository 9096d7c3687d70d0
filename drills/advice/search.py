"""Which margins would have kept bad debt under a target, and how sure that is.

Weekend margin: the least whose fresh accounts go bankrupt in a closure with at most the allowed chance.
Initial margin: the least, with maintenance a fixed part of it (more where liquidation itself needs more),
that keeps the year's bad debt under the target, both as it happened and as the tails expect it. The
discovery bound: one that holds 99 of 100 closures before it is moved, and with both moves the one that
comes once in so many years; at most the weekend margin, the bound that trade.xyz ties to leverage.
Margins lie on a grid and are rounded up. Intervals come from years drawn with replacement: a bad year is
drawn whole, in all series at once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from drills.advice.account import (
    Costs,
    Margins,
    Tails,
    bad_debt,
    least_maintenance,
    tails_of,
)
from drills.advice.gaps import Gaps
from risk.units import PPM_SCALE, Ppm, div_ceil, div_floor

GRID: Final = 2_500
"""Ppm; a quarter of a percent."""
HIGHEST: Final = PPM_SCALE
BOUND_CHANCE: Final = 0.01
RESETS: Final = 2
"""How often the exchange's bound moves its reference in each direction."""
_ROUNDING: Final = 1e-9
LOOKS: Final = 4
_FURTHER: Final = tuple(look * look for look in range(1, LOOKS))
"""Near ones first, in sixteenths of the way to the top: 1, 4 and 9."""
INTERVAL: Final = (0.05, 0.95)
FIGURES: Final = ("initial", "maintenance", "weekend", "closure", "bound")
"""Of an advice, in ppm."""
SHAPES: Final = ("night_shape", "closure_shape")
"""Of the tails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is aimed at."""

    bad_debt_bp: float = 25.0
    """Of open interest at the largest leverage, in a year."""
    closure_chance: float = 0.001
    """Of a fresh account to go bankrupt in one weekend or holiday: one in some nineteen years."""
    maintenance_part: Ppm = Ppm(500_000)
    """Of initial margin; half of it is the field's usual part."""
    return_years: float = 20.0
    """The largest closure of so many years stays inside the discovery bound's whole range."""
    fresh_share: float = 0.5
    """Of open interest that was opened at the last moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is advised; a margin that is None cannot be had below 100 %."""

    initial: Ppm | None
    maintenance: Ppm | None
    weekend: Ppm | None
    """At least the initial margin."""
    closure: Ppm | None
    """What closures alone ask of the weekend margin."""
    bound: Ppm | None

    @property
    def margins(self) -> Margins | None:
        """Give the margins, where there are all three."""
        if self.initial is None or self.maintenance is None or self.weekend is None:
            return None
        return Margins(initial=self.initial, maintenance=self.maintenance, weekend=self.weekend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From the 5th to the 95th percentile of the draws; None above: at least so many had no answer."""

    low: float | None
    high: float | None


def advise(gaps: Gaps, target: Target, costs: Costs) -> Advice:
    """Find the least margins that keep the target on these gaps."""
    tails = tails_of(gaps)
    weekend = _weekend(gaps, tails, target)
    floor = on_grid(least_maintenance(gaps, costs))
    bound = _bound(gaps, tails, target, weekend)
    least = None
    if weekend is not None and floor is not None:
        least = _least(
            lambda step: _holds(_margins(step * GRID, floor, weekend, target), gaps, tails, target)
        )
    if weekend is None or floor is None or least is None:
        return Advice(initial=None, maintenance=None, weekend=None, closure=weekend, bound=bound)
    found = _margins(least * GRID, floor, weekend, target)
    return Advice(
        initial=found.initial,
        maintenance=found.maintenance,
        weekend=found.weekend,
        closure=weekend,
        bound=bound,
    )


def draws(
    gaps: Gaps, target: Target, costs: Costs, *, seed: int, count: int
) -> dict[str, Interval]:
    """Advise on years drawn with replacement; give an interval for each figure of the advice."""
    random = np.random.default_rng(seed)
    years = np.unique(gaps.year)
    rows = {int(year): np.flatnonzero(gaps.year == year) for year in years}
    found: dict[str, list[float | None]] = {name: [] for name in (*FIGURES, *SHAPES)}
    for _ in range(count):
        chosen = random.choice(years, size=len(years), replace=True)
        sample = gaps.rows(np.concatenate([rows[int(year)] for year in chosen]))
        advice, tails = advise(sample, target, costs), tails_of(sample)
        for name in FIGURES:
            found[name].append(getattr(advice, name))
        for name, tail in zip(SHAPES, (tails.night, tails.closure), strict=True):
            found[name].append(None if tail is None else round(tail.shape, 3))
    return {name: _interval(values) for name, values in found.items()}


def without_wildest_nights(gaps: Gaps, count: int) -> Gaps:
    """Take each market's wildest nights of each year away: hindsight, for what such nights cost."""
    is_kept = np.ones(len(gaps), dtype=np.bool_)
    rows: dict[tuple[str, int], list[int]] = {}
    for number, (name, year) in enumerate(zip(gaps.name, gaps.year.tolist(), strict=True)):
        if not gaps.is_closure[number]:
            rows.setdefault((name, year), []).append(number)
    loss = gaps.loss
    for numbers in rows.values():
        is_kept[sorted(numbers, key=lambda number: float(loss[number]))[-count:]] = False
    return gaps.chosen(is_kept)


def _least(holds: Callable[[int], bool]) -> int | None:
    """Give the least number of grid steps that holds, and beyond which all that are looked at do.

    More margin nearly always means less debt, but not quite: it keeps an account alive through a bad
    session that meets the gap all the weaker. So some points above the one that is found are looked at too.
    """
    low, top = 0, div_floor(HIGHEST, GRID)
    if not holds(top):
        return None
    while True:
        high = top
        while high - low > 1:
            middle = (low + high) >> 1
            low, high = (low, middle) if holds(middle) else (middle, high)
        further = [high + div_floor((top - high) * part, LOOKS * LOOKS) for part in _FURTHER]
        failing = [step for step in further if not holds(step)]
        if not failing:
            return high
        low = max(failing)


def on_grid(share: float) -> Ppm | None:
    """Round a share up to the grid; None above 100 %."""
    steps = max(1, int(np.ceil(round(share * PPM_SCALE / GRID, 6))))
    return Ppm(steps * GRID) if steps * GRID <= HIGHEST else None


def _margins(initial: int, floor: Ppm, weekend: Ppm, target: Target) -> Margins:
    part = div_ceil(initial * target.maintenance_part, PPM_SCALE)
    maintenance = max(floor, Ppm(div_ceil(part, GRID) * GRID))
    least = max(initial, maintenance)
    return Margins(
        initial=Ppm(least), maintenance=Ppm(maintenance), weekend=Ppm(max(weekend, least))
    )


def _holds(margins: Margins, gaps: Gaps, tails: Tails, target: Target) -> bool:
    found = bad_debt(margins, gaps, tails, fresh_share=target.fresh_share)
    # A margin of exactly the target's size holds, whatever the last digit of a float.
    return found.worse_bp <= target.bad_debt_bp * (1.0 + _ROUNDING)


def _weekend(gaps: Gaps, tails: Tails, target: Target) -> Ppm | None:
    """Give the weekend margin by the chance alone; without a tail, by the sample's largest."""
    closures = gaps.loss[gaps.is_closure]
    if len(closures) == 0:
        return Ppm(GRID)
    if tails.closure is None:
        return on_grid(float(np.quantile(closures, 1.0 - target.closure_chance, method="higher")))
    return on_grid(tails.closure.quantile(target.closure_chance))


def _bound(gaps: Gaps, tails: Tails, target: Target, weekend: Ppm | None) -> Ppm | None:
    closures = gaps.loss[gaps.is_closure]
    if len(closures) == 0:
        return None
    in_years = target.return_years * len(closures) / max(gaps.series_years, 1e-9)
    rare = (
        float(np.quantile(closures, 1.0 - min(1.0, 1.0 / in_years), method="higher"))
        if tails.closure is None
        else tails.closure.quantile(min(1.0, 1.0 / in_years))
    )
    usual = float(np.quantile(closures, 1.0 - BOUND_CHANCE, method="higher"))
    # Down is the narrower side: (1 - b)^3 of the reference is as low as the price may go.
    whole_range = 1.0 - max(0.0, 1.0 - rare) ** (1.0 / (RESETS + 1))
    wanted = on_grid(max(usual, whole_range))
    if wanted is None or weekend is None:
        return wanted
    return Ppm(min(wanted, weekend))


def _interval(values: list[float | None]) -> Interval:
    # None is more than any margin, so it sorts last.
    ordered = sorted(values, key=lambda value: math.inf if value is None else value)
    low, high = (ordered[min(len(ordered) - 1, int(part * len(ordered)))] for part in INTERVAL)
    return Interval(low=low, high=high)
