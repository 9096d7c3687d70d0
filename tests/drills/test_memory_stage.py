"""The real workers on the exchange in memory: a crash worked off, needs deleveraged, writes written, alike twice."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from drills.memory.crowd import STARTED_AT, CrowdPlan, fallen, make_crowd, maker_of
from drills.memory.desk import Fair
from drills.memory.duties import (
    open_breakers,
    open_deleverages,
    open_liquidations,
    open_prices,
)
from drills.memory.settings import StageSettings
from drills.memory.stage import ROLE_TO_ADDRESS, MemoryStage, StepInput, StepReport, Wish
from risk.deleverage_rules import DeleverageCode
from risk.guard_rails import Limits, Parameter
from risk.liquidation import LiquidationCode
from risk.market import Market
from risk.precedence import BandEdges, Wanted
from risk.trade_rules import Trade
from risk.units import (
    MarketId,
    MarketStatus,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from venues.exchange.readings import Role
from venues.memory.blocks import ChainPace
from venues.memory.requests import SettleTrades

PLAN = CrowdPlan(accounts=800, markets=3, seed=5)


def make_stage(plan: CrowdPlan = PLAN, settings: StageSettings | None = None) -> MemoryStage:
    return MemoryStage(make_crowd(plan), now=STARTED_AT, settings=settings or StageSettings())


def fair(stage: MemoryStage, fall: int) -> Mapping[MarketId, Fair]:
    """Give every market's prices after a fall in ppm of what they are now."""
    found = {}
    for market in stage.exchange.state.markets.values():
        price = fallen(market, Ppm(fall))
        found[market.id] = Fair(mark=price, index=price)
    return found


async def play(stage: MemoryStage, fall: int, blocks: int) -> list[StepReport]:
    world = StepInput(fair=fair(stage, fall))
    return [await stage.step(world) for _ in range(blocks)]


def books_agree(stage: MemoryStage) -> bool:
    """Say whether whoever followed the feed holds what the exchange holds."""
    book = stage.exchange.state.book
    return not stage.monitor.watch.book.differences(book.columns())


async def test_a_crash_is_worked_off_by_the_real_keeper() -> None:
    stage = make_stage()
    open_prices(stage)
    open_liquidations(stage)
    money = stage.exchange.money()
    reports = await play(stage, 70_000, 140)
    codes = Counter(each.code for report in reports for each in report.liquidations)
    assert codes[LiquidationCode.LIQUIDATED] > 80
    assert max(report.under_margin for report in reports) > 40
    assert reports[-1].under_margin == 0
    assert stage.journal.outcomes["liquidate", "liquidated"] == codes[LiquidationCode.LIQUIDATED]
    assert stage.journal.in_flight("liquidate") == []
    assert stage.exchange.money() == money
    assert books_agree(stage)


async def test_a_price_reaches_a_liquidation_one_block_later() -> None:
    stage = make_stage()
    open_prices(stage)
    open_liquidations(stage)
    reports = await play(stage, 70_000, 60)
    first_under = next(n for n, report in enumerate(reports) if report.under_margin)
    first_closed = next(n for n, report in enumerate(reports) if report.liquidations)
    assert first_closed == first_under + 1


async def test_a_full_block_leaves_the_rest_of_a_crash_to_the_next_ones() -> None:
    most: list[int] = []
    for gas_limit in (1_000_000_000, 20_000_000):
        settings = StageSettings(pace=ChainPace(gas_limit=gas_limit))
        state = make_crowd(replace(PLAN, accounts=3_000))
        for market in list(state.markets.values()):
            state.book.set_market(replace(market, clamp=Ppm(10**6)))
        stage = MemoryStage(state, now=STARTED_AT, settings=settings)
        open_prices(stage)
        open_liquidations(stage)
        reports = await play(stage, 70_000, 60)
        assert max(report.gas_used for report in reports) <= gas_limit
        assert max(report.waiting_calls for report in reports) == (0 if not most else 3)
        assert reports[-1].under_margin == 0
        most.append(max(len(report.liquidations) for report in reports))
    assert most[0] > 150
    # One batch a block, and no more: two limits do not fit.
    assert most[1] <= 64


async def test_whom_nobody_can_carry_is_deleveraged() -> None:
    stage = make_stage(replace(PLAN, accounts=300, insurance_usd=0, backstop_usd=0))
    open_prices(stage)
    open_liquidations(stage)
    open_deleverages(stage)
    reports = await play(stage, 140_000, 90)
    codes = Counter(each.code for report in reports for each in report.deleverages)
    assert codes[DeleverageCode.DELEVERAGED] > 10
    # A loser may keep a winning position that nobody has to take: little is left.
    assert sum(-equity for equity, _ in stage.monitor.bankrupt()) < 10**7
    assert books_agree(stage)
    paid = {each.counterparty for report in reports for each in report.deleverages}
    assert paid & {maker_of(market) for market in stage.exchange.state.markets}


