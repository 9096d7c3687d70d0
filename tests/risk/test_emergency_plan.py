"""When an emergency plan starts, and what it wishes of each market."""

from dataclasses import replace

import pytest

from risk.emergency_plan import step
from risk.emergency_rules import EmergencyPlan, PlanAction, PlanReturn, Scope
from risk.emergency_state import PlanDecision, PlanOrder, PlanStage
from risk.emergency_watch import PlanFacts
from risk.emergency_wishes import emergency_wishes
from risk.precedence import BandEdges
from risk.units import MarketStatus, Ppm, Seconds
from tests.builders import price
from tests.risk.emergencies import (
    AGE,
    BAD,
    GOOD,
    HEAD,
    INPUTS,
    UNKNOWN,
    every,
    facts,
    make_plan,
    make_return,
    make_step,
    start,
    statuses,
    stop,
    walk,
)


def test_starts_when_its_facts_have_lasted() -> None:
    plan = make_plan()
    before, _ = walk(plan, [(0, facts(BAD)), (9, facts(BAD))])
    assert before.stage is PlanStage.IDLE
    state, decision = step(before, facts(BAD), now=Seconds(10), plan=plan)
    assert (state.stage, state.level) == (PlanStage.RUNNING, 0)
    assert "price_age_seconds is 60 in A, bad is above 30" in decision.why


@pytest.mark.parametrize("interruption", [facts(30), facts(GOOD)], ids=["at the threshold", "good"])
def test_a_good_moment_begins_the_wait_anew(interruption: PlanFacts) -> None:
    steps = [(0, facts(BAD)), (9, interruption), (10, facts(BAD)), (19, facts(BAD))]
    state, _ = walk(make_plan(), steps)
    assert state.stage is PlanStage.IDLE


def test_what_is_not_known_starts_nothing_and_ends_nothing() -> None:
    plan = make_plan()
    state, _ = walk(plan, every(range(0, 100, 10), facts(UNKNOWN)))
    assert state.stage is PlanStage.IDLE
    state, _ = walk(plan, [(0, facts(BAD)), (5, facts(UNKNOWN)), (10, facts(UNKNOWN))])
    assert state.stage is PlanStage.RUNNING


@pytest.mark.parametrize(
    ("ages", "is_started"),
    [
        ((BAD, BAD, GOOD), True),
        ((BAD, GOOD, GOOD), False),
        ((BAD,), True),
        ((), False),
    ],
)
def test_starts_when_enough_markets_are_bad_at_once(
    ages: tuple[int, ...],
    is_started: bool,  # noqa: FBT001 - a case of the table
) -> None:
    state, _ = walk(make_plan(least_markets=2), every(range(0, 11, 10), facts(*ages)))
    assert (state.stage is not PlanStage.IDLE) is is_started


def test_all_conditions_must_hold_those_of_markets_in_one_market() -> None:
    plan = make_plan(when=(replace(AGE, persistence=Seconds(0)), INPUTS))
    assert walk(plan, [(0, facts(BAD, inputs=2))])[0].stage is PlanStage.IDLE
    assert walk(plan, [(0, facts(BAD, inputs=1))])[0].stage is PlanStage.RUNNING
    split = facts(BAD, GOOD, inputs=3)
    few = replace(split.markets["B"], inputs=1)
    elsewhere = replace(split, markets={"A": split.markets["A"], "B": few})
    assert walk(plan, [(0, elsewhere)])[0].stage is PlanStage.IDLE


def test_facts_of_the_exchange_are_looked_at_once() -> None:
    plan = make_plan(when=(HEAD,), least_markets=3)
    assert walk(plan, [(0, facts(GOOD, head=31))])[0].stage is PlanStage.RUNNING
    assert walk(plan, [(0, facts(GOOD, head=30))])[0].stage is PlanStage.IDLE
    both = make_plan(when=(HEAD, replace(AGE, persistence=Seconds(0))))
    assert walk(both, [(0, facts(GOOD, head=31))])[0].stage is PlanStage.IDLE


def test_a_manual_plan_starts_by_order_only() -> None:
    plan = make_plan(when=())
    state, _ = walk(plan, every(range(0, 100, 10), facts(BAD)))
    assert state.stage is PlanStage.IDLE
    state, (decision,) = walk(plan, [(100, facts(BAD))], state, start())
    assert state.stage is PlanStage.RUNNING
    assert decision.wishes["A"].why.endswith("step 1 of 3: ordered by alice: drill")


def test_goes_up_holds_and_comes_back_as_the_facts_say() -> None:
    plan = make_plan()
    state, up = walk(plan, every(range(60), facts(BAD)))
    assert state.stage is PlanStage.HOLDING
    assert statuses(up) == ["OPEN", "REDUCE_ONLY", "HALTED"]
    assert [each.stage for each in up[10:12]] == [PlanStage.RUNNING, PlanStage.RUNNING]
    levels = {second: each.wishes["A"].status for second, each in enumerate(up)}
    assert (levels[29], levels[30]) == (MarketStatus.OPEN, MarketStatus.REDUCE_ONLY)
    assert (levels[49], levels[50]) == (MarketStatus.REDUCE_ONLY, MarketStatus.HALTED)
    state, back = walk(plan, every(range(60, 120), facts(GOOD)), state)
    assert statuses(back) == ["HALTED", "REDUCE_ONLY", "OPEN"]
    assert back[0].stage is PlanStage.RETURNING
    assert [each.wishes["A"].status.name for each in back[14:16]] == ["HALTED", "REDUCE_ONLY"]
    assert state.stage is PlanStage.IDLE
    assert back[-1].wishes["A"].band is None


