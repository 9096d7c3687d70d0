"""A weekend in memory under each arm: what is counted, what is kept, and that it can be played again."""

from dataclasses import replace
from random import Random
from typing import Final

import pytest

from drills import weekend
from drills.incentives.figures import Played
from drills.incentives.policy import Arm
from drills.incentives.results import summed_up
from drills.incentives.setting import STEP, Setting, World, closure, draw_world, load_setting
from drills.incentives.table import as_markdown
from drills.incentives.weekend import _Run, play
from drills.maker_model.value import recorded_path
from risk.guard_rails import Parameter
from risk.incentive_terms import Lever
from risk.incentive_write import value_on_chain
from risk.sessions import Session
from risk.units import PriceE8, Seconds
from runtime.errors import OperatorError

SETTING: Final = load_setting("NVDA")
WORLD: Final = draw_world(SETTING, 2)


@pytest.fixture(scope="module")
def played() -> dict[Arm, Played]:
    return {arm: play(SETTING, WORLD, arm) for arm in Arm}


def run_until(end: Seconds, arm: Arm, setting: Setting = SETTING, world: World = WORLD) -> _Run:
    run = _Run(setting, world, arm)
    for now, value in zip(world.path.times, world.path.values, strict=True):
        if now >= end:
            break
        run.look(Seconds(now), value)
    return run


def test_every_session_is_seen_whole_and_in_order(played: dict[Arm, Played]) -> None:
    for each in played.values():
        assert [figures.session for figures in each.sessions] == [
            Session.REGULAR,
            Session.POST,
            Session.WEEKEND,
            Session.OVERNIGHT,
            Session.PRE,
            Session.REGULAR,
        ]
        assert each.sessions[0].start == weekend.BEGIN
        assert each.sessions[-1].end == weekend.END
        for before, after in zip(each.sessions, each.sessions[1:], strict=False):
            assert before.end == after.start
        assert (each.closed().start, each.closed().end) == (weekend.CLOSE, weekend.REOPEN)


def test_depth_falls_over_the_weekend_whoever_sets_the_levers(played: dict[Arm, Played]) -> None:
    for each in played.values():
        assert each.closed().depth < each.sessions[0].depth / 2
        assert each.closed().makers_milli < each.sessions[0].makers_milli


def test_only_who_pays_more_than_on_weekdays_spends_and_nobody_overspends(
    played: dict[Arm, Played],
) -> None:
    assert played[Arm.WEEKDAY].spent == 0
    assert 0 < played[Arm.SCHEDULE].spent < played[Arm.KEEPER].spent
    for each in played.values():
        assert each.is_budget_kept
        assert each.spent <= each.rebates
        assert sum(figures.rebates for figures in each.sessions) == each.rebates


def test_the_weekday_arm_moves_no_lever_but_the_funding_rate(played: dict[Arm, Played]) -> None:
    weekday = SETTING.market
    for sample in played[Arm.WEEKDAY].samples:
        assert (sample.rebate, sample.taker_fee, sample.margin) == (
            -weekday.maker_fee,
            weekday.taker_fee,
            weekday.initial_margin,
        )


def test_levers_are_as_scheduled_when_the_session_closes_and_home_on_monday(
    played: dict[Arm, Played],
) -> None:
    terms = SETTING.policy.market.incentives.terms
    closed = terms.levels[Session.WEEKEND]
    at_close = next(each for each in played[Arm.SCHEDULE].samples if each.at == weekend.CLOSE)
    assert at_close.margin == closed.initial_margin
    assert at_close.taker_fee == closed.taker_fee
    # What is looser, a rebate here, may come a write later than the session.
    rebates = {each.at: each.rebate for each in played[Arm.SCHEDULE].samples}
    assert rebates[weekend.CLOSE] <= -closed.maker_fee
    assert rebates[Seconds(weekend.CLOSE + 600)] == -closed.maker_fee
    boosted = [each.rebate for each in played[Arm.KEEPER].samples]
    assert max(boosted) == -SETTING.limits[Parameter.MAKER_FEE].minimum
    for arm in (Arm.SCHEDULE, Arm.KEEPER):
        last = played[arm].samples[-1]
        assert last.at > weekend.MORNING
        assert last.taker_fee == terms.weekday.taker_fee
        assert last.margin < closed.initial_margin


