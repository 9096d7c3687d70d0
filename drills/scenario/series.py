"""From facts to a value for every second: through every fact, and nowhere beyond what was recorded.

Between two facts the logarithm of the value moves in a straight line. A bridge adds a walk of normal steps,
its deviation the stated volatility times the root of the time, tied down at both facts. Where the path must stay
within a range, or must not yet touch a level, the walk is folded back at the edge: it stays continuous, and
facts, which lie inside, stay where they are. Every stretch draws from its own seed, so that a fact
added elsewhere changes nothing here.
"""

import math
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.units import PriceE8, Seconds

Floats = NDArray[np.float64]
BP: Final = 1e-4
HOUR: Final = 3_600
MARGIN: Final = 1e-5
"""How far short of a first touch the path stays before it, as a part of the value."""


class Between(StrEnum):
    """How a series goes from one fact to the next."""

    BRIDGE = "bridge"
    LINE = "line"
    STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A value, in 1e-8 of the series' unit, at a second."""

    at: Seconds
    value: PriceE8
    noise_bp: float
    """Volatility on the way here, for the square root of an hour."""
    first_touch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """From `start` to `stop`, both included, the path stays between two values."""

    start: Seconds
    stop: Seconds
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A course of values."""

    name: str
    unit: str
    between: Between
    facts: tuple[Fact, ...]
    bounds: tuple[Bound, ...]


class SeriesPath:
    """One drawn course, from `start` to `end`; before the first fact and after the last they hold."""

    def __init__(self, series: Series, *, start: Seconds, end: Seconds, seed: int) -> None:
        self._facts = {fact.at: fact.value for fact in series.facts}
        self._start = start
        self.logs = _logs(series, start, end, seed)

    def at(self, now: int) -> PriceE8:
        """Give the value at a second, in 1e-8 of the unit; facts are exact."""
        known = self._facts.get(Seconds(now))
        return PriceE8(round(math.exp(self.logs[now - self._start]))) if known is None else known


def bridge(count: int, volatility_bp: float, *key: int) -> Floats:
    """Give a walk of `count` seconds that begins and ends at 0; both ends are included."""
    steps = np.random.default_rng(key).standard_normal(count)
    walk = np.concatenate(([0.0], np.cumsum(steps * (volatility_bp * BP / math.sqrt(HOUR)))))
    tied: Floats = walk - walk[-1] * np.arange(count + 1) / count
    return tied


def key_of(*words: str) -> int:
    """Give a number for a name that is the same on every machine."""
    return zlib.crc32("/".join(words).encode())


def folded(values: Floats, low: Floats, high: Floats) -> Floats:
    """Reflect values at the edges until they lie inside; an edge may be infinite."""
    width = high - low
    with np.errstate(invalid="ignore"):
        inside = np.mod(values - low, 2 * width)
        both = low + np.where(inside > width, 2 * width - inside, inside)
        above = low + np.abs(values - low)
        below = high - np.abs(high - values)
    is_low, is_high = np.isfinite(low), np.isfinite(high)
    found: Floats = np.select(
        [is_low & is_high, is_low, is_high], [both, above, below], default=values
    )
    return found


def _logs(series: Series, start: Seconds, end: Seconds, seed: int) -> Floats:
    grid = np.arange(start, end + 1, dtype=np.float64)
    times = np.array([fact.at for fact in series.facts], dtype=np.float64)
    known = np.log(np.array([fact.value for fact in series.facts], dtype=np.float64))
    if series.between is Between.STEP:
        place = np.searchsorted(times, grid, side="right") - 1
        stepped: Floats = known[np.maximum(place, 0)]
        return stepped
    logs: Floats = np.interp(grid, times, known)
    if series.between is Between.BRIDGE:
        for before, after in zip(series.facts, series.facts[1:], strict=False):
            count = after.at - before.at
            key = (seed, key_of(series.name), before.at, after.at)
            tied = bridge(count, after.noise_bp, *key)
            logs[before.at - start : after.at - start + 1] += tied
    return _bounded(series, logs, start)


def _bounded(series: Series, logs: Floats, start: Seconds) -> Floats:
    low = np.full(len(logs), -math.inf)
    high = np.full(len(logs), math.inf)
    for bound in (*series.bounds, *_untouched(series)):
        inside = slice(max(0, bound.start - start), max(0, bound.stop - start + 1))
        low[inside] = np.maximum(low[inside], math.log(bound.low) if bound.low > 0 else -math.inf)
        high[inside] = np.minimum(high[inside], math.log(bound.high))
    return folded(logs, low, high)


def _untouched(series: Series) -> list[Bound]:
    """Give what keeps the path on its side of each level until the level's first touch."""
    found = []
    for place, fact in enumerate(series.facts):
        if not fact.first_touch:
            continue
        is_falling = series.facts[place - 1].value > fact.value
        first = place - 1
        while first and (series.facts[first - 1].value > fact.value) == is_falling:
            first -= 1
        edge = fact.value * (1 + MARGIN if is_falling else 1 - MARGIN)
        found.append(
            Bound(
                start=series.facts[first].at,
                stop=Seconds(fact.at - 1),
                low=edge if is_falling else 0.0,
                high=math.inf if is_falling else edge,
            )
        )
    return found


def geometric(facts: tuple[tuple[Seconds, int], ...], now: int) -> int | None:
    """Give the value on straight lines in the logarithm; None before the first fact and after the last."""
    if not facts or not facts[0][0] <= now <= facts[-1][0]:
        return None
    place = bisect_right(facts, now, key=lambda each: each[0])
    if place == len(facts):
        return facts[-1][1]
    (begin, before), (stop, after) = facts[place - 1], facts[place]
    share = (now - begin) / (stop - begin)
    return round(math.exp(math.log(before) * (1 - share) + math.log(after) * share))
