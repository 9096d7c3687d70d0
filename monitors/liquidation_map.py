"""Survey the accounts for the liquidation heat map: once for the status page and the metric together.

A survey goes slice by slice, and between two slices the loop may do something else, so that no look
delays a liquidation by more than a slice takes. Nothing acts on what it finds.
"""

import asyncio
from typing import Final

from prometheus_client import CollectorRegistry

from monitors.accounts import AccountsMonitor
from monitors.liquidation_map_metrics import EDGES, LiquidationMapMetrics
from risk.liquidation_map import LiquidationMap, LiquidationSurvey
from runtime.clock import Clock
from runtime.supervise import sleep_unless

SURVEY_SECONDS: Final = 5.0
"""Between two surveys while somebody looks at the page."""
PERIOD_SECONDS: Final = 15.0
"""Between two surveys of the worker, for the metric alone: a million accounts take 0.16 s of processor."""


class LiquidationMapMonitor:
    """Holds the newest map, and makes another when it is old."""

    def __init__(
        self, monitor: AccountsMonitor, *, registry: CollectorRegistry, clock: Clock
    ) -> None:
        self._monitor, self._clock = monitor, clock
        self._metrics = LiquidationMapMetrics.create(registry)
        self._lock = asyncio.Lock()
        self._surveyed_at: float | None = None
        self._followed = 0
        self.newest: LiquidationMap | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Survey until `stop`, from the first snapshot on."""
        while not await sleep_unless(
            stop, SURVEY_SECONDS if self.newest is None else PERIOD_SECONDS
        ):
            await self.fresh()

    def show(self) -> None:
        """Create the series of markets that are new; the survey sets them."""
        markets = self._monitor.markets
        if len(markets) != self._followed:
            self._metrics.follow(markets.values())
            self._followed = len(markets)

    async def fresh(self) -> LiquidationMap | None:
        """Give a map that is at most `SURVEY_SECONDS` old, or the newest that could be made."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._surveyed_at is None or now - self._surveyed_at >= SURVEY_SECONDS:
                found = await self._survey()
                if found is not None:
                    self.newest, self._surveyed_at = found, now
                    self._metrics.show(found, self._monitor.book.markets)
        return self.newest

    async def _survey(self) -> LiquidationMap | None:
        monitor = self._monitor
        if monitor.exchange is None:
            return None
        book = monitor.book
        survey = LiquidationSurvey(book, edges=EDGES, without=monitor.backstop_account)
        while survey.advance(monitor.now):
            await asyncio.sleep(0)
            if monitor.book is not book:
                # A snapshot has replaced the accounts: the next look surveys those.
                return None
        return survey.result(monitor.now)
