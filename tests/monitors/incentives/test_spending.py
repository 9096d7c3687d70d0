"""The count of spending: exact, over restarts, compared with the chain, and unknown when nobody counts."""

from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from monitors.incentives.memory import SPENDING_KEY
from monitors.incentives.spending import SpendingSettings, SpendingWatch
from monitors.incentives.spending_metrics import SpendingMetrics
from risk.incentive_budget import BudgetWeek, OffHours, SettledTrade
from risk.units import MarketId, Ppm, Seconds
from runtime.rpc.errors import RpcTransient
from tests.builders import usd
from tests.monitors.breakers.world import Notebook
from tests.risk.incentive_world import trade, week
from venues.port import BlockRef

FEES = {MarketId(0): Ppm(-50)}
WEEK = week(length=1_000)
NEXT = BudgetWeek(
    start=Seconds(1_000),
    end=Seconds(2_000),
    off_hours=(OffHours(start=Seconds(1_000), end=Seconds(2_000)),),
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
class Chain:
    """A block a second, and the trades in them; some may be withheld."""

    head_number: int = 0
    settled: list[SettledTrade] = field(default_factory=list)
    withheld: set[int] = field(default_factory=set)
    is_down: bool = False
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def head(self) -> BlockRef:
        if self.is_down:
            raise RpcTransient("down")
        return BlockRef(number=self.head_number, timestamp=Seconds(self.head_number), hash=None)

    async def trades(self, first: int, last: BlockRef) -> list[SettledTrade]:
        self.asked.append((first, last.number))
        return [
            each
            for each in self.settled
            if first <= each.block <= last.number and each.block not in self.withheld
        ]

    async def first_block_from(self, time: Seconds, last: BlockRef) -> int:
        return min(int(time), last.number + 1)

    def trade(self, block: int, exposure: int = usd(10_000), fee: int = -150) -> None:
        self.settled.append(trade(block, exposure, fee, time=block))


def weeks(now: Seconds) -> BudgetWeek | None:
    """Give weeks of 1 000 s; none from 2 000 s on."""
    if now < 1_000:
        return WEEK
    return NEXT if now < 2_000 else None


class Rig:
    """A count between fakes."""

    def __init__(self, chain: Chain | None = None, notes: Notebook | None = None) -> None:
        self.chain, self.notes, self.clock = chain or Chain(), notes or Notebook(), Hands()
        self.registry = CollectorRegistry()
        self.woken = 0
        self.watch = SpendingWatch(
            self.chain,
            week_of=weeks,
            weekday_maker_fees=lambda: FEES,
            notes=self.notes,
            metrics=SpendingMetrics.create(self.registry),
            settings=SpendingSettings(
                counting_seconds=1, uncounted_seconds=60, recount_seconds=600
            ),
            clock=self.clock,
        )

    def markets_that_differ(self) -> dict[MarketId, tuple[int, int]] | None:
        """Give the mismatch as it is now."""
        return None if self.watch.mismatch is None else dict(self.watch.mismatch.markets)

    def total(self) -> int | None:
        """Give what is counted as spent now."""
        return None if self.watch.spending is None else self.watch.spending.total

    async def count(self, head: int, seconds: float = 1) -> int:
        self.chain.head_number = head
        self.clock.at += seconds
        await self.watch.run_once()
        assert self.watch.spending is not None
        return self.watch.spending.total

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_incentive_{name}")


async def test_counts_what_makers_got_beyond_the_weekdays_rebate() -> None:
    rig = Rig()
    rig.chain.trade(5)
    assert await rig.count(10) == usd(1)
    rig.chain.trade(11)
    rig.chain.trade(12, fee=-50)
    assert await rig.count(20) == usd(2)
    # Each block is read once, but for the whole week that is compared at first.
    assert rig.chain.asked == [(0, 10), (0, 10), (11, 20)]


async def test_a_restart_goes_on_from_where_it_stood() -> None:
    notes, chain = Notebook(), Chain()
    chain.trade(5)
    await Rig(chain, notes).count(10)
    chain.trade(11)
    again = Rig(chain, notes)
    assert again.watch.spending is None
    assert again.watch.why_unknown == "the week's trades were not counted yet"
    assert await again.count(20) == usd(2)
    assert again.watch.mismatch is None


async def test_what_the_endpoint_withheld_is_found_by_the_recount_and_healed_by_the_next() -> None:
    rig = Rig()
    rig.chain.trade(5)
    await rig.count(10)
    rig.chain.trade(15)
    rig.chain.withheld = {15}
    assert await rig.count(20) == usd(1)
    rig.chain.withheld.clear()
    assert await rig.count(30, seconds=601) == usd(2)
    assert rig.markets_that_differ() == {MarketId(0): (usd(1), usd(2))}
    assert (rig.value("mismatches_total"), rig.value("is_mismatched")) == (1, 1)
    assert await rig.count(40) == usd(2)
    assert rig.markets_that_differ() is not None
    assert await rig.count(50, seconds=601) == usd(2)
    assert rig.markets_that_differ() is None
    assert rig.value("is_mismatched") == 0


async def test_a_count_that_was_tampered_with_does_not_stand() -> None:
    notes, chain = Notebook(), Chain()
    chain.trade(5)
    await Rig(chain, notes).count(10)
    notes.texts[SPENDING_KEY] = notes.texts[SPENDING_KEY].replace("1000000", "900000")
    again = Rig(chain, notes)
    assert await again.count(20) == usd(1)
    assert again.watch.mismatch is not None


async def test_a_new_week_begins_at_nothing() -> None:
    rig = Rig()
    rig.chain.trade(900)
    assert await rig.count(950) == usd(1)
    rig.chain.trade(999)
    rig.chain.trade(1_000)
    assert await rig.count(1_100) == usd(1)
    assert rig.watch.spending is not None
    assert rig.watch.spending.week.end == 2_000


async def test_nothing_is_known_while_nobody_counts() -> None:
    rig = Rig()
    await rig.count(10)
    rig.chain.is_down = True
    rig.clock.at += 60
    with pytest.raises(RpcTransient):
        await rig.watch.run_once()
    assert rig.total() == 0
    rig.clock.at += 1
    assert rig.total() is None
    assert rig.watch.why_unknown == "trades were not counted for 61 s"
    assert rig.watch.is_silent


async def test_outside_of_the_calendar_nothing_is_known() -> None:
    rig = Rig()
    await rig.count(10)
    rig.chain.head_number = 2_000
    await rig.watch.run_once()
    assert rig.watch.spending is None


async def test_a_note_of_another_make_is_counted_anew() -> None:
    chain = Chain()
    chain.trade(5)
    rig = Rig(chain, Notebook(texts={SPENDING_KEY: '{"spending": 1}'}))
    assert await rig.count(10) == usd(1)