async def test_trades_of_users_land_in_the_next_block_and_bad_ones_are_told() -> None:
    stage = make_stage()
    market = stage.exchange.state.markets[MarketId(1)]
    book = stage.exchange.state.book
    trader = book.id_at(len(book) - 1)
    good = Trade(
        taker=maker_of(MarketId(1)),
        maker=maker_of(MarketId(2)),
        market=market.id,
        size=SizeE8(10**10),
        price=market.mark,
    )
    bad = replace(good, taker=trader, size=SizeE8(10**16))
    matcher = ROLE_TO_ADDRESS[Role.MATCHER]
    report = await stage.step(
        StepInput(
            wishes=[
                Wish(caller=matcher, request=SettleTrades(trades=(each,))) for each in (good, bad)
            ]
        )
    )
    (settled,) = report.trades
    assert settled.size == good.size
    assert [each.reason for each in report.refused] == ["below initial margin"]
    assert books_agree(stage)


class Machines:
    """A breaker view that wants one market halted and another banded."""

    def __init__(self, stage: MemoryStage) -> None:
        self._monitor = stage.monitor
        self.own: dict[MarketId, MarketStatus] = {}

    @property
    def distrust(self) -> str | None:
        return self._monitor.distrust

    @property
    def now(self) -> Seconds:
        return self._monitor.now

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        return self._monitor.markets

    @property
    def applied_block(self) -> int:
        return self._monitor.applied_block

    def wanted(self) -> Mapping[MarketId, Wanted]:
        mark = self.markets[MarketId(1)].mark
        band = BandEdges(low=PriceE8(mark - mark // 20), high=PriceE8(mark + mark // 20))
        return {
            MarketId(0): _wanted(MarketStatus.HALTED, None),
            MarketId(1): _wanted(MarketStatus.OPEN, band),
        }

    def own_status(self, market: MarketId) -> MarketStatus:
        return self.own.get(market, MarketStatus.OPEN)

    def set_by_us(self, market: MarketId, status: MarketStatus) -> None:
        self.own[market] = status


def _wanted(status: MarketStatus, band: BandEdges | None) -> Wanted:
    return Wanted(status=status, band=band, closes_withdrawals=False, by=None, why="a drill")


async def test_the_real_breaker_halts_and_draws_bands() -> None:
    stage = make_stage()
    wide = Limits(minimum=0, maximum=10**6, largest_step=10**6, cool_down=Seconds(0))
    for market in stage.exchange.state.markets:
        stage.exchange.state.limits[market, Parameter.BAND] = wide
        stage.exchange.state.limits[market, Parameter.STATUS] = wide
    open_breakers(stage, Machines(stage))
    for _ in range(4):
        await stage.step(StepInput())
    markets = stage.exchange.state.markets
    assert markets[MarketId(0)].status is MarketStatus.HALTED
    assert markets[MarketId(1)].band_high == markets[MarketId(1)].mark * 105 // 100
    assert stage.exchange.state.epochs[MarketId(0), Role.BREAKER] == 1
    assert stage.journal.outcomes == {("control", "done"): 2}


STORY = """
import asyncio, hashlib
from tests.drills.test_memory_stage import make_stage, play
from drills.memory.crowd import CrowdPlan
from drills.memory.duties import open_deleverages, open_liquidations, open_prices
async def main():
    stage = make_stage(CrowdPlan(accounts=120, markets=2, seed=9, insurance_usd=20, backstop_usd=900))
    open_prices(stage); open_liquidations(stage); open_deleverages(stage)
    told = hashlib.sha256()
    for report in await play(stage, 130_000, 60):
        told.update(repr(report).encode())
    columns = stage.exchange.state.book.columns()
    told.update(columns.collateral.tobytes() + columns.positions.size.tobytes())
    print(told.hexdigest())
asyncio.run(main())
"""


def told_by(seed: str) -> Sequence[str]:
    done = subprocess.run(
        [sys.executable, "-c", STORY],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1:]


def test_the_same_story_is_the_same_to_the_byte_in_any_process() -> None:
    first, second = told_by("1"), told_by("2")
    assert len(first[0]) == 64
    assert first == second


def test_the_crowd_is_the_same_for_a_seed_and_its_books_balance() -> None:
    one, two = make_crowd(PLAN), make_crowd(PLAN)
    other = make_crowd(replace(PLAN, seed=6))
    columns = [state.book.columns() for state in (one, two, other)]
    assert columns[0].ids == columns[1].ids
    assert columns[0].collateral.tolist() == columns[1].collateral.tolist()
    assert columns[0].collateral.tolist() != columns[2].collateral.tolist()
    for market in one.markets:
        sizes = columns[0].positions.size[columns[0].positions.market == market]
        assert sizes.sum() == 0
    assert one.funds.insurance_fund == QuoteAtoms(5_000_000 * 10**6)
