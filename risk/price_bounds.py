"""At which mark an account becomes liquidatable, or bankrupt, all other prices staying.

A long falls toward its bound, a short rises toward it. The bound is the first mark, going that way,
at which the condition holds: at the bound it does, one tick (1e-8 USD) before it does not. Found by
bisection over exact verdicts, so that tiers and rounding are the exchange's own; needs maintenance
rates of at most 100 %, as the exchange requires. Nothing here is an estimate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from risk.margin import MarginState, PositionState, position_state
from risk.market import Market
from risk.units import NOTIONAL_SCALE, PriceE8, Seconds, div_ceil, div_floor

HIGHEST_MARK: Final = 10**15
"""The exchange takes no price above this."""


class Direction(StrEnum):
    """Which way the price must go to reach a bound."""

    FALLING = "falling"
    RISING = "rising"


class Reach(StrEnum):
    """Whether any mark separates good from bad."""

    AT = "at"
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBound:
    """The first mark at which a condition holds; `mark` is None when it holds never, or always."""

    direction: Direction
    reach: Reach
    mark: PriceE8 | None


def liquidation_bound(
    state: MarginState, held: PositionState, market: Market, now: Seconds
) -> PriceBound:
    """Find the first mark of this market at which the account is liquidatable."""
    equity = state.equity - held.value
    margin = state.maintenance_margin - held.maintenance_margin

    def is_bad(mark: int) -> bool:
        moved = position_state(held.position, replace(market, mark=PriceE8(mark)), now)
        return equity + moved.value < margin + moved.maintenance_margin

    return _first(held, is_bad)


def bankruptcy_bound(
    state: MarginState, held: PositionState, market: Market, now: Seconds
) -> PriceBound:
    """Find the first mark of this market at which the account owes more than it has."""
    equity = state.equity - held.value

    def is_bad(mark: int) -> bool:
        moved = position_state(held.position, replace(market, mark=PriceE8(mark)), now)
        return equity + moved.value < 0

    return _first(held, is_bad)


def _first(held: PositionState, is_bad: Callable[[int], bool]) -> PriceBound:
    size = held.position.size
    if size > 0:
        if is_bad(HIGHEST_MARK):
            return PriceBound(direction=Direction.FALLING, reach=Reach.ALWAYS, mark=None)
        if not is_bad(1):
            return PriceBound(direction=Direction.FALLING, reach=Reach.NEVER, mark=None)
        bad, _ = _boundary(1, HIGHEST_MARK, is_bad)
        mark = _highest_bad(size, bad, is_bad)
        return PriceBound(direction=Direction.FALLING, reach=Reach.AT, mark=PriceE8(mark))
    if is_bad(1):
        return PriceBound(direction=Direction.RISING, reach=Reach.ALWAYS, mark=None)
    if not is_bad(HIGHEST_MARK):
        return PriceBound(direction=Direction.RISING, reach=Reach.NEVER, mark=None)
    bad, _ = _boundary(HIGHEST_MARK, 1, is_bad)
    return PriceBound(direction=Direction.RISING, reach=Reach.AT, mark=PriceE8(bad))


def _boundary(bad: int, good: int, is_bad: Callable[[int], bool]) -> tuple[int, int]:
    """Bisect between a bad and a good mark until they are neighbours."""
    while abs(good - bad) > 1:
        middle = div_floor(bad + good, 2)
        if is_bad(middle):
            bad = middle
        else:
            good = middle
    return bad, good


def _highest_bad(size: int, bad: int, is_bad: Callable[[int], bool]) -> int:
    """Step over the one-atom teeth of a long's slack to the highest bad mark.

    Between whole atoms of `size · mark` the value is rounded down and the margin up, so slack is an
    atom lower there than at the whole atom below it. Within one atom's interval it is constant, and
    the intervals' own values rise with the mark: so look at the last tick of each next interval.
    """
    while True:
        atoms = div_floor(size * bad, NOTIONAL_SCALE)
        candidates = (div_ceil((atoms + step) * NOTIONAL_SCALE, size) - 1 for step in (1, 2, 3))
        better = [mark for mark in candidates if bad < mark <= HIGHEST_MARK and is_bad(mark)]
        if not better:
            return bad
        bad = max(better)
