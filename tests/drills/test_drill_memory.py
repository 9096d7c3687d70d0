"""Drills in memory: what the world does reaches the real keepers, and what they did is in the record."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from drills.crowd.terms import CrowdTerms
from drills.drill.plan import RunPlan
from drills.drill.play import play
from drills.drill.terms import DrillTerms
from drills.report.record import DrillRecord, MarketCourse, Variant
from drills.report.record_file import to_json
from drills.scenario.loader import load_scenario
from drills.scenario.moment import EventKind
from risk.deleverage_rank import RankPolicy
from risk.units import MarketStatus, Seconds
from runtime.errors import OperatorError
from runtime.logging import configure_logging

ROOT = Path(__file__).parents[2]
FEW = 200


def plan(scenario: str, begin: int, length: int, variant: Variant = Variant.BASE) -> RunPlan:
    """Give a run of a few minutes, `begin` seconds into a scenario."""
    start = load_scenario(scenario).start
    return RunPlan(
        scenario=scenario,
        accounts=FEW,
        variant=variant,
        begin=Seconds(start + begin),
        until=Seconds(start + begin + length),
    )


BOLD = DrillTerms(crowd=CrowdTerms(median_leverage=12.0))
"""So that a few hundred accounts have some to liquidate."""


def played(run: RunPlan) -> DrillRecord:
    return asyncio.run(play(run, terms=BOLD))


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Keep the keepers' lines for those who look for them."""
    configure_logging(level="CRITICAL")
    yield
    structlog.reset_defaults()


def course(record: DrillRecord, symbol: str) -> MarketCourse:
    return next(market for market in record.markets if market.symbol == symbol)


def all_hold(record: DrillRecord) -> bool:
    return all(each.holds for each in record.invariants)


def start_of(scenario: str, kind: EventKind) -> int:
    loaded = load_scenario(scenario)
    event = next(each for each in loaded.events if each.kind is kind)
    return event.start - loaded.start


@pytest.fixture(scope="module")
def outage() -> DrillRecord:
    """A quarter of an hour about the worst minute, in which the exchange takes nothing for ten."""
    began = start_of("outage_worst_minute", EventKind.EXCHANGE_OUTAGE)
    return played(plan("outage_worst_minute", began - 240, 1_060))


def test_nothing_is_settled_while_the_exchange_is_out_and_the_fall_is_worked_off_after_it(
    outage: DrillRecord,
) -> None:
    assert all_hold(outage)
    assert outage.totals.liquidations > 0
    event = load_scenario("outage_worst_minute").events[0]
    assert event.kind is EventKind.EXCHANGE_OUTAGE
    (stated,) = (each for each in outage.invariants if "exchange is out" in each.name)
    assert stated.found.startswith("0 trades and liquidations")
    late = [each for each in outage.buckets if each.stop > event.stop]
    assert sum(each.liquidations for each in late) > 0
    assert sum(each.liquidations for each in outage.buckets) == outage.totals.liquidations


def test_the_breakers_stop_a_market_whose_price_grew_old_in_the_outage(outage: DrillRecord) -> None:
    halts = [act for act in outage.acts if act.status is MarketStatus.HALTED]
    assert {act.symbol for act in halts} == {"SPY", "NVDA", "COIN"}
    assert all(act.who == "integrity" and "age of the price" in act.why for act in halts)
    assert outage.totals.halts == len(halts)


def test_no_time_of_the_axis_lies_in_a_stall_of_the_chain(outage: DrillRecord) -> None:
    stall = next(
        each
        for each in load_scenario("outage_worst_minute").events
        if each.kind is EventKind.CHAIN_STALL
    )
    assert not [at for at in outage.times if stall.start < at < stall.stop]
    assert [at for at in outage.times if stall.start - 60 < at <= stall.start]


def test_a_halt_of_the_underlying_restricts_every_market_in_time() -> None:
    began = start_of("crash_2020_03_09", EventKind.HALT)
    record = played(plan("crash_2020_03_09", began - 60, 300))
    (stated,) = record.expectations
    assert stated.happened, stated.found
    assert stated.happened_at is not None
    assert stated.happened_at - load_scenario("crash_2020_03_09").start - began <= 180
    assert all(market.status[-1] >= MarketStatus.REDUCE_ONLY for market in record.markets)


