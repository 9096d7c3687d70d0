"""The prices of a crash day: calm, drift, one stock falls, a second follows, a partial rebound.

Pure: the randomness is passed in, the same seed gives the same day. One tick is one second of the
chain's clock, because the exchange moves a price by its clamp (50 bp) once a second at most: what
takes minutes elsewhere takes half a minute here. No tick wants to move farther than the clamp lets
it, so the mark that is published is the mark that is had. Prices are integers of 1e-8 USD.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from risk.units import PPM_SCALE, PriceE8, div_floor

FIRST_TO_FALL: Final = "NVDA"
SECOND_TO_FALL: Final = "TSLA"
SECOND_SHARE: Final = 0.6
"""Part of the first stock's fall that the second one follows."""
CONTAGION: Final = {
    "QQQ": 0.20,
    "SPY": 0.12,
    "AAPL": 0.10,
    "COIN": 0.15,
    "IBIT": 0.10,
    "GLD": -0.03,
}
"""Part of the first stock's every move that others make with it."""
STEEPEST_PPM: Final = 4_950
"""Just inside the exchange's clamp of 5,000."""
NOISE_PPM: Final = 150
"""Standard deviation of a quiet second."""
DRIFT_PPM: Final = -250
"""Mean of a second while the day turns."""


class Phase(StrEnum):
    """What the market does."""

    CALM = "calm"
    DRIFT = "drift"
    CRASH = "crash"
    REBOUND = "rebound"
    AFTER = "aftermath"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The shape of a day; lengths in seconds."""

    calm: int = 3
    drift: int = 4
    fall: float = 0.12
    """Of the first stock, as a part of its price."""
    rebound: int = 6
    lag: int = 5
    """After which the second stock begins to fall."""
    recovered: float = 0.25
    """Part of the fall that comes back."""

    def paced(self, pace: float) -> "Day":
        """Shorten or stretch the quiet phases; how fast a price can fall is the exchange's."""
        return Day(
            calm=max(1, round(self.calm * pace)),
            drift=max(1, round(self.drift * pace)),
            fall=self.fall,
            rebound=max(2, round(self.rebound * pace)),
            lag=max(1, round(self.lag * pace)),
            recovered=self.recovered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What every market's mark is in one second."""

    phase: Phase
    marks: Mapping[str, PriceE8]


def crash_day(random: Random, starts: Mapping[str, PriceE8], day: Day) -> list[Tick]:
    """Draw a day second by second; the last tick is the level of the aftermath."""
    first = _falling(random, day)
    second = _falling(random, day, share=SECOND_SHARE, lag=day.lag)
    length = max(len(first), len(second))
    moves = {FIRST_TO_FALL: first, SECOND_TO_FALL: second}
    phases = _phases(day, length)
    marks = dict(starts)
    ticks: list[Tick] = []
    for second_of_day in range(length):
        for symbol, mark in marks.items():
            own = moves.get(symbol)
            wanted = own[second_of_day] if own and second_of_day < len(own) else None
            if wanted is None:
                lead = first[second_of_day] if second_of_day < len(first) else 0
                wanted = round(random.gauss(0, NOISE_PPM) + CONTAGION.get(symbol, 0.0) * lead)
            marks[symbol] = moved(mark, wanted)
        ticks.append(Tick(phase=phases[second_of_day], marks=dict(marks)))
    return ticks


def aftermath(random: Random, marks: Mapping[str, PriceE8]) -> Tick:
    """Draw one more second after the day: almost nothing moves."""
    quiet = NOISE_PPM // 10
    return Tick(
        phase=Phase.AFTER,
        marks={
            symbol: moved(mark, round(random.gauss(0, quiet))) for symbol, mark in marks.items()
        },
    )


def moved(mark: PriceE8, ppm: int) -> PriceE8:
    """Move a price by parts per million, never by more than the exchange's clamp allows."""
    bounded = max(-STEEPEST_PPM, min(STEEPEST_PPM, ppm))
    return PriceE8(mark + div_floor(mark * bounded, PPM_SCALE))


def _falling(random: Random, day: Day, *, share: float = 1.0, lag: int = 0) -> list[int]:
    """Give a falling stock's moves in ppm: quiet, drift, fall to the depth, partial rebound."""
    moves = [round(random.gauss(0, NOISE_PPM)) for _ in range(day.calm)]
    moves += [round(random.gauss(DRIFT_PPM, NOISE_PPM)) for _ in range(day.drift + lag)]
    depth = math.log(1 - day.fall * share)
    level = 0.0
    while level > depth:
        step = -min(random.uniform(4_300, STEEPEST_PPM), (math.exp(level - depth) - 1) * PPM_SCALE)
        moves.append(min(-1, round(step)))
        level += math.log1p(moves[-1] / PPM_SCALE)
    climb = math.log1p(-math.expm1(depth) * day.recovered / math.exp(depth))
    up = math.expm1(climb / day.rebound) * PPM_SCALE
    moves += [round(up + random.gauss(0, NOISE_PPM / 2)) for _ in range(day.rebound)]
    return moves


def _phases(day: Day, length: int) -> list[Phase]:
    quiet = [Phase.CALM] * day.calm + [Phase.DRIFT] * day.drift
    crash = [Phase.CRASH] * (length - len(quiet) - day.rebound)
    return quiet + crash + [Phase.REBOUND] * day.rebound
