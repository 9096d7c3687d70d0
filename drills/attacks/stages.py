"""Where attacks are played: a stretch of the calendar, the clock's steps in it, and the honest price.

Pure: a seed, a stage and a moment give the price. It is a random walk that is drawn once on a grid, with
straight lines between; news lies on top of it. The clock steps finely where something happens and
coarsely where nothing does: the internal price forgets by elapsed time, whatever the step.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from drills.weekend import CLOSE, REOPEN, ZONE
from risk.units import PPM_SCALE, PriceE8, Seconds

GRID_SECONDS: Final = 15
MINUTE: Final = 60
HOUR: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A stretch in which the clock steps by so many seconds."""

    until: Seconds
    step: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A move of the honest price, in a straight line of its logarithm."""

    start: Seconds
    stop: Seconds
    move: float
    """As a part of the price; −0.06 is a fall by 6 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of the calendar; every scenario on it has the same honest history."""

    name: str
    begin: Seconds
    legs: tuple[Leg, ...]
    volatility: float
    """Of the honest price, in ppm for the square root of a second."""
    news: News | None = None

    @property
    def end(self) -> Seconds:
        """The last moment that is played."""
        return self.legs[-1].until

    def moments(self) -> Iterator[Seconds]:
        """Give every moment of the clock, from the begin to the end."""
        now = self.begin
        for leg in self.legs:
            while now < leg.until:
                yield now
                now = Seconds(min(now + leg.step, leg.until))
        yield now


class Truth:
    """The honest price of one stage."""

    def __init__(self, stage: Stage, start: PriceE8, seed: int) -> None:
        random = Random(f"{seed}{stage.name}")  # noqa: S311 - a drill must be repeatable
        spread = stage.volatility * math.sqrt(GRID_SECONDS) / PPM_SCALE
        count = math.ceil((stage.end - stage.begin) / GRID_SECONDS) + 1
        steps = (random.gauss(0, spread) for _ in range(count))
        self._walk = list(itertools.accumulate(steps, initial=0.0))
        self._stage = stage
        self._start = start

    def at(self, now: Seconds) -> PriceE8:
        """Give the honest price at a moment of the stage."""
        place, past = divmod(now - self._stage.begin, GRID_SECONDS)
        before, after = self._walk[place], self._walk[place + 1]
        move = before + (after - before) * past / GRID_SECONDS
        news = self._stage.news
        if news is not None:
            told = min(max((now - news.start) / (news.stop - news.start), 0.0), 1.0)
            move += math.log1p(news.move) * told
        return PriceE8(round(self._start * math.exp(move)))


def _moment(day: int, hour: int, minute: int = 0) -> Seconds:
    """Give a moment of November 2026, New York time."""
    return Seconds(int(datetime(2026, 11, day, hour, minute, tzinfo=ZONE).timestamp()))


def _legs(*until_and_step: tuple[int, int]) -> Sequence[Leg]:
    return [Leg(until=Seconds(until), step=Seconds(step)) for until, step in until_and_step]


ELEVEN: Final = _moment(18, 11)
"""A Wednesday, an hour and a half after the opening bell."""
NOON: Final = _moment(21, 12)
"""Saturday."""
FRIDAY: Final = Seconds(CLOSE - 10 * MINUTE)
LIVELY: Final = 50.0
"""0.3 % an hour while the underlying trades."""
QUIET: Final = 10.0
"""0.4 % over a whole weekend."""

WEEKDAY: Final = Stage(
    name="weekday",
    begin=Seconds(ELEVEN - 10 * MINUTE),
    legs=tuple(_legs((ELEVEN + 90 * MINUTE, 1))),
    volatility=LIVELY,
)
FALLING: Final = Stage(
    name="falling weekday",
    begin=WEEKDAY.begin,
    legs=WEEKDAY.legs,
    volatility=LIVELY,
    news=News(start=ELEVEN, stop=Seconds(ELEVEN + 10 * MINUTE), move=-0.06),
)
WEEKEND: Final = Stage(
    name="weekend",
    begin=FRIDAY,
    legs=tuple(
        _legs(
            (CLOSE + 2 * MINUTE, 3),
            (NOON - 5 * MINUTE, 30),
            (NOON + 2 * HOUR, 3),
            (REOPEN - 2 * MINUTE, 30),
            (REOPEN + 30 * MINUTE, 3),
        )
    ),
    volatility=QUIET,
)
NEWS_ON_SATURDAY: Final = Stage(
    name="weekend with news",
    begin=FRIDAY,
    legs=tuple(
        _legs(
            (CLOSE + 2 * MINUTE, 3),
            (NOON - 65 * MINUTE, 30),
            (NOON + HOUR, 3),
            (NOON + 6 * HOUR, 30),
        )
    ),
    volatility=QUIET,
    news=News(start=Seconds(NOON - HOUR), stop=Seconds(NOON - 50 * MINUTE), move=-0.03),
)
