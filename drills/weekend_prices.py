"""What prices do on that weekend: outside markets, which sleep, and what traders here believe.

Pure: a seed and a moment give the price, however often one asks. Between the knots a price moves in a
straight line; on top of it lies a small noise that is drawn anew every half minute. Outside markets
carry their last price forward while they are closed. Who trades here hears the news on Sunday, and
believes a part of what the outside will say when it reopens.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from drills import weekend, weekend_split
from drills.price_servers.script import ProviderQuote
from risk.sessions import SessionTimeline
from risk.units import PriceE8, Seconds

FIRST_TO_FALL: Final = "NVDA"
SHARE: Final = {
    FIRST_TO_FALL: 1.0,
    "TSLA": 0.7,
    "COIN": 0.6,
    "QQQ": 0.35,
    "SPY": 0.2,
    "AAPL": 0.3,
    "IBIT": 0.45,
    "GLD": -0.15,
}
"""Part of the first stock's move that each market makes."""
HEARD: Final = 0.85
"""Part of the move on Monday that the book believes on Sunday."""
NOISE_PPM: Final = 120
NOISE_SECONDS: Final = 30
PROVIDER_NOISE_PPM: Final = 40
CONFIDENCE_PPM: Final = 150
OBSERVED_EVERY_SECONDS: Final = 1
SHOCK_SECONDS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of what happens."""

    fall: float = 0.12
    """Of the first stock, from Friday's close to the reopening, as a part of its price."""
    recovered: float = 0.2
    """Part of the fall that comes back on Monday morning."""
    shock: float = 0.08
    """Of the first stock, within a minute of Monday's regular session; it does not come back."""


Knots = Sequence[tuple[Seconds, float]]
"""Moments and the first stock's log move from the start, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekendPrices:
    """A `ProviderScript`, and what the traders at the venue believe."""

    starts: Mapping[str, PriceE8]
    timeline: SessionTimeline
    seed: int = 1
    shape: Shape = field(default_factory=Shape)

    def quote(self, provider: str, symbol: str, at: Seconds) -> ProviderQuote | None:
        """Give what a provider says: the outside price, carried forward while outside is closed."""
        if symbol not in self.starts:
            return None
        session, observed = self.timeline.session_at(at), at
        if not session.has_external_price:
            last = self.timeline.last_boundary(at)
            observed = at if last is None else Seconds(last.start - 1)
        price = self._with_noise(
            self.outside(symbol, observed), PROVIDER_NOISE_PPM, f"{provider}{symbol}{observed}"
        )
        return ProviderQuote(
            price=price,
            confidence=PriceE8(price * CONFIDENCE_PPM // 10**6),
            observed_at=observed,
            session=session,
        )

    def outside(self, symbol: str, at: Seconds) -> PriceE8:
        """Give the price at which outside markets trade, or would."""
        return weekend_split.on_new_basis(symbol, self.outside_unsplit(symbol, at), at)

    def outside_unsplit(self, symbol: str, at: Seconds) -> PriceE8:
        """Give the same as if no stock had been split."""
        return self._price(symbol, at, self._outside_knots())

    def believed(self, symbol: str, at: Seconds) -> PriceE8:
        """Give the price that traders at the venue hold to be fair."""
        price = self._price(symbol, at, self._believed_knots())
        return weekend_split.on_new_basis(symbol, price, at)

    def _price(self, symbol: str, at: Seconds, knots: Knots) -> PriceE8:
        move = _between(knots, at) * SHARE.get(symbol, 0.0)
        price = PriceE8(round(self.starts[symbol] * math.exp(move)))
        return self._with_noise(price, NOISE_PPM, f"{symbol}{at // NOISE_SECONDS}")

    def _with_noise(self, price: PriceE8, ppm: int, what: str) -> PriceE8:
        drawn = Random(f"{self.seed}{what}").gauss(0, ppm)  # noqa: S311 - a drill must be repeatable
        return PriceE8(price + round(price * drawn / 10**6))

    @property
    def _depth(self) -> float:
        return math.log(1 - self.shape.fall)

    @property
    def _recovered(self) -> float:
        return math.log(1 - self.shape.fall * (1 - self.shape.recovered))

    @property
    def _monday(self) -> Knots:
        """Everybody sees the same in the regular session: some of it back, a shock, what is left."""
        shock = math.log(1 - self.shape.shock)
        return (
            (weekend.MORNING, self._depth),
            (weekend.SHOCK, self._recovered),
            (Seconds(weekend.SHOCK + SHOCK_SECONDS), self._recovered + shock),
            (weekend.END, self._recovered + shock),
        )

    def _outside_knots(self) -> Knots:
        return (
            (weekend.BEGIN, 0.0),
            (weekend.CLOSE, -0.004),
            (weekend.REOPEN, self._depth),
            *self._monday,
        )

    def _believed_knots(self) -> Knots:
        heard = HEARD * self._depth
        return (
            (weekend.BEGIN, 0.0),
            (weekend.CLOSE, -0.004),
            (weekend.NEWS, -0.006),
            (Seconds(weekend.NEWS + 1_500), heard),
            (Seconds(weekend.REOPEN - 600), heard),
            (Seconds(weekend.REOPEN + 120), self._depth),
            *self._monday,
        )


def _between(knots: Knots, at: Seconds) -> float:
    """Interpolate; outside of the knots the nearest holds."""
    if at <= knots[0][0]:
        return knots[0][1]
    for (start, before), (stop, after) in itertools.pairwise(knots):
        if at < stop:
            return before + (after - before) * (at - start) / (stop - start)
    return knots[-1][1]