def test_nobody_is_liquidated_for_a_split_that_nobody_announced() -> None:
    began = start_of("unannounced_split", EventKind.SPLIT)
    record = played(plan("unannounced_split", began - 30, 240))
    assert record.totals.liquidations == 0
    nvda = course(record, "NVDA")
    assert nvda.value_e8[-1] < nvda.value_e8[0] // 3
    assert abs(nvda.mark_e8[-1] - nvda.mark_e8[0]) < nvda.mark_e8[0] // 50
    (stated,) = record.expectations
    assert stated.happened, stated.found


CRASH = plan("liquidations_2025_10_10", 90_900, 320)


@pytest.fixture(scope="module")
def by_variant() -> Mapping[Variant, DrillRecord]:
    """Five minutes of 10 October 2025 under three variants."""
    run = replace(CRASH, accounts=300)
    return {
        variant: played(replace(run, variant=variant))
        for variant in (Variant.BASE, Variant.NO_BREAKERS, Variant.FULL_LIQUIDATION)
    }


def test_variants_play_the_same_world(by_variant: Mapping[Variant, DrillRecord]) -> None:
    values = {course(each, "IBIT").value_e8[-1] for each in by_variant.values()}
    assert len(values) == 1
    assert all(all_hold(each) for each in by_variant.values())
    assert by_variant[Variant.NO_BREAKERS].acts == ()
    assert course(by_variant[Variant.NO_BREAKERS], "IBIT").band_high_e8[-1] is None
    assert course(by_variant[Variant.BASE], "IBIT").band_high_e8[-1] is not None


def test_full_liquidation_takes_more_from_each_in_fewer_pieces(
    by_variant: Mapping[Variant, DrillRecord],
) -> None:
    base, full = by_variant[Variant.BASE].totals, by_variant[Variant.FULL_LIQUIDATION].totals
    assert base.liquidated_accounts > 0
    assert full.liquidated_atoms > base.liquidated_atoms
    assert full.liquidations < base.liquidations


def test_a_frozen_close_does_not_move_while_outside_is_closed() -> None:
    news = start_of("sunday_war", EventKind.HEADLINE)
    moved, frozen = (
        course(played(plan("sunday_war", news, 240, variant)), "SPY")
        for variant in (Variant.BASE, Variant.FROZEN_CLOSE)
    )
    assert len(set(frozen.mark_e8)) == 1
    assert moved.value_e8[-1] == frozen.value_e8[-1]
    assert len(set(moved.mark_e8)) > 1


STORY = """
import asyncio, sys
from dataclasses import replace
from drills.drill.plan import RunPlan
from drills.drill.play import play
from drills.report.record_file import to_json
from runtime.logging import configure_logging
configure_logging(level="CRITICAL")
plan = RunPlan(scenario="liquidations_2025_10_10", accounts=300, seed=3,
    begin=int(sys.argv[1]), until=int(sys.argv[1]) + 40)
sys.stdout.write(to_json(replace(asyncio.run(play(plan)), cost=None)))
"""


def test_the_same_seed_is_the_same_record_in_any_process() -> None:
    begin = load_scenario("liquidations_2025_10_10").start + 91_200
    told = [
        subprocess.run(
            [sys.executable, "-c", STORY, str(begin)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert '"seed":3' in told[0]
    other = asyncio.run(
        play(replace(CRASH, accounts=300, seed=4, begin=Seconds(begin), until=Seconds(begin + 40)))
    )
    assert to_json(replace(other, cost=None)).strip() != told[0]


def test_a_stretch_outside_of_the_scenario_is_refused() -> None:
    with pytest.raises(OperatorError, match="expected a stretch from"):
        played(plan("crash_2020_03_09", -5, 60))


COLLAPSE = plan("collapse_2020_04_02", 55_900, 700)
"""From the minute before the fraud comes out until the backstop is empty."""


def test_an_empty_backstop_is_followed_by_deleveraging_of_just_what_is_owed() -> None:
    run = replace(COLLAPSE, accounts=300)
    ranked = played(replace(run, variant=Variant.PROFIT_LEVERAGE))
    shared = played(replace(run, variant=Variant.PRO_RATA))
    for record, policy in ((ranked, RankPolicy.PROFIT_LEVERAGE), (shared, RankPolicy.PRO_RATA)):
        (told,) = record.totals.deleverages
        assert told.policy is policy
        assert told.need_atoms > 0
        assert told.closed_atoms > 0
        assert told.haircut_over_need_ppm == 1_000_000
        assert all(each.holds for each in record.invariants), record.invariants
        assert record.totals.backstop_after_atoms < record.totals.backstop_before_atoms // 10
    assert shared.totals.deleveraged_accounts > ranked.totals.deleveraged_accounts > 0
