"""Emergency plans through whatever happens: in order, bounded, and always led back by a stop."""

import itertools
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from risk.emergency_plan import step
from risk.emergency_rules import EmergencyPlan, PlanAction
from risk.emergency_state import IDLE, PlanDecision, PlanStage, PlanState, ReturnReason
from risk.units import MarketStatus, Seconds
from tests.risk.emergencies import (
    BAD,
    GOOD,
    UNKNOWN,
    UP,
    facts,
    make_plan,
    start,
    stop,
)

VALUES: Final = st.sampled_from([GOOD, BAD, UNKNOWN])
ORDERS: Final = st.sampled_from([None, None, None, None, True, False])
LIVES: Final = st.lists(
    st.tuples(st.sampled_from([0, 1, 5, 12, 25, 120]), VALUES, VALUES, ORDERS), max_size=60
)
PLANS: Final = st.lists(st.sampled_from(UP), min_size=1, max_size=4, unique=True).map(
    lambda actions: make_plan(*sorted(actions, key=UP.index))
)


def live(plan: EmergencyPlan, events: Any) -> list[tuple[PlanState, PlanDecision, int]]:
    """Live through gaps, facts and orders; give each state with its time."""
    state, now, sequence, order = IDLE, 0, 0, None
    lived = []
    for gap, one, other, ordered in events:
        now += gap
        if ordered is not None:
            sequence += 1
            order = start(sequence) if ordered else stop(sequence)
        state, decision = step(state, facts(one, other), now=Seconds(now), plan=plan, order=order)
        lived.append((state, decision, now))
    return lived


def depth(state: PlanState) -> int:
    """How many steps are in force."""
    return 0 if state.stage is PlanStage.IDLE else state.level + 1


@given(plan=PLANS, events=LIVES)
def test_steps_up_and_down_are_taken_one_by_one(plan: EmergencyPlan, events: Any) -> None:
    depths = [0, *(depth(state) for state, _, _ in live(plan, events))]
    assert all(abs(after - before) <= 1 for before, after in itertools.pairwise(depths))
    assert max(depths) <= len(plan.steps)


@given(plan=PLANS, events=LIVES)
def test_wishes_follow_the_depth_and_nothing_else(plan: EmergencyPlan, events: Any) -> None:
    for state, decision, _ in live(plan, events):
        for wish in decision.wishes.values():
            if depth(state) == 0:
                assert (wish.status, wish.band) == (MarketStatus.OPEN, None)
                continue
            action = plan.steps[state.level].action
            assert wish.status is action.action.status
            assert wish.closes_withdrawals is (action is PlanAction.CLOSE_WITHDRAWALS)
            has_band = plan.half_width_at(state.level) is not None
            assert (wish.band is not None) is (has_band and wish.status < MarketStatus.HALTED)


SPELLS: Final = st.lists(st.tuples(st.integers(1, 90), VALUES, VALUES, ORDERS), max_size=12)
"""How long, two ages, and an order at the beginning."""


@given(plan=PLANS, spells=SPELLS)
def test_no_step_outlives_its_bound_unless_only_an_operator_takes_it_back(
    plan: EmergencyPlan, spells: Any
) -> None:
    events = [
        (1, one, other, ordered if second == 0 else None)
        for length, one, other, ordered in spells
        for second in range(length)
    ]
    for state, decision, now in live(plan, events):
        if depth(state) == 0:
            continue
        lasted, bound = now - state.since, plan.steps[state.level].most
        if plan.return_of(state.level).needs_operator and lasted >= bound:
            is_stopped = state.reason is ReturnReason.STOPPED
            assert decision.is_overdue or (state.stage is PlanStage.RETURNING and is_stopped)
        else:
            # The call that takes a step up, or notes that all are taken, takes none back.
            assert lasted <= bound + 1
            assert not decision.is_overdue


@given(plan=PLANS, one=VALUES)
def test_a_plan_that_no_operator_must_end_is_over_in_a_time_that_can_be_told(
    plan: EmergencyPlan, one: int | None
) -> None:
    if any(each.needs_operator for each in plan.returns):
        return
    longest = sum(each.hold + each.most for each in plan.steps) + len(plan.steps) + 2
    events = [(0, BAD, BAD, True), *[(1, one, one, None)] * longest]
    assert live(plan, events)[-1][0].stage is PlanStage.IDLE


@given(plan=PLANS, events=LIVES, afterwards=VALUES)
def test_a_stop_always_leads_back_in_order(
    plan: EmergencyPlan, events: Any, afterwards: int | None
) -> None:
    lived = live(plan, events)
    state, _, now = lived[-1] if lived else (IDLE, None, 0)
    began = depth(state)
    longest = sum(each.clear_for for each in plan.returns) + 1
    depths = []
    for second in range(now, now + longest + 1):
        seen = facts(afterwards, afterwards)
        state, _ = step(state, seen, now=Seconds(second), plan=plan, order=stop(10**6))
        depths.append(depth(state))
        if not depths[-1]:
            break
    assert depths[-1] == 0
    assert depths[0] == max(0, began - 1)
    assert [each for each, _ in itertools.groupby(depths)] == list(range(depths[0], -1, -1))


@given(plan=PLANS, events=LIVES)
def test_the_same_moment_told_again_settles(plan: EmergencyPlan, events: Any) -> None:
    lived = live(plan, events)
    if not lived:
        return
    state, _, now = lived[-1]
    seen = facts(*(events[-1][1:3]))
    for _ in range(4 * len(plan.steps)):
        state, _ = step(state, seen, now=Seconds(now), plan=plan)
    state, decision = step(state, seen, now=Seconds(now), plan=plan)
    again, repeated = step(state, seen, now=Seconds(now), plan=plan)
    assert again == state
    assert repeated == decision
