"""The live what-if over a real account monitor: what it tells, when it is silent, and whom it holds up."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import pytest
import structlog.testing
from prometheus_client import CollectorRegistry

from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from monitors.stress import StressMonitor, StressPlan
from monitors.stress_metrics import StressMetrics
from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.margin import Account
from risk.market import Market
from risk.price_guard import PriceRules
from risk.units import Ppm, QuoteAtoms, Seconds
from tests.builders import (
    BACKSTOP_ID,
    NOW,
    make_account,
    make_market,
    make_position,
    make_rules,
    shares,
    usd,
)
from venues.port import BlockRef, Funds, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """A scenario as data."""

    name: str
    moves: Mapping[str, int]
    description: str = "what happens"

    def move_of(self, symbol: str, asset_class: str) -> int:
        return self.moves.get(symbol, self.moves.get(asset_class, 0))


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


AAPL, GLD = make_market(0, symbol="AAPL"), make_market(1, symbol="GLD")
CRASH = Moves(name="crash", moves={"stock": -200_000})
CALM = Moves(name="calm", moves={"GLD": -10_000})


def trader(number: int = 1, *, collateral: int = 150) -> Account:
    """Long 10 AAPL at 200 USD."""
    return make_account(
        usd(collateral), [make_position(shares(10), quote=-usd(2_000))], number=number
    )


def snapshot(accounts: Sequence[Account], insurance: int, *markets: Market) -> Snapshot:
    backstop = replace(make_account(usd(100)), id=BACKSTOP_ID)
    zero = QuoteAtoms(0)
    return Snapshot(
        block=BlockRef(number=1, timestamp=NOW, hash=None),
        markets={each.id: each for each in markets or (AAPL, GLD)},
        accounts=[columns_of([*accounts, backstop])],
        funds=Funds(
            insurance_fund=usd(insurance), fee_pool=zero, funding_pool=zero, rewards_owed=zero
        ),
        rules=make_rules(),
        backstop_account=BACKSTOP_ID,
    )


@dataclass(slots=True)
class World:
    """A monitor of accounts and the what-if over it."""

    accounts: AccountsMonitor
    stress: StressMonitor
    registry: CollectorRegistry

    def figure(self, name: str, scenario: str) -> float | None:
        return self.registry.get_sample_value(f"bellkeeper_stress_{name}", {"scenario": scenario})

    def tell(self, accounts: Sequence[Account], insurance: int = 500, *markets: Market) -> None:
        self.accounts.on_snapshot(snapshot(accounts, insurance, *markets))
        self.stress.show()

    async def look(self) -> None:
        await self.stress.look(asyncio.Event())


@pytest.fixture
def world() -> World:
    registry = CollectorRegistry()
    accounts = AccountsMonitor(
        watch=AccountWatch(),
        price_rules=PriceRules(
            max_divergence=Ppm(50_000), warm_up_updates=0, future_tolerance=Seconds(5)
        ),
        metrics=AccountMetrics.create(registry),
        random=Random(7),
    )
    plan = StressPlan(
        steps=(50_000, 200_000),
        scenarios=[CALM, CRASH],
        class_of=lambda symbol: {"AAPL": "stock", "GLD": "commodity"}.get(symbol, ""),
        is_equity=lambda symbol: symbol != "GLD",
        period_seconds=0.01,
    )
    stress = StressMonitor(
        accounts, plan, metrics=StressMetrics.create(registry, plan.names), clock=SystemClock()
    )
    return World(accounts=accounts, stress=stress, registry=registry)


async def test_a_crash_is_told_with_who_would_pay(world: World) -> None:
    world.tell([trader(), trader(2, collateral=5_000)], 200)
    await world.look()
    # 10 shares fall by 40 USD each: 400 lost, 150 were there.
    assert world.figure("accounts", "crash") == 1
    assert world.figure("liquidated_usd", "crash") == 1_600
    assert world.figure("bankrupt_accounts", "crash") == 1
    assert world.figure("bad_debt_usd", "crash") == 250
    assert world.figure("insurance_left_usd", "crash") == 0
    assert world.figure("backstop_left_usd", "crash") == 50
    assert world.figure("uncovered_usd", "crash") == 0
    assert world.figure("fund_exhausted", "crash") == 1
    assert world.figure("fund_exhausted", "calm") == 0
    assert world.figure("bad_debt_usd", "equities_down_20_percent") == 250
    assert world.figure("bad_debt_usd", "equities_up_20_percent") == 0
    assert world.registry.get_sample_value("bellkeeper_stress_timestamp_seconds") == NOW
    at = {"market": "AAPL", "move": "down_20_percent"}
    name = "bellkeeper_stress_market_bad_debt_usd"
    assert world.registry.get_sample_value(name, at) == 250
    assert world.registry.get_sample_value(name, at | {"market": "GLD"}) == 0


async def test_status_tells_each_scenario_and_each_market_at_its_worst(world: World) -> None:
    assert world.stress.status() == {"why": "nothing was looked at yet"}
    world.tell([trader()])
    await world.look()
    told = world.stress.status()
    assert told["why"] is None
    scenarios, worst = told["scenarios"], told["worst_by_market"]
    assert isinstance(scenarios, dict)
    assert isinstance(worst, dict)
    assert list(scenarios) == [
        "equities_down_20_percent",
        "equities_down_5_percent",
        "equities_up_5_percent",
        "equities_up_20_percent",
        "calm",
        "crash",
    ]
    assert scenarios["crash"]["bad_debt_atoms"] == usd(250)
    assert scenarios["crash"]["description"] == "what happens"
    assert worst["AAPL"]["move_ppm"] == -200_000
    assert worst["AAPL"]["bad_debt_atoms"] == usd(250)


async def test_a_scenario_that_begins_to_exhaust_the_fund_is_said_once(world: World) -> None:
    with structlog.testing.capture_logs() as lines:
        world.tell([trader()], 251)
        await world.look()
        assert world.stress.exhausting == frozenset()
        world.tell([trader()], 250)
        await world.look()
        await world.look()
        assert world.stress.exhausting == {"crash"}
        world.tell([trader()], 251)
        await world.look()
    events = [each["event"] for each in lines if each["event"].startswith("stress_")]
    assert events == ["stress_exhausts_fund", "stress_covered_again"]
    said = next(each for each in lines if each["event"] == "stress_exhausts_fund")
    assert (said["scenario"], said["bad_debt_atoms"]) == ("crash", usd(250))


async def test_while_the_book_is_distrusted_nothing_new_is_said(world: World) -> None:
    await world.look()
    assert world.stress.last is None
    assert world.stress.why == "no snapshot yet"
    world.tell([trader()])
    await world.look()
    before = world.stress.last
    world.accounts.on_interrupted("the feed lost touch")
    await world.look()
    assert world.stress.last is before
    assert "lost touch" in str(world.stress.why)
    skipped = "bellkeeper_stress_looks_skipped_total"
    assert world.registry.get_sample_value(skipped) == 2


async def test_a_split_in_progress_is_waited_for(world: World) -> None:
    world.tell([trader()], 500, replace(AAPL, is_splitting=True), GLD)
    await world.look()
    assert world.stress.last is None
    assert world.stress.why == "AAPL splits: its sizes are not whole"


async def test_a_market_without_a_file_falls_with_all_equities(world: World) -> None:
    unknown = replace(AAPL, symbol="NEWCO")
    world.tell([trader()], 500, unknown, GLD)
    await world.look()
    assert world.figure("bad_debt_usd", "equities_down_20_percent") == 250
    assert world.figure("bad_debt_usd", "crash") == 0


async def test_every_series_is_there_before_the_first_look(world: World) -> None:
    world.tell([trader()])
    for name in ("accounts", "bad_debt_usd", "fund_exhausted", "uncovered_usd"):
        for scenario in ("crash", "calm", "equities_down_5_percent", "equities_up_20_percent"):
            assert world.figure(name, scenario) == 0
    at = {"market": "GLD", "move": "up_5_percent"}
    name = "bellkeeper_stress_market_liquidated_usd"
    assert world.registry.get_sample_value(name, at) == 0


async def test_a_book_that_was_replaced_meanwhile_is_not_told(world: World) -> None:
    world.tell([trader()])
    looking = asyncio.create_task(world.look())
    await asyncio.sleep(0)
    world.tell([trader(collateral=9_000)])
    await looking
    assert world.stress.last is None
    await world.look()
    assert world.figure("bad_debt_usd", "crash") == 0


async def test_it_runs_until_it_is_stopped_in_the_middle_of_a_look(world: World) -> None:
    world.tell([trader(number) for number in range(1, 400)])
    stop = asyncio.Event()
    running = asyncio.create_task(world.stress.run(stop))
    for _ in range(500):
        if world.stress.last is not None:
            break
        await asyncio.sleep(0.01)
    assert world.figure("accounts", "crash") == 399
    stop.set()
    async with asyncio.timeout(5):
        await running
