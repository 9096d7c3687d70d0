"""What the underlying is worth at each look of a weekend: drawn, or recorded and filled in between.

While outside markets trade, the value is their price. While they are closed it is what those who know
would pay; nobody publishes it. Drawn values are a random walk with the session's volatility, and news
of exponential size at random times while outside is closed; at each reopening a surprise is added that
nobody knew. Recorded prices are followed while outside trades; between the last price before a closure
and the first after it lies a Brownian bridge of the closed hours' volatility, without news: what really
happened in between nobody recorded. The same seed gives the same path.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

from drills.maker_model.profit import BP
from drills.maker_model.terms import ModelTerms
from risk.sessions import SessionTimeline
from risk.units import PriceE8, Seconds

HOUR: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePath:
    """The value at evenly spaced looks; the first is at `start`."""

    start: Seconds
    step: Seconds
    values: tuple[PriceE8, ...]
    news: tuple[Seconds, ...]
    """When news came while outside was closed."""

    @property
    def times(self) -> range:
        """Give the time of every look."""
        return range(self.start, self.start + self.step * len(self.values), self.step)

    def at(self, moment: int) -> PriceE8:
        """Give the value of the last look at or before a moment; the ends hold beyond them."""
        place = (moment - self.start) // self.step
        return self.values[min(max(0, place), len(self.values) - 1)]


def draw_path(
    random: Random,
    *,
    price: PriceE8,
    timeline: SessionTimeline,
    start: Seconds,
    end: Seconds,
    step: Seconds,
    terms: ModelTerms,
) -> ValuePath:
    """Draw a path from `price` at `start` up to `end`, which is not covered."""
    log, was_open = 0.0, timeline.session_at(start).has_external_price
    values: list[PriceE8] = []
    news: list[Seconds] = []
    root = math.sqrt(step / HOUR)
    for now in range(start, end, step):
        session = timeline.session_at(Seconds(now))
        climate = terms.climate(session)
        log += random.gauss(0, climate.volatility_bp * BP * root)
        if not session.has_external_price:
            if random.random() < climate.news_per_hour * step / HOUR:
                log += random.choice((-1, 1)) * random.expovariate(1 / (climate.news_bp * BP))
                news.append(Seconds(now))
        elif not was_open:
            log += random.gauss(0, terms.surprise_bp * BP)
        was_open = session.has_external_price
        values.append(PriceE8(round(price * math.exp(log))))
    return ValuePath(start=start, step=step, values=tuple(values), news=tuple(news))


def recorded_path(
    random: Random,
    recorded: Sequence[tuple[Seconds, PriceE8]],
    *,
    timeline: SessionTimeline,
    start: Seconds,
    end: Seconds,
    step: Seconds,
    terms: ModelTerms,
) -> ValuePath:
    """Follow recorded prices, in order of time; raises ValueError unless one is at or before `start`."""
    if not recorded or recorded[0][0] > start:
        raise ValueError("expected a recorded price at or before the start, found none")
    times = range(start, end, step)
    known = [timeline.session_at(Seconds(now)).has_external_price for now in times]
    followed: list[float] = []
    for now in times:
        place = bisect_right(recorded, now, key=lambda each: each[0]) - 1
        followed.append(math.log(recorded[place][1]))
    logs = _bridged(random, followed, known, terms.closed.volatility_bp * BP, step)
    values = tuple(PriceE8(round(math.exp(log))) for log in logs)
    return ValuePath(start=start, step=step, values=values, news=())


def _bridged(
    random: Random, logs: Sequence[float], known: Sequence[bool], volatility: float, step: Seconds
) -> list[float]:
    """Put a Brownian bridge over each stretch that lies between two known looks."""
    filled = list(logs)
    places = [place for place, is_known in enumerate(known) if is_known]
    root = volatility * math.sqrt(step / HOUR)
    for before, after in pairwise(places):
        length = after - before
        if length == 1:
            continue
        walk = [0.0]
        for _ in range(length):
            walk.append(walk[-1] + random.gauss(0, root))
        move = logs[after] - logs[before] - walk[-1]
        for place in range(1, length):
            filled[before + place] = logs[before] + walk[place] + move * place / length
    return filled