def test_money_is_only_moved_and_fees_leave_the_venue_no_loss() -> None:
    run = run_until(Seconds(weekend.CLOSE + 3_600), Arm.KEEPER)
    venue = run._venue
    venue.settle_funding()
    totals = venue.totals
    cash = sum(each.cash for each in venue.holdings.values())
    assert totals.trades > 100
    assert cash + totals.taker_fees + totals.maker_fees + totals.funding_pool == 0
    assert sum(each.size for each in venue.holdings.values()) == 0
    assert totals.taker_fees + totals.maker_fees >= 0
    assert sum(totals.by_maker.values()) == totals.rebates


def test_the_same_seed_plays_the_same_weekend_and_another_does_not() -> None:
    until = Seconds(weekend.BEGIN + 3_600)
    one, again = (run_until(until, Arm.KEEPER)._samples for _ in range(2))
    assert one == again
    assert one != run_until(until, Arm.KEEPER, world=draw_world(SETTING, 3))._samples


def test_a_lever_that_is_held_stays_while_the_others_move() -> None:
    held = load_setting("NVDA", held=[Lever.INITIAL_MARGIN])
    run = run_until(Seconds(weekend.CLOSE + 1_800), Arm.SCHEDULE, setting=held)
    market = run._venue.market
    assert value_on_chain(market, Parameter.INITIAL_MARGIN) == SETTING.market.initial_margin
    assert value_on_chain(market, Parameter.TAKER_FEE) > SETTING.market.taker_fee


def test_a_small_budget_is_kept_and_binds() -> None:
    tight = load_setting("NVDA", budget_usd=100)
    run = run_until(Seconds(weekend.CLOSE + 12 * 3_600), Arm.KEEPER, setting=tight)
    assert 0 <= run._policy.most_spent <= 100 * 10**6
    free = run_until(Seconds(weekend.CLOSE + 12 * 3_600), Arm.KEEPER)
    assert run._policy.most_spent < free._policy.most_spent
    assert run._venue.market.maker_fee > free._venue.market.maker_fee


def test_the_report_says_the_same_as_its_table(played: dict[Arm, Played]) -> None:
    report = summed_up(SETTING, list(played.values()))
    lines = as_markdown(report)
    spent = played[Arm.KEEPER].spent // 10**6
    assert any(f"{spent:,} [{spent:,}, {spent:,}]" in line for line in lines)
    kept = next(line for line in lines if line.startswith("| budget kept"))
    assert kept == "| budget kept | 1 of 1 | 1 of 1 | 1 of 1 |"
    shallower = played[Arm.KEEPER].closed().depth < played[Arm.WEEKDAY].closed().depth
    told = next(line for line in lines if line.startswith("- schedule and controller"))
    assert ("never shallower" in told) is not shallower


def test_recorded_prices_are_followed_by_day_and_bridged_while_outside_is_closed() -> None:
    closed, reopened = closure(SETTING.timeline, SETTING.start, SETTING.end)
    recorded = [
        (Seconds(at), PriceE8(100 * 10**8 + at % 7_919))
        for at in (*range(SETTING.start, closed, 60), *range(reopened, SETTING.end, 60))
    ]
    setting = replace(SETTING, recorded=recorded)
    path = draw_world(setting, 1).path
    prices = dict(recorded)
    for now, value in zip(path.times, path.values, strict=True):
        if now in prices:
            assert abs(value - prices[Seconds(now)]) <= 1
    between = [path.at(at) for at in range(closed, reopened, STEP)]
    assert len(set(between)) > 1_000
    assert path.values == draw_world(setting, 1).path.values
    assert path.values != draw_world(setting, 2).path.values


def test_prices_that_begin_after_the_start_are_refused() -> None:
    with pytest.raises(ValueError, match="at or before the start"):
        recorded_path(
            Random(1),
            [(Seconds(SETTING.start + 1), PriceE8(1))],
            timeline=SETTING.timeline,
            start=SETTING.start,
            end=SETTING.end,
            step=STEP,
            terms=SETTING.model,
        )


def test_data_without_a_reopening_is_refused_in_one_sentence() -> None:
    recorded = [
        (Seconds(weekend.BEGIN), PriceE8(10**10)),
        (Seconds(weekend.CLOSE + 60), PriceE8(10**10)),
    ]
    with pytest.raises(OperatorError, match="close and to reopen"):
        load_setting("NVDA", recorded=recorded)
