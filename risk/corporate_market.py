"""The corporate actions of one market: one at a time, the earliest first, the strictest wish wins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from risk.corporate_actions import step
from risk.corporate_agreement import SILENT
from risk.corporate_rules import CorporateRules
from risk.corporate_state import (
    ActionDecision,
    ActionFacts,
    ActionState,
    MarketActions,
    Stage,
    VenueFacts,
    begin,
)
from risk.units import MarketStatus, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDecision:
    """What a market should have on account of all its actions."""

    status: MarketStatus
    may_liquidate: bool
    why: str
    """Of the action that restricts most."""
    decisions: Mapping[str, ActionDecision]
    """By key, of every action that is not over. At most one of them has something to write."""


NOTHING = MarketDecision(
    status=MarketStatus.OPEN, may_liquidate=True, why="no corporate action is ahead", decisions={}
)


def step_market(
    market: MarketActions,
    heard: Mapping[str, ActionFacts],
    venue: VenueFacts,
    *,
    now: Seconds,
    rules: CorporateRules,
) -> tuple[MarketActions, MarketDecision]:
    """Advance every action of a market to `now`.

    `heard` has an entry for each action that a source or an operator speaks of, by key; `taken_by` is
    filled in here. What was over stays, and is not begun again; what nobody speaks of any more is
    forgotten while it does not restrict the market. Nothing happens in a market that has ended.
    """
    ended = next((each for each in market.states.values() if each.stage is Stage.CLOSED), None)
    if ended is not None:
        return market, replace(
            NOTHING,
            status=MarketStatus.HALTED,
            may_liquidate=False,
            why=f"{ended.key} ended the market",
        )
    states = dict(market.states)
    for key, facts in heard.items():
        if key not in states and _is_of_interest(facts, now, rules):
            states[key] = begin(key, now=now)
    decisions: dict[str, ActionDecision] = {}
    for key in _order(states, heard):
        state = states[key]
        if state.stage.is_over:
            continue
        active = MarketActions(states=states).active
        is_taken = active is not None and active.key != key
        facts = heard.get(key, ActionFacts(agreement=SILENT))
        facts = replace(facts, taken_by=active.key if active is not None and is_taken else None)
        states[key], decision = step(state, facts, venue, now=now, rules=rules)
        decisions[key] = decision
        if key not in heard and states[key].stage is Stage.ANNOUNCED and not states[key].is_held:
            del states[key], decisions[key]
    return MarketActions(states=states), _joined(decisions)


def _is_of_interest(facts: ActionFacts, now: Seconds, rules: CorporateRules) -> bool:
    """Say whether an action lies ahead, or so shortly behind that we may have missed it."""
    agreement = facts.agreement
    told = agreement.told if agreement.action is None else (*agreement.told, agreement.action)
    return any(now <= each.effective + rules.taken_up_for for each in told)


def _order(states: Mapping[str, ActionState], heard: Mapping[str, ActionFacts]) -> tuple[str, ...]:
    """Put the active action first, then the others by their moment, then by name."""

    def place(key: str) -> tuple[bool, int, str]:
        state = states[key]
        told = heard[key].agreement.told if key in heard else ()
        known = told if state.action is None else (state.action, *told)
        moment = min((each.effective for each in known), default=0)
        return not state.stage.is_active, moment, key

    return tuple(sorted(states, key=place))


def _joined(decisions: Mapping[str, ActionDecision]) -> MarketDecision:
    if not decisions:
        return NOTHING
    strictest = max(decisions.values(), key=lambda each: (each.status, each.is_alarm))
    return MarketDecision(
        status=strictest.status,
        may_liquidate=all(each.may_liquidate for each in decisions.values()),
        why=strictest.why,
        decisions=decisions,
    )
