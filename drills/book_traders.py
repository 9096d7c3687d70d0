"""The traders of a drill: makers and takers on every market's book, stepping with the venue's clock.

They quote anew only when what they believe has moved enough: a book that is rewritten with every block
would be all that the machine does.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from drills.makers import Ladder, Makers, Takers
from drills.matching_engine import MatchingEngine
from risk.units import PPM_SCALE, AccountId, Ppm, PriceE8, Seconds, SizeE8, div_floor

STEP_SECONDS: Final = 0.1
MOVED_PPM: Final = 300
DEPTH_USD: Final = 60_000
"""What a maker offers at each level."""
SIZE_SCALE: Final = 10**16
"""USD times this over a price of 1e-8 USD is a size of 1e-8 share."""
OWNERS: Final = (AccountId(1), AccountId(2))


class BookTraders:
    """Trade on the books of all markets around what is believed of each."""

    def __init__(
        self,
        starts: Mapping[str, PriceE8],
        *,
        believed: Callable[[str, Seconds], PriceE8],
        now: Callable[[], Seconds],
        random: Random,
    ) -> None:
        self._believed, self._now = believed, now
        self.engines = {
            symbol: MatchingEngine(symbol, now_ms=lambda: now() * 1_000) for symbol in starts
        }
        self._makers = {
            symbol: Makers(self.engines[symbol], OWNERS, ladder=_ladder(price), random=random)
            for symbol, price in starts.items()
        }
        self._takers = {
            symbol: Takers(
                self.engines[symbol],
                OWNERS[:1],
                most=_size(price, 5_000),
                noise=_size(price, 500),
                random=random,
            )
            for symbol, price in starts.items()
        }
        self._quoted: dict[str, PriceE8] = {}

    @property
    def symbols(self) -> Sequence[str]:
        """The markets with a book."""
        return tuple(self.engines)

    async def run(self) -> None:
        """Step until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(STEP_SECONDS)

    def step(self) -> None:
        """Quote anew where the belief has moved; let somebody trade everywhere."""
        now = self._now()
        for symbol in self.engines:
            fair, quoted = self._believed(symbol, now), self._quoted.get(symbol)
            if quoted is None or abs(fair - quoted) * PPM_SCALE > quoted * MOVED_PPM:
                self._makers[symbol].step(fair)
                self._quoted[symbol] = fair
            self._takers[symbol].step(fair)


def _ladder(price: PriceE8) -> Ladder:
    return Ladder(levels=3, spread=Ppm(1_000), step=Ppm(600), size=_size(price, DEPTH_USD))


def _size(price: PriceE8, usd: int) -> SizeE8:
    return SizeE8(div_floor(usd * SIZE_SCALE, price))
