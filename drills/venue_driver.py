"""Publish the marks as the pricer: all markets once a second of the chain's clock, without a gap.

Until the day begins the starting prices are kept fresh; afterwards the last level is, with next to
no movement. A second that is missed is not made up for: the day then just takes longer.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from drills.chain import DrillChain, DrillFault
from drills.dev_keys import PRICER
from drills.market import Phase, Tick, aftermath
from risk.units import MarketId, PriceE8
from venues.exchange.abi import load_abi

GAS_BASE: Final = 500_000
GAS_PER_PRICE: Final = 300_000
PAST_THE_SECOND: Final = 0.03
"""Seconds after the clock's full second at which we publish: the block then has its timestamp."""


class VenueDriver:
    """The pricer of a drill."""

    def __init__(self, chain: DrillChain, starts: Mapping[str, PriceE8], *, random: Random) -> None:
        self._chain = chain
        self._random = random
        self._numbers = {symbol: MarketId(number) for number, symbol in enumerate(starts)}
        self._now = Tick(phase=Phase.CALM, marks=starts)
        self._day: list[Tick] = []
        self._is_day_begun = False
        refused = load_abi().event("PriceRefused")
        self._refused_topic = f"0x{refused.topic.hex()}"
        self.day_is_over = asyncio.Event()
        """Set when the last tick of the day is published."""

    @property
    def phase(self) -> Phase:
        """Say what the market does now."""
        return self._now.phase

    @property
    def marks(self) -> Mapping[str, PriceE8]:
        """Give the marks that were published last."""
        return self._now.marks

    def begin_day(self, ticks: Sequence[Tick]) -> None:
        """Start the day with the next second."""
        self._day = list(ticks)
        self._is_day_begun = True

    async def publish_first(self) -> None:
        """Publish the starting prices and wait until they are there; raises DrillFault if not."""
        (receipt,) = await self._chain.receipts([await self._publish()])
        if len(receipt["logs"]) != len(self._numbers) or self._refused_topic in {
            log["topics"][0] for log in receipt["logs"]
        }:
            raise DrillFault("the exchange refused a starting price: look at its clock and rules")

    async def run(self) -> None:
        """Publish once a second until cancelled."""
        while True:
            await asyncio.sleep(1.0 - (time.time() - PAST_THE_SECOND) % 1.0)
            if self._day:
                self._now = self._day.pop(0)
            elif self._is_day_begun:
                self._now = aftermath(self._random, self._now.marks)
            await self._publish()
            if self._is_day_begun and not self._day:
                self.day_is_over.set()

    async def _publish(self) -> str:
        # The chain's own clock: ours may already be in a second that no block has seen.
        timestamp = await self._chain.now()
        prices = [
            (self._numbers[symbol], mark, mark, timestamp)
            for symbol, mark in self._now.marks.items()
        ]
        gas = GAS_BASE + GAS_PER_PRICE * len(prices)
        return await self._chain.call_exchange(PRICER, "publish", prices, gas=gas)
