"""What an emergency plan's state wants of each market, and how it reads as a sentence."""

import functools
from collections.abc import Collection, Iterable

from risk.emergency_rules import EmergencyPlan
from risk.emergency_state import (
    PlanDecision,
    PlanStage,
    PlanState,
    ReturnReason,
    awaits_operator,
    waits_for,
)
from risk.emergency_watch import PlanFacts
from risk.integrity_rules import Action
from risk.precedence import Machine, Standing, Wish, band_around, combined
from risk.units import MarketStatus, PriceE8, Seconds


def emergency_wishes(decisions: Iterable[PlanDecision]) -> dict[str, Wish]:
    """Join what all plans want into the one wish per market of `Machine.EMERGENCY`."""
    symbol_to_wishes: dict[str, list[Wish]] = {}
    for decision in decisions:
        for symbol, wish in decision.wishes.items():
            symbol_to_wishes.setdefault(symbol, []).append(wish)
    return {
        symbol: functools.reduce(_joined, wishes) for symbol, wishes in symbol_to_wishes.items()
    }


def _joined(one: Wish, other: Wish) -> Wish:
    # Two plans are to each other as two machines are; which two does not matter.
    wanted = combined(Standing(wishes={Machine.EMERGENCY: one, Machine.INTEGRITY: other}))
    return Wish(
        status=wanted.status,
        band=wanted.band,
        closes_withdrawals=wanted.closes_withdrawals,
        why=wanted.why if wanted.by is not None else one.why,
    )


def band_anchors(
    before: PlanState,
    after: PlanState,
    facts: PlanFacts,
    plan: EmergencyPlan,
    markets: Collection[str],
) -> dict[str, PriceE8]:
    """Give what bands are around: a mark that moves must not drag its own band along.

    A mark outside is proof that the band is not in force, and could never be set: it is drawn anew.
    """
    width = None if after.stage is PlanStage.IDLE else plan.half_width_at(after.level)
    if width is None:
        return {}
    is_kept = before.stage is not PlanStage.IDLE and before.level == after.level
    anchors: dict[str, PriceE8] = {}
    for symbol in markets:
        anchor, mark = before.anchors.get(symbol), facts.marks.get(symbol)
        if mark:
            edges = band_around(anchor, width) if anchor is not None else None
            is_inside = edges is not None and edges.low <= mark <= edges.high
            anchor = anchor if is_kept and is_inside else mark
        if anchor is not None:
            anchors[symbol] = anchor
    return anchors


def wish_of(state: PlanState, symbol: str, plan: EmergencyPlan) -> Wish:
    """Give what the plan wants of one market; it reads the same while nothing changes."""
    if state.stage is PlanStage.IDLE:
        return Wish(status=MarketStatus.OPEN, why=f"emergency plan {plan.name} is idle")
    action = plan.steps[state.level].action.action
    width, anchor = plan.half_width_at(state.level), state.anchors.get(symbol)
    band = None
    if action.tightens_band and width is not None and anchor is not None:
        band = band_around(anchor, width)
    elif action is Action.TIGHTER_BAND:
        # Without a mark no band can be drawn: the next softest is reduce-only.
        action = Action.REDUCE_ONLY
    place = f"step {state.level + 1} of {len(plan.steps)}"
    return Wish(
        status=action.status,
        band=band,
        closes_withdrawals=action is Action.CLOSE_WITHDRAWALS,
        why=f"emergency plan {plan.name}, {place}: {state.why}",
    )


def sentence(state: PlanState, now: Seconds, plan: EmergencyPlan, *, is_overdue: bool) -> str:
    """Tell where the plan stands and what comes next."""
    if state.stage is PlanStage.IDLE:
        if not state.is_armed:
            return f"{plan.name} is over, and starts by itself only after its facts were clear"
        return f"{plan.name} is idle"
    strictest, lasted = plan.steps[state.level], now - state.since
    place = f"{plan.name} {state.stage}, step {state.level + 1} of {len(plan.steps)}"
    told = f"{place} ({strictest.action}) for {lasted} s"
    if is_overdue:
        return f"{told}, its bound is {strictest.most} s: an operator must look and stop it"
    if state.stage is PlanStage.RETURNING:
        inverse = plan.return_of(state.level).inverse
        if awaits_operator(state, plan):
            return f"{told}: {inverse} waits for an operator's stop"
        if state.reason is ReturnReason.CLEAR and state.clear_since is None:
            return f"{told}: {inverse} waits for the facts to be clear"
        return f"{told}: {inverse} in {waits_for(state, now, plan)} s ({state.reason})"
    if state.stage is PlanStage.RUNNING and state.level < len(plan.steps) - 1:
        following = plan.steps[state.level + 1].action
        return f"{told}, {following} after {strictest.hold} s: {state.why}"
    return f"{told}, at most {strictest.most} s: {state.why}"