def test_wishes_of_all_markets_are_told_also_while_idle() -> None:
    _, (decision,) = walk(make_plan(), [(0, facts(GOOD, GOOD))])
    assert {symbol: wish.status for symbol, wish in decision.wishes.items()} == {
        "A": MarketStatus.OPEN,
        "B": MarketStatus.OPEN,
    }
    assert not any(wish.closes_withdrawals or wish.band for wish in decision.wishes.values())


def test_a_plan_restricts_its_own_markets_alone() -> None:
    _, (decision,) = walk(
        make_plan(scope=Scope(group="first")), [(0, facts(GOOD, GOOD))], order=start()
    )
    assert list(decision.wishes) == ["A"]


def test_the_band_stays_where_it_was_drawn_while_the_mark_moves() -> None:
    plan = make_plan()
    state, (first,) = walk(plan, [(0, facts(GOOD))], order=start())
    assert first.wishes["A"].band == BandEdges(low=price(98), high=price(102))
    state, (later,) = walk(plan, [(1, facts(GOOD, mark=101))], state, start())
    assert later.wishes["A"].band == first.wishes["A"].band
    # A mark outside: the band is not in force, and could not be set any more.
    _, (outside,) = walk(plan, [(2, facts(GOOD, mark=200))], state, start())
    assert outside.wishes["A"].band == BandEdges(low=price(196), high=price(204))


def test_the_next_step_keeps_the_band_around_where_the_mark_is_then() -> None:
    plan = make_plan()
    state, _ = walk(plan, [(0, facts(GOOD))], order=start())
    _, (decision,) = walk(plan, [(20, facts(GOOD, mark=101))], state, start())
    wish = decision.wishes["A"]
    assert wish.status is MarketStatus.REDUCE_ONLY
    assert wish.band == BandEdges(low=price("98.98"), high=price("103.02"))


def test_of_two_bands_the_narrower_is_in_force() -> None:
    wide = make_step(PlanAction.TIGHTER_BAND, half_width=Ppm(50_000))
    narrow = make_step(PlanAction.TIGHTER_BAND, hold=Seconds(0))
    lift = make_return(PlanReturn.LIFT_BAND)
    plan = make_plan(steps=(wide, narrow), returns=(lift, lift))
    state, (first,) = walk(plan, [(0, facts(GOOD))], order=start())
    assert first.wishes["A"].band == BandEdges(low=price(95), high=price(105))
    _, (second,) = walk(plan, [(20, facts(GOOD))], state, start())
    assert second.wishes["A"].band == BandEdges(low=price(98), high=price(102))


def test_while_halted_no_band_holds_the_price() -> None:
    state, decisions = walk(make_plan(), every(range(0, 60, 20), facts(GOOD)), order=start())
    assert state.level == 2
    assert decisions[-1].wishes["A"].status is MarketStatus.HALTED
    assert decisions[-1].wishes["A"].band is None


@pytest.mark.parametrize("mark", [None, 0])
def test_without_a_mark_a_tighter_band_is_reduce_only(mark: int | None) -> None:
    plan = make_plan()
    state, (decision,) = walk(plan, [(0, facts(GOOD, mark=mark))], order=start())
    assert decision.wishes["A"].status is MarketStatus.REDUCE_ONLY
    _, (later,) = walk(plan, [(1, facts(GOOD))], state, start())
    assert later.wishes["A"].status is MarketStatus.OPEN
    assert later.wishes["A"].band is not None


def test_withdrawals_close_with_a_halt_and_the_owner_is_told_once_they_may_open() -> None:
    plan = make_plan(PlanAction.REDUCE_ONLY, PlanAction.CLOSE_WITHDRAWALS)
    state, up = walk(plan, every(range(0, 41, 20), facts(GOOD)), order=start())
    assert up[-1].wishes["A"].status is MarketStatus.HALTED
    assert up[-1].wishes["A"].closes_withdrawals
    assert not up[0].wishes["A"].closes_withdrawals
    assert {each.owner_does for each in up} == {""}
    state, back = walk(plan, every(range(50, 70), facts(GOOD)), state, stop())
    assert back[0].owner_does == "call open_withdrawals()"
    assert not back[0].wishes["A"].closes_withdrawals
    assert state.stage is PlanStage.IDLE
    assert back[-1].owner_does == ""


def test_the_same_state_and_facts_wish_the_same() -> None:
    plan = make_plan()
    state, (first,) = walk(plan, [(0, facts(BAD))], order=start())
    _, again = walk(plan, [(1, facts(BAD)), (2, facts(BAD)), (2, facts(BAD))], state, start())
    assert [each.wishes for each in again] == [first.wishes] * 3


def test_plans_are_joined_to_the_strictest_of_each_market() -> None:
    band = make_plan(PlanAction.TIGHTER_BAND, scope=Scope(group="first"))
    halt = make_plan(PlanAction.HALT, name="halting")
    narrow = make_plan(
        PlanAction.TIGHTER_BAND,
        steps=(make_step(PlanAction.TIGHTER_BAND, half_width=Ppm(10_000), hold=Seconds(0)),),
    )
    seen = facts(GOOD, GOOD)

    def decided(plan: EmergencyPlan, order: PlanOrder | None) -> PlanDecision:
        return walk(plan, [(0, seen)], order=order)[1][0]

    both = emergency_wishes([decided(band, start()), decided(halt, None), decided(narrow, start())])
    assert both["A"].band == both["B"].band == BandEdges(low=price(99), high=price(101))
    assert both["A"].status is MarketStatus.OPEN
    halted = emergency_wishes([decided(band, start()), decided(halt, start())])
    assert halted["A"].status is halted["B"].status is MarketStatus.HALTED
    assert "halting" in halted["A"].why
    idle = emergency_wishes([decided(halt, None), decided(band, None)])
    assert idle["A"].why == "emergency plan halting is idle"
