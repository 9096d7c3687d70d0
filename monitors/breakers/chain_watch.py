"""What is read from the chain from time to time, and counted over the account book, for the breakers.

Roles and limits against what was approved, the vault against what it owes, who holds most, who waits
longest. A reading that failed leaves the last one standing for a while, then nothing is known: not
knowing is a fact of its own. What the vault owes is added up in the very moment in which the book
stands at a sealed block, and compared with the pools read at that block.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

import structlog

from monitors.accounts import AccountsMonitor
from monitors.breakers.backlog import Backlog
from risk.book_totals import largest_share, owed_to_accounts
from risk.guard_rails import Limits, Parameter
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from runtime.clock import Clock
from runtime.rpc.errors import RpcError
from runtime.supervise import sleep_unless

FORGET_PERIODS: Final = 5
"""Periods after which a reading that was not renewed counts as unknown."""
SUM_SECONDS: Final = 1.0
"""Longest wait for a moment in which the book stands at a sealed block."""
STALL_MEMORY_SECONDS: Final = 60.0
"""A stall of the chain counts for so long after it ended: nobody could judge or write while it lasted."""
MARKETS_PER_PERIOD: Final = 16
"""Markets whose limits are read, and whose largest account is looked for, in one period."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolsRead:
    """The pools and the vault at one block, in quote atoms."""

    owed_by_pools: QuoteAtoms
    """Insurance, fees, funding and rewards together."""
    vault_balance: QuoteAtoms
    insurance_fund: QuoteAtoms
    withdrawals_open: bool


