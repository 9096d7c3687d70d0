"""Market makers and takers for a drill: who quotes around a fair price, and who trades toward one.

The fair price is given; the drill says what each of them believes. The randomness is passed in: the
same seed gives the same orders. Nobody watches his inventory or his money.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from drills.matching_engine import MatchingEngine, Side
from risk.order_book import Level
from risk.units import PPM_SCALE, AccountId, Ppm, PriceE8, SizeE8, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """What one maker quotes on each side; distances in ppm of the fair price."""

    levels: int = 5
    spread: Ppm = Ppm(1_000)
    """Between its best bid and its best ask."""
    step: Ppm = Ppm(500)
    """From one level to the next."""
    size: SizeE8
    """At each level, on average."""
    jitter: Ppm = Ppm(200_000)
    """The most by which a size strays from that, and a distance is larger than asked."""

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < PPM_SCALE or min(self.levels, self.spread, self.step) <= 0:
            raise ValueError(
                "expected levels, spread and step above 0 and a jitter in [0, 1,000,000) ppm,"
                f" found {self}"
            )


class Makers:
    """Quote a ladder for each owner, anew in every step."""

    def __init__(
        self,
        engine: MatchingEngine,
        owners: Sequence[AccountId],
        *,
        ladder: Ladder,
        random: Random,
    ) -> None:
        self._engine = engine
        self._owners = owners
        self._ladder = ladder
        self._random = random
        self._quoted: list[int] = []

    def step(self, fair: PriceE8) -> None:
        """Withdraw what rests of the last quotes and quote around `fair`.

        All withdraw first: makers who agree about the price never trade with each other.
        """
        self.withdraw()
        for owner in self._owners:
            for level in range(self._ladder.levels):
                self._quote(owner, fair, level)

    def withdraw(self) -> None:
        """Withdraw what rests of the last quotes."""
        for number in self._quoted:
            self._engine.cancel(number)
        self._quoted.clear()

    def _quote(self, owner: AccountId, fair: PriceE8, level: int) -> None:
        ladder = self._ladder
        # In halves of a ppm, so that an odd spread has a half too.
        halves = ladder.spread + 2 * level * ladder.step
        halves += div_floor(halves * self._random.randint(0, ladder.jitter), PPM_SCALE)
        away = div_ceil(fair * halves, 2 * PPM_SCALE)
        for side, price in ((Side.BUY, fair - away), (Side.SELL, fair + away)):
            strays = self._random.randint(-ladder.jitter, ladder.jitter)
            size = SizeE8(ladder.size + div_floor(ladder.size * strays, PPM_SCALE))
            if price > 0 and size > 0:
                self._quoted.append(self._engine.limit(owner, side, PriceE8(price), size).order)


class Takers:
    """Trade by market orders toward what they hold to be fair, and a little without any reason."""

    def __init__(
        self,
        engine: MatchingEngine,
        owners: Sequence[AccountId],
        *,
        most: SizeE8,
        noise: SizeE8,
        random: Random,
    ) -> None:
        self._engine = engine
        self._owners = owners
        self._most = most
        """The largest order."""
        self._noise = noise
        """The largest order of one who sees nothing to gain; 0: he waits."""
        self._random = random

    def step(self, fair: PriceE8) -> None:
        """Let each owner buy what is offered below `fair`, or sell to who bids more."""
        for owner in self._owners:
            cheap = _depth(level for level in self._engine.asks if level[0] < fair)
            dear = _depth(level for level in self._engine.bids if level[0] > fair)
            if cheap or dear:
                side = Side.BUY if cheap else Side.SELL
                size = min(self._random.randint(1, self._most), cheap or dear)
            elif self._noise:
                side = self._random.choice(tuple(Side))
                size = self._random.randint(1, self._noise)
            else:
                continue
            self._engine.market_order(owner, side, SizeE8(size))


def _depth(levels: Iterable[Level]) -> int:
    return sum(size for _, size in levels)
