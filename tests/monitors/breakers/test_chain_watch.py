"""What is read from the chain for the breakers: a stall is remembered, a forgotten block stops nothing else."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from monitors.accounts import AccountsMonitor
from monitors.breakers.chain_watch import (
    STALL_MEMORY_SECONDS,
    ChainWatch,
    PoolsRead,
    WatchSettings,
)
from risk.account_book import AccountBook
from risk.guard_rails import Limits, Parameter
from risk.units import MarketId, QuoteAtoms
from runtime.rpc.errors import RpcTransient
from tests.builders import make_account_id, make_market, make_markets, usd

POOLS = PoolsRead(
    owed_by_pools=QuoteAtoms(0),
    vault_balance=QuoteAtoms(0),
    insurance_fund=usd(9),
    withdrawals_open=True,
)


@dataclass
class Hands:
    """A clock that a test moves."""

    at: float = 100.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> float:
        return self.at


@dataclass
class Watch:
    """The accounts' watch, as far as it is looked at."""

    book: AccountBook


@dataclass
class Monitor:
    """A book at a sealed block."""

    watch: Watch
    distrust: str | None = None
    applied_block: int = 7
    sealed_block: int = 7
    markets: Mapping[MarketId, Any] = field(default_factory=dict)


@dataclass
class Reads:
    """A node that may have forgotten a block's state."""

    forgets: bool = False

    async def roles_changed(self) -> int:
        return 0

    async def limits(self, market: MarketId) -> Mapping[Parameter, Limits]:  # noqa: ARG002
        return {}

    async def pools(self, block: int | None) -> PoolsRead:
        if block is not None and self.forgets:
            raise RpcTransient("block out of range")
        return POOLS


def make_watch(reads: Reads, clock: Hands, wake: Callable[[], None] = lambda: None) -> ChainWatch:
    markets = make_markets(make_market())
    book = AccountBook(markets)
    book.set_collateral(make_account_id(1), usd(5))
    monitor = Monitor(watch=Watch(book), markets=markets)
    return ChainWatch(
        reads,
        cast("AccountsMonitor", monitor),
        settings=WatchSettings(period_seconds=60),
        clock=clock,
        wake=wake,
    )


async def read_once(reads: Reads) -> ChainWatch:
    stop = asyncio.Event()
    watch = make_watch(reads, Hands(), wake=stop.set)
    running = asyncio.create_task(watch.run(stop))
    await asyncio.sleep(0)
    # The sum is taken at the next head, and compared with the pools of that block.
    watch.on_head()
    await running
    return watch


def test_a_stall_counts_while_it_lasts_and_for_a_while_after_its_end() -> None:
    clock = Hands()
    watch = make_watch(Reads(), clock)
    before = watch.head_age
    assert before is None
    watch.on_head()
    clock.at += 45.5
    assert watch.head_age == 45
    # The first block after it wakes the breakers: they must still see what was.
    watch.on_head()
    assert watch.head_age == 45
    clock.at += 1
    watch.on_head()
    assert watch.head_age == 45
    for _ in range(int(STALL_MEMORY_SECONDS)):
        clock.at += 1
        watch.on_head()
    assert watch.head_age == 1


async def test_a_block_that_the_node_forgot_hides_the_gap_and_nothing_else() -> None:
    watch = await read_once(Reads(forgets=True))
    assert watch.withdrawals_open is True
    assert watch.solvency_gap is None


async def test_the_gap_is_what_the_vault_lacks() -> None:
    watch = await read_once(Reads())
    assert watch.solvency_gap == usd(5)
