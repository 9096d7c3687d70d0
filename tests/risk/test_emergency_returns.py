"""How an emergency plan comes back: by facts, by its bounds, by an operator."""

from dataclasses import replace

from risk.emergency_plan import LONGEST_GAP
from risk.emergency_rules import PlanAction
from risk.emergency_state import PlanStage
from risk.units import MarketStatus, Seconds
from tests.risk.emergencies import (
    BAD,
    GOOD,
    ROLES,
    UNKNOWN,
    every,
    facts,
    holding,
    make_plan,
    start,
    statuses,
    stop,
    walk,
)


def test_what_is_bad_again_turns_the_return_round() -> None:
    plan = make_plan()
    state, _ = walk(plan, every(range(60, 78), facts(GOOD)), holding(plan, facts(BAD)))
    assert (state.stage, state.level) == (PlanStage.RETURNING, 1)
    state, decisions = walk(plan, every(range(78, 120), facts(BAD)), state)
    assert statuses(decisions) == ["REDUCE_ONLY", "HALTED"]
    assert state.stage is PlanStage.HOLDING


def test_one_bad_market_keeps_what_is_in_force_and_takes_nothing_further() -> None:
    plan = make_plan(least_markets=2)
    state, _ = walk(plan, every(range(15), facts(BAD, BAD)))
    assert state.level == 0
    state, _ = walk(plan, every(range(15, 90), facts(BAD, GOOD)), state)
    assert (state.stage, state.level) == (PlanStage.RUNNING, 0)
    state, _ = walk(plan, every(range(90, 107), facts(GOOD, GOOD)), state)
    assert state.stage is PlanStage.IDLE


def test_what_is_no_longer_known_is_not_clear() -> None:
    plan = make_plan()
    state, _ = walk(plan, every(range(60, 70), facts(GOOD)), holding(plan, facts(BAD)))
    state, _ = walk(plan, every(range(70, 140), facts(UNKNOWN)), state)
    assert (state.stage, state.level) == (PlanStage.RETURNING, 2)
    state, decisions = walk(plan, [(140, facts(UNKNOWN))], state)
    assert "waits for the facts to be clear" in decisions[0].why
    # Its bound it does not outlive, though.
    state, _ = walk(plan, every(range(149, 152), facts(UNKNOWN)), state)
    assert state.level == 1


def test_what_was_bad_for_a_moment_only_must_be_known_to_be_good() -> None:
    steps = [(0, facts(BAD)), (10, facts(BAD)), (11, facts(GOOD))]
    state, _ = walk(make_plan(), [*steps, *every(range(12, 60), facts(UNKNOWN))])
    assert (state.stage, state.level) == (PlanStage.RETURNING, 0)


def test_what_was_never_known_keeps_nothing_in_force() -> None:
    plan = make_plan()
    held = holding(plan, facts(BAD, UNKNOWN))
    state, _ = walk(plan, every(range(60, 120), facts(GOOD, UNKNOWN)), held)
    assert state.stage is PlanStage.IDLE


def test_a_return_that_takes_longer_than_the_bound_does_not_wait_for_its_end() -> None:
    usual = make_plan()
    slow = tuple(replace(each, clear_for=Seconds(1_000)) for each in usual.returns)
    plan = make_plan(returns=slow)
    state, back = walk(plan, every(range(60, 152), facts(GOOD)), holding(plan, facts(BAD)))
    assert state.level == 1
    assert "lift_halt in 1 s (clear)" in back[89].why
    # The rest of a return that is forced goes by the bounds as well.
    state, _ = walk(plan, every(range(152, 355), facts(GOOD)), state)
    assert state.stage is PlanStage.IDLE


def test_a_time_that_nobody_watched_is_not_clear() -> None:
    plan = make_plan()
    state, _ = walk(plan, [(60, facts(GOOD))], holding(plan, facts(BAD)))
    late = 60 + LONGEST_GAP + 1
    state, _ = walk(plan, [(late, facts(GOOD))], state)
    assert state.level == 2
    state, _ = walk(plan, [(late + 15, facts(GOOD))], state)
    assert state.level == 1


def test_an_operators_stop_begins_the_return_at_once_whatever_the_facts() -> None:
    plan = make_plan()
    state, back = walk(plan, every(range(60, 100), facts(BAD)), holding(plan, facts(BAD)), stop())
    assert back[0].wishes["A"].status is MarketStatus.REDUCE_ONLY
    assert statuses(back) == ["REDUCE_ONLY", "OPEN"]
    assert state.stage is PlanStage.IDLE
    # The facts are bad still: it takes a clear moment before they start it again.
    assert "only after its facts were clear" in back[-1].why
    state, _ = walk(plan, [(100, facts(GOOD)), *every(range(101, 112), facts(BAD))], state, stop())
    assert state.stage is PlanStage.RUNNING


