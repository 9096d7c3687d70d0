"""What the week's incentives have cost, counted from the chain's own trades, and counted again.

A worker: it reads the settled trades of sealed blocks in order and adds up what each cost; the count and
its place survive a restart. From time to time the whole week is read anew and compared to the atom. A
mismatch stops rebates from rising; the chain's own count is taken over, and the mismatch is resolved when
the next count of the whole week agrees with it. While nobody counts, nothing is known to be left.
Times are the venue's clock unless they say monotonic.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from monitors.incentives.memory import (
    SPENDING_KEY,
    Notes,
    SpendingMemory,
    read_spending,
    spending_text,
)
from monitors.incentives.spending_metrics import SpendingMetrics
from risk.incentive_budget import (
    BudgetWeek,
    SettledTrade,
    Spending,
    SpendingMismatch,
    count_trades,
    reconcile,
)
from risk.units import MarketId, Ppm, Seconds
from runtime.clock import Clock
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from runtime.supervise import sleep_unless
from venues.port import BlockRef

log = structlog.get_logger(__name__)

PASSING: Final = (RpcError, TransientError)
"""What the next reading may heal."""
LAST_LOG: Final = 2**63
"""A place behind every log of a block."""


class Trades(Protocol):
    """The settled trades of sealed blocks. Each raises one of PASSING when it cannot be read."""

    async def head(self) -> BlockRef:
        """Read the newest sealed block."""

    async def trades(self, first: int, last: BlockRef) -> list[SettledTrade]:
        """Read the trades of blocks, both included, in order."""

    async def first_block_from(self, time: Seconds, last: BlockRef) -> int:
        """Find the first block whose time is this or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingSettings:
    """How often to read, on our own clock."""

    counting_seconds: float
    uncounted_seconds: float
    """Without a reading for so long the count is unknown."""
    recount_seconds: float


class SpendingWatch:
    """Count what is spent; `SpendingSense` of the desk."""

    def __init__(
        self,
        trades: Trades,
        *,
        week_of: Callable[[Seconds], BudgetWeek | None],
        weekday_maker_fees: Callable[[], Mapping[MarketId, Ppm]],
        notes: Notes,
        metrics: SpendingMetrics,
        settings: SpendingSettings,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._trades, self._week_of, self._fees = trades, week_of, weekday_maker_fees
        self._notes, self._metrics = notes, metrics
        self._settings, self._clock, self._wake = settings, clock, wake
        text = notes.noted(SPENDING_KEY)
        self._memory = None if text is None else read_spending(text)
        self._mismatch: SpendingMismatch | None = None
        self._counted_at = clock.monotonic()
        """Monotonic; before the first count, since when it is waited for."""
        self._is_counted = False
        self._recounted_at: float | None = None

    # --- SpendingSense ---------------------------------------------------------------------------

    @property
    def spending(self) -> Spending | None:
        """What the week has cost; None when `why_unknown` says why."""
        if self.why_unknown is not None or self._memory is None:
            return None
        return self._memory.spending

    @property
    def why_unknown(self) -> str | None:
        """Say in words why nothing is known to be left; None when the count is fresh."""
        if self._memory is None or not self._is_counted:
            return "the week's trades were not counted yet"
        if self.is_silent:
            return f"trades were not counted for {int(self._silence())} s"
        return None

    @property
    def is_silent(self) -> bool:
        """Whether nobody has counted for long."""
        return self._silence() > self._settings.uncounted_seconds

    @property
    def mismatch(self) -> SpendingMismatch | None:
        """Where the count and the chain disagreed, until a whole count agrees again."""
        return self._mismatch

    # --- the worker --------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Count until `stop`; what fails is tried again in the next period."""
        while not stop.is_set():
            try:
                await self.run_once()
            except PASSING as error:
                log.warning("incentive_spending_not_counted", error=str(error))
            await sleep_unless(stop, self._settings.counting_seconds)

    async def run_once(self) -> None:
        """Count what is new, and all of the week when that is due."""
        fees = self._fees()
        if not fees:
            # The markets are not known before the first snapshot.
            return
        head = await self._trades.head()
        week = self._week_of(head.timestamp)
        if week is None:
            self._is_counted = False
            return
        memory = await self._begun(week, head)
        trades = await self._trades.trades(memory.read_to + 1, head)
        spending = count_trades(memory.spending, trades, fees)
        self._remember(replace(memory, spending=spending, read_to=max(memory.read_to, head.number)))
        self._counted_at = now = self._clock.monotonic()
        self._is_counted = True
        if self._recounted_at is None:
            # What a restart remembers is compared before it is relied upon for long.
            self._recounted_at = now - self._settings.recount_seconds
        if now - self._recounted_at >= self._settings.recount_seconds:
            await self.recount(head)
        self._wake()

    async def recount(self, head: BlockRef) -> None:
        """Count the whole week from the chain and compare; take the chain's word where they differ."""
        memory, fees = self._memory, self._fees()
        if memory is None:
            return
        trades = await self._trades.trades(memory.first_block, head)
        self._recounted_at = self._clock.monotonic()
        # All blocks up to here were counted, so a trade that is missing at the end is missing too.
        counted = replace(memory.spending, block=memory.read_to, log_index=LAST_LOG)
        mismatch = reconcile(counted, trades, fees)
        self._metrics.recounts.inc()
        if mismatch is not None:
            log.error("incentive_spending_mismatch", why=mismatch.why)
            self._metrics.mismatches.inc()
            told = count_trades(Spending(week=memory.spending.week, by_market={}), trades, fees)
            self._remember(replace(memory, spending=told))
        elif self._mismatch is not None:
            log.warning("incentive_spending_agrees_again", block=head.number)
        self._mismatch = mismatch
        self._metrics.is_mismatched.set(mismatch is not None)

    def _silence(self) -> float:
        return self._clock.monotonic() - self._counted_at

    async def _begun(self, week: BudgetWeek, head: BlockRef) -> SpendingMemory:
        """Give the count of this week, begun anew when another week was counted."""
        memory = self._memory
        if memory is not None and memory.spending.week == week:
            return memory
        first = await self._trades.first_block_from(week.start, head)
        log.info("incentive_week_begun", start=week.start, end=week.end, first_block=first)
        self._mismatch = None
        self._metrics.is_mismatched.set(0)
        return SpendingMemory(
            spending=Spending(week=week, by_market={}), first_block=first, read_to=first - 1
        )

    def _remember(self, memory: SpendingMemory) -> None:
        """Note the count when it grew; its place alone can be found again from the chain."""
        before, self._memory = self._memory, memory
        is_same = before is not None and before.spending == memory.spending
        if not is_same:
            self._notes.note(SPENDING_KEY, spending_text(memory))