class ChainReads(Protocol):
    """Reads of the exchange. Each raises RpcError when it cannot be made."""

    async def roles_changed(self) -> int:
        """Count the role holders that differ from those that were approved."""

    async def limits(self, market: MarketId) -> Mapping[Parameter, Limits]:
        """Give the owner's limits of a market."""

    async def pools(self, block: int | None) -> PoolsRead:
        """Give the pools and the vault, at a block if one is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """How often to read."""

    period_seconds: float
    approved: Mapping[str, Mapping[Parameter, Limits]] = field(default_factory=dict)
    """The limits that were approved, by symbol."""


_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Reading(Generic[_Value]):
    """A value, and when it was read on the monotonic clock."""

    value: _Value
    at: float


class ChainWatch:
    """The newest readings; `SlowFacts` of the breaker panel, and the keeper's guard rails."""

    def __init__(
        self,
        reads: ChainReads,
        monitor: AccountsMonitor,
        *,
        settings: WatchSettings,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._reads, self._monitor = reads, monitor
        self._settings, self._clock, self._wake = settings, clock, wake
        self._roles: _Reading[int] | None = None
        self._pools: _Reading[PoolsRead] | None = None
        self._gap: _Reading[int] | None = None
        self._limits: dict[MarketId, _Reading[Mapping[Parameter, Limits]]] = {}
        self._shares: dict[MarketId, _Reading[Ppm]] = {}
        self._next_share = self._next_limits = 0
        self._head_seen_at: float | None = None
        self._stall: _Reading[float] | None = None
        """The longest of the latest waits for a block."""
        self._owed: tuple[int, QuoteAtoms] | None = None
        """What accounts were owed at a sealed block, not yet compared."""
        self._backlog = Backlog(monitor)
        self._asked_owed, self._told_owed = asyncio.Event(), asyncio.Event()

    # --- told by others --------------------------------------------------------------------------

    def on_head(self) -> None:
        """Learn that the venue's clock moved; add up what is owed if the book stands at a block."""
        now, before = self._clock.monotonic(), self._head_seen_at
        self._head_seen_at = now
        if before is not None and now - before >= self._lately_stalled():
            self._stall = _Reading(now - before, now)
        monitor = self._monitor
        is_whole = monitor.distrust is None and monitor.applied_block == monitor.sealed_block
        if is_whole and self._asked_owed.is_set() and len(monitor.watch.book):
            self._asked_owed.clear()
            self._owed = (monitor.sealed_block, owed_to_accounts(monitor.watch.book))
            self._told_owed.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`; a reading that fails is tried again in the next period."""
        while not stop.is_set():
            for name, read in (
                ("roles", self._read_roles),
                ("vault", self._read_vault),
                ("limits", self._read_limits),
            ):
                try:
                    await read()
                except RpcError as error:
                    log.warning("breaker_reading_failed", reading=name, error=str(error))
            self._look_at_shares()
            self._wake()
            await sleep_unless(stop, self._settings.period_seconds)

    # --- SlowFacts -------------------------------------------------------------------------------

    @property
    def roles_changed(self) -> int | None:
        """How many role holders differ from those that were approved."""
        return self._fresh(self._roles)

    @property
    def solvency_gap(self) -> int | None:
        """What the vault lacks to pay everybody, in quote atoms; negative when it has more."""
        return self._fresh(self._gap)

    @property
    def head_age(self) -> Seconds | None:
        """How long no block came, now or lately, on our own clock, rounded down."""
        if self._head_seen_at is None:
            return None
        waiting = self._clock.monotonic() - self._head_seen_at
        return Seconds(int(max(waiting, self._lately_stalled())))

    def limits_changed(self, market: MarketId) -> int | None:
        """How many of the owner's limits differ from those that were approved."""
        limits = self._fresh(self._limits.get(market))
        approved = self._settings.approved.get(self._monitor.markets[market].symbol)
        if limits is None or approved is None:
            return None
        return sum(limits.get(parameter) != wanted for parameter, wanted in approved.items())

    def largest_share(self, market: MarketId) -> Ppm | None:
        """Part of the open interest that the largest account holds."""
        return self._fresh(self._shares.get(market))

    def backlog_blocks(self, market: MarketId) -> int | None:
        """For how many blocks a keeper has been waited for while this market may liquidate (`Backlog`)."""
        monitor = self._monitor
        if monitor.distrust is not None:
            return None
        since = self._backlog.since(market)
        return 0 if since is None else max(0, monitor.applied_block - since[1])

    def insurance_fund(self) -> int | None:
        """The insurance fund in quote atoms, as the feed tells it."""
        exchange = self._monitor.exchange
        return None if exchange is None else exchange.funds.insurance_fund

    # --- ControlFacts ----------------------------------------------------------------------------

    def limits(self, market: MarketId, parameter: Parameter) -> Limits | None:
        """Give the owner's limits of a parameter of a market; None before they were read."""
        reading = self._limits.get(market)
        return None if reading is None else reading.value.get(parameter)

    @property
    def withdrawals_open(self) -> bool | None:
        """Whether anything may leave the exchange."""
        pools = self._fresh(self._pools)
        return None if pools is None else pools.withdrawals_open

    # --- within ----------------------------------------------------------------------------------

    def _lately_stalled(self) -> float:
        stall = self._stall
        is_late = stall is None or self._clock.monotonic() - stall.at > STALL_MEMORY_SECONDS
        return 0.0 if stall is None or is_late else stall.value

    async def _read_roles(self) -> None:
        self._roles = _Reading(await self._reads.roles_changed(), self._clock.monotonic())

    async def _read_vault(self) -> None:
        owed = await self._owed_now()
        try:
            pools = await self._reads.pools(None if owed is None else owed[0])
        except RpcError:
            if owed is None:
                raise
            # A node forgets the states of old blocks; what does not need that block is still told.
            owed, pools = None, await self._reads.pools(None)
        now = self._clock.monotonic()
        self._pools = _Reading(pools, now)
        if owed is None:
            return
        gap = owed[1] + pools.owed_by_pools - pools.vault_balance
        if gap:
            log.error("vault_gap", block=owed[0], gap_atoms=gap)
        self._gap = _Reading(gap, now)

    async def _owed_now(self) -> tuple[int, QuoteAtoms] | None:
        """Add up what accounts are owed at the next sealed block: a node forgets old states soon."""
        self._owed = None
        self._told_owed.clear()
        self._asked_owed.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SUM_SECONDS):
                await self._told_owed.wait()
        return self._owed

    async def _read_limits(self) -> None:
        """Read every market at first, then some in each period."""
        markets = self._markets()
        unread = [market for market in markets if market not in self._limits]
        for market in unread or self._some(markets, self._next_limits):
            limits = await self._reads.limits(market)
            self._limits[market] = _Reading(limits, self._clock.monotonic())
        self._next_limits += MARKETS_PER_PERIOD

    def _look_at_shares(self) -> None:
        markets = self._markets()
        if not markets or self._monitor.distrust is not None:
            return
        for market in self._some(markets, self._next_share):
            share = largest_share(self._monitor.watch.book, market)
            self._shares[market] = _Reading(share, self._clock.monotonic())
        self._next_share += MARKETS_PER_PERIOD

    @staticmethod
    def _some(markets: Sequence[MarketId], start: int) -> Sequence[MarketId]:
        """Give the next few markets in turn."""
        count = len(markets)
        return [markets[(start + step) % count] for step in range(min(MARKETS_PER_PERIOD, count))]

    def _markets(self) -> Sequence[MarketId]:
        return sorted(self._monitor.markets)

    def _fresh(self, reading: _Reading[_Value] | None) -> _Value | None:
        """Give a reading's value unless it is too old to be known."""
        if reading is None:
            return None
        # A round takes several periods where there are many markets.
        rounds = 1 + len(self._monitor.markets) // MARKETS_PER_PERIOD
        oldest = self._settings.period_seconds * (FORGET_PERIODS + rounds)
        is_fresh = self._clock.monotonic() - reading.at <= oldest
        return reading.value if is_fresh else None