def test_a_plan_that_was_ordered_does_not_return_because_of_facts() -> None:
    plan = make_plan(steps=tuple(replace(each, most=Seconds(500)) for each in make_plan().steps))
    state, _ = walk(plan, every(range(400), facts(GOOD)), order=start())
    assert state.stage is PlanStage.HOLDING
    # Of an order that is obeyed already nothing new comes.
    assert walk(plan, [(401, facts(GOOD))], state, start())[0].level == state.level


def test_an_order_that_was_stopped_keeps_no_later_run_from_returning() -> None:
    plan = make_plan()
    state, _ = walk(plan, [(0, facts(GOOD))], order=start())
    state, _ = walk(plan, [(1, facts(GOOD)), (2, facts(GOOD))], state, stop())
    state, _ = walk(plan, every(range(3, 14), facts(BAD)), state, stop())
    assert state.stage is PlanStage.RUNNING
    state, _ = walk(plan, every(range(14, 32), facts(GOOD)), state, stop())
    assert state.stage is PlanStage.IDLE


def test_an_order_to_start_turns_a_return_round() -> None:
    plan = make_plan()
    state, _ = walk(plan, [(60, facts(BAD))], holding(plan, facts(BAD)), stop(2))
    state, _ = walk(plan, [(61, facts(GOOD))], state, start(3))
    assert (state.stage, state.level) == (PlanStage.RUNNING, 1)
    state, _ = walk(plan, [(80, facts(GOOD))], state, start(3))
    assert state.level == 1
    state, _ = walk(plan, [(81, facts(GOOD))], state, start(3))
    assert state.level == 2


def test_to_stop_a_plan_that_is_idle_does_nothing() -> None:
    state, _ = walk(make_plan(), every(range(11), facts(BAD)), order=stop())
    assert state.stage is PlanStage.RUNNING


def test_a_step_that_outlives_its_bound_is_taken_back_though_the_facts_are_bad() -> None:
    plan = make_plan()
    state, back = walk(plan, every(range(60, 260), facts(BAD)), holding(plan, facts(BAD)))
    assert statuses(back) == ["HALTED", "REDUCE_ONLY", "OPEN"]
    assert back[89].wishes["A"].status is MarketStatus.HALTED
    assert back[90].wishes["A"].status is MarketStatus.REDUCE_ONLY
    assert state.stage is PlanStage.IDLE
    assert not any(each.is_overdue for each in back)


def test_what_only_an_operator_takes_back_is_overdue_and_stays() -> None:
    returns = tuple(replace(each, needs_operator=True) for each in make_plan().returns)
    plan = make_plan(when=(ROLES,), returns=returns)
    state, decisions = walk(plan, every(range(300), facts(GOOD, roles=1)))
    assert state.level == 2
    assert decisions[-1].is_overdue
    assert "its bound is 100 s: an operator must look and stop it" in decisions[-1].why
    state, decisions = walk(plan, every(range(300, 400), facts(GOOD)), state)
    assert state.stage is PlanStage.HOLDING
    state, decisions = walk(plan, every(range(400, 440), facts(GOOD)), state, stop())
    assert statuses(decisions) == ["REDUCE_ONLY", "OPEN"]
    assert state.stage is PlanStage.IDLE


def test_a_lower_step_may_wait_for_an_operator_after_facts_led_back_from_a_stricter() -> None:
    usual = make_plan(PlanAction.REDUCE_ONLY, PlanAction.HALT)
    last = replace(usual.returns[1], needs_operator=True)
    plan = make_plan(PlanAction.REDUCE_ONLY, PlanAction.HALT, returns=(usual.returns[0], last))
    state, _ = walk(plan, every(range(60, 160), facts(GOOD)), holding(plan, facts(BAD)))
    assert (state.stage, state.level) == (PlanStage.RETURNING, 0)
    # And where the facts are bad again, it goes up again.
    state, _ = walk(plan, every(range(160, 200), facts(BAD)), state)
    assert state.level == 1


def test_a_clock_that_goes_back_counts_as_no_time() -> None:
    plan = make_plan()
    state, _ = walk(plan, [(100, facts(BAD)), (50, facts(BAD))])
    assert state.seen_at == 100
    state, _ = walk(plan, [(109, facts(BAD))], state)
    assert state.stage is PlanStage.IDLE
    assert walk(plan, [(110, facts(BAD))], state)[0].stage is PlanStage.RUNNING


def test_however_far_the_clock_leaps_no_step_is_skipped() -> None:
    plan = make_plan()
    leaps = [(second, facts(BAD)) for second in range(0, 50_000, 10_000)]
    _, decisions = walk(plan, leaps)
    assert statuses(decisions) == ["OPEN", "REDUCE_ONLY", "HALTED"]
