"""An emergency plan as a state machine: (state, facts, now, plan) → (state, wishes and a sentence).

    IDLE → RUNNING → HOLDING → RETURNING → IDLE

One call takes at most one step up or down, so nothing is skipped however far the clock leaps. The
steps are wishes, told anew each time; a step stands under the stricter ones that follow. The way
back begins when the facts are clear, when a step has stood for its longest time, or at once when
an operator stops the plan; a plan that an operator started does not return because of facts. What is
not known is never clear where it was bad. A plan that was stopped, or whose bound ran out, starts by
itself only after its facts were seen clear. Time is what the caller says, on the venue's clock.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from risk.emergency_rules import EmergencyPlan, PlanReturn
from risk.emergency_state import (
    PlanDecision,
    PlanOrder,
    PlanStage,
    PlanState,
    ReturnReason,
    awaits_operator,
    waits_for,
)
from risk.emergency_watch import PlanFacts, bad_since, is_met, is_standing, met_sentence
from risk.emergency_wishes import band_anchors, sentence, wish_of
from risk.units import Seconds

LONGEST_GAP: Final = Seconds(30)
"""Between two observations: after a longer one the facts count as not watched, hence not clear."""


def step(
    state: PlanState,
    facts: PlanFacts,
    *,
    now: Seconds,
    plan: EmergencyPlan,
    order: PlanOrder | None = None,
) -> tuple[PlanState, PlanDecision]:
    """Give where the plan stands at `now`, and what it wants; `order` is the last one ever given.

    A `now` before the last one (a reorganised chain) counts as no time at all.
    """
    now = now if state.seen_at is None else max(now, state.seen_at)
    markets = plan.scope.among(facts.markets, facts.group_to_symbols)
    seen = _observed(state, facts, now, plan, markets)
    if order is not None and order.sequence > state.order:
        after = _obeyed(seen, order, now, plan)
    else:
        after = _moved(seen, facts, now, plan, markets)
    after = replace(after, anchors=band_anchors(state, after, facts, plan, markets))
    is_overdue = (
        after.stage is not PlanStage.IDLE
        and awaits_operator(after, plan)
        and now - after.since >= plan.steps[after.level].most
    )
    return after, PlanDecision(
        stage=after.stage,
        wishes={symbol: wish_of(after, symbol, plan) for symbol in markets},
        why=sentence(after, now, plan, is_overdue=is_overdue),
        is_overdue=is_overdue,
        owner_does=plan.return_of(len(plan.steps) - 1).owner_does if after.asks_owner else "",
    )


def _observed(
    state: PlanState, facts: PlanFacts, now: Seconds, plan: EmergencyPlan, markets: Collection[str]
) -> PlanState:
    """Date what is bad and since when all is clear."""
    bad = bad_since(state.bad_since, facts, now, plan, markets)
    is_idle = state.stage is PlanStage.IDLE
    troubled = frozenset() if is_idle else state.troubled | frozenset(bad)
    was_watched = state.seen_at is not None and now - state.seen_at <= LONGEST_GAP
    clear_since = None
    if not is_standing(bad, troubled, facts, plan, markets):
        is_new = state.clear_since is None or not was_watched
        clear_since = now if is_new else state.clear_since
    return replace(
        state,
        seen_at=now,
        bad_since=bad,
        troubled=troubled,
        clear_since=clear_since,
        is_armed=state.is_armed or clear_since is not None,
        asks_owner=state.asks_owner and not is_idle,
    )


def _obeyed(state: PlanState, order: PlanOrder, now: Seconds, plan: EmergencyPlan) -> PlanState:
    """Do what an operator said since the last call."""
    state = replace(state, order=order.sequence)
    if not order.starts:
        if state.stage is PlanStage.IDLE:
            return state
        return _stepped_back(_forced(state, ReturnReason.STOPPED), now, plan)
    if state.stage is PlanStage.IDLE:
        why = f"ordered by {order.by}: {order.reason}"
        return replace(_started(state, now, why), is_ordered=True)
    if state.stage is PlanStage.RETURNING:
        state = replace(state, stage=PlanStage.RUNNING, since=now, asks_owner=False)
    return replace(state, is_ordered=True)


def _moved(
    state: PlanState, facts: PlanFacts, now: Seconds, plan: EmergencyPlan, markets: Collection[str]
) -> PlanState:
    """Take the arrow that facts or time ask for, if any."""
    is_due = is_met(state.bad_since, now, plan, markets)
    if state.stage is PlanStage.IDLE:
        if not is_due or not state.is_armed:
            return state
        return _started(state, now, met_sentence(state.bad_since, facts, now, plan, markets))
    if state.stage is PlanStage.RETURNING:
        return _returning(state, now, plan, is_due=is_due)
    is_last = state.level == len(plan.steps) - 1
    strictest, lasted = plan.steps[state.level], now - state.since
    may_return = not plan.return_of(state.level).needs_operator
    if may_return and state.clear_since is not None and not state.is_ordered:
        return replace(state, stage=PlanStage.RETURNING, reason=ReturnReason.CLEAR)
    if state.stage is PlanStage.RUNNING and is_last:
        return replace(state, stage=PlanStage.HOLDING)
    # One market that is still bad keeps what is in force; it takes the whole rule to go on.
    is_urged = is_due or state.is_ordered
    if state.stage is PlanStage.RUNNING and is_urged and lasted >= strictest.hold:
        return replace(state, level=state.level + 1, since=now)
    if may_return and lasted >= strictest.most:
        return _stepped_back(_forced(state, ReturnReason.EXPIRED), now, plan)
    return state


def _returning(state: PlanState, now: Seconds, plan: EmergencyPlan, *, is_due: bool) -> PlanState:
    waits = awaits_operator(state, plan)
    if now - state.since >= plan.steps[state.level].most and not waits:
        if state.reason is ReturnReason.CLEAR:
            state = _forced(state, ReturnReason.EXPIRED)
        return _stepped_back(state, now, plan)
    if state.reason is ReturnReason.CLEAR and state.clear_since is None:
        # The time that the step has stood goes on: what flickers must not outlive its bound.
        return replace(state, stage=PlanStage.RUNNING) if is_due else state
    if waits or waits_for(state, now, plan) > 0:
        return state
    return _stepped_back(state, now, plan)


def _started(state: PlanState, now: Seconds, why: str) -> PlanState:
    return replace(
        state,
        stage=PlanStage.RUNNING,
        level=0,
        since=now,
        why=why,
        troubled=frozenset(state.bad_since),
        asks_owner=False,
    )


def _forced(state: PlanState, reason: ReturnReason) -> PlanState:
    """Turn back whatever the facts are; they start the plan no more before they were clear."""
    return replace(
        state, stage=PlanStage.RETURNING, reason=reason, is_ordered=False, is_armed=False
    )


def _stepped_back(state: PlanState, now: Seconds, plan: EmergencyPlan) -> PlanState:
    """Take one step back; from the first step the plan is over."""
    is_owners = plan.return_of(state.level).inverse is PlanReturn.OWNER_OPENS_WITHDRAWALS
    state = replace(state, since=now, asks_owner=state.asks_owner or is_owners)
    if state.level == 0:
        return replace(state, stage=PlanStage.IDLE)
    return replace(state, level=state.level - 1)
