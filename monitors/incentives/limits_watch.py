"""The owner's limits of the tuner's parameters, read from the chain again and again.

A limit is the owner's to move at any time, so what was read is renewed in turn. Before a market's
limits were read nothing is written there. What could not be renewed stands: the exchange itself
refuses what it no longer allows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeAlias

import structlog

from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.units import MarketId
from runtime.rpc.errors import RpcError
from runtime.supervise import sleep_unless

MARKETS_PER_PERIOD: Final = 16

ReadLimits: TypeAlias = Callable[[MarketId], Awaitable[Mapping[Parameter, Limits]]]
"""Read the owner's limits of a market; raises RpcError. `ChainReads.limits` is one."""

log = structlog.get_logger(__name__)


class Venue(Protocol):
    """The venue's markets."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""


class LimitsWatch:
    """The newest limits of every market; a worker."""

    def __init__(
        self,
        read: ReadLimits,
        venue: Venue,
        *,
        symbols: tuple[str, ...],
        period_seconds: float,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._read, self._venue = read, venue
        self._symbols = frozenset(symbols)
        self._period_seconds, self._wake = period_seconds, wake
        self._known: dict[MarketId, Mapping[Parameter, Limits]] = {}
        self._next = 0

    def limits(self, market: MarketId) -> Mapping[Parameter, Limits] | None:
        """Give the owner's limits of a market; None before they were read."""
        return self._known.get(market)

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`: every market at first, as soon as it is listed, then some in each period."""
        while not stop.is_set():
            await self._read_some()
            self._wake()
            is_complete = bool(self._known) and not self._unread()
            pause = self._period_seconds if is_complete else min(0.25, self._period_seconds)
            await sleep_unless(stop, pause)

    async def _read_some(self) -> None:
        markets = self._watched()
        if not markets:
            return
        unread = self._unread()
        turn = [
            markets[(self._next + step) % len(markets)]
            for step in range(min(MARKETS_PER_PERIOD, len(markets)))
        ]
        for market in unread or turn:
            try:
                self._known[market] = await self._read(market)
            except RpcError as error:
                log.warning("incentive_limits_not_read", market_id=market, error=str(error))
                return
        if not unread:
            self._next += MARKETS_PER_PERIOD

    def _watched(self) -> list[MarketId]:
        markets = self._venue.markets.values()
        return sorted(market.id for market in markets if market.symbol in self._symbols)

    def _unread(self) -> list[MarketId]:
        return [market for market in self._watched() if market not in self._known]
