"""The integrity breaker: when the exchange doubts itself, it allows less until the doubt is gone.

Each cause has its own small machine. It escalates as soon as a stage of its ladder has lasted long
enough, and returns one step at a time: seen clear for a while, then so many good observations for each
step. A cause that needs an operator takes no step back before it was released, and a release holds only
while the cause is seen clear. What is not known is never better than what was known before: it goes
on as bad where it was bad, and undoes a recovery.
Pure: (state, facts, now) → (state, decision). The state must outlive a restart, or a breach would be
forgotten.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final

from risk.integrity_facts import Facts, bad_sentence, returning_sentence, unknown_sentence
from risk.integrity_rules import (
    ACTION_CAUSES,
    Action,
    Cause,
    CauseRule,
    IntegrityRules,
    action_asked,
    is_beyond,
    staged,
)
from risk.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseState:
    """What is remembered of one cause. Times are None while what they date does not hold."""

    action: Action = Action.NONE
    """What the cause asks for now."""
    bad_since: Seconds | None = None
    """Begin of the time in which it was never seen good."""
    unknown_since: Seconds | None = None
    clear_since: Seconds | None = None
    good: int = 0
    """Good observations that count for the next step back."""
    seen_at: Seconds | None = None
    """Last observation."""
    is_released: bool = False
    """Whether an operator has released it since it was last seen other than clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityState:
    """One market's causes, or the exchange's."""

    causes: Mapping[Cause, CauseState] = field(default_factory=dict)


UNDOUBTED: Final = IntegrityState()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveCause:
    """A cause that asks for something, and why."""

    cause: Cause
    action: Action
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityDecision:
    """The strictest action of all causes, and the causes, strictest first."""

    action: Action
    causes: tuple[ActiveCause, ...]
    why: str


def step(
    state: IntegrityState,
    facts: Facts,
    *,
    now: Seconds,
    rules: IntegrityRules,
    released: AbstractSet[Cause] = frozenset(),
) -> tuple[IntegrityState, IntegrityDecision]:
    """Give where a market, or the exchange, stands at `now` (the venue's clock), and what to do.

    `released` are the causes that an operator lets go now. Observations of one second count once.
    """
    measured = facts.measured
    causes: dict[Cause, CauseState] = {}
    active: list[ActiveCause] = []
    for cause in Cause:
        rule = rules.causes.get(cause)
        if rule is None or cause not in measured:
            continue
        before, value = state.causes.get(cause, CauseState()), measured[cause]
        after = _observed(before, cause, value, now, rule, rules.longest_gap)
        most = action_asked(value) if cause in ACTION_CAUSES else rule.strictest
        after = _acting(after, now, rule, most, is_release=cause in released)
        causes[cause] = after
        if after.action > Action.NONE:
            why = _why(cause, value, after, rule)
            active.append(ActiveCause(cause=cause, action=after.action, why=why))
    return IntegrityState(causes=causes), _decision(active)


def strictest_of(*decisions: IntegrityDecision) -> IntegrityDecision:
    """Join a market's decision with the exchange's: all causes, and the strictest action."""
    return _decision([cause for decision in decisions for cause in decision.causes])


def _observed(
    before: CauseState,
    cause: Cause,
    value: int | None,
    now: Seconds,
    rule: CauseRule,
    longest_gap: Seconds,
) -> CauseState:
    """Date the finding; what is not known leaves a bad cause bad."""
    dated = CauseState(action=before.action, seen_at=before.seen_at)
    if value is None:
        unknown_since = _earlier(before.unknown_since, now)
        return replace(dated, bad_since=before.bad_since, unknown_since=unknown_since)
    if is_beyond(cause, value, rule.limit):
        return replace(dated, bad_since=_earlier(before.bad_since, now))
    was_watched = before.seen_at is not None and 0 <= now - before.seen_at <= longest_gap
    if before.clear_since is None or not was_watched:
        # Not watched is not clear: the clock that leads back starts anew.
        return replace(dated, clear_since=now)
    return before


def _earlier(since: Seconds | None, now: Seconds) -> Seconds:
    return now if since is None else min(since, now)


def _acting(
    state: CauseState, now: Seconds, rule: CauseRule, most: Action, *, is_release: bool
) -> CauseState:
    """Escalate at once, to `most` by the ladder at most, or count toward the next step back."""
    wanted = Action.NONE
    if state.bad_since is not None:
        wanted = min(most, staged(rule.ladder, Seconds(now - state.bad_since)))
    if state.unknown_since is not None:
        wanted = max(wanted, staged(rule.unknown, Seconds(now - state.unknown_since)))
    is_new = state.seen_at is None or now > state.seen_at
    clear_since = state.clear_since
    state = replace(state, action=max(state.action, wanted), seen_at=now)
    if clear_since is None or state.action is Action.NONE:
        return state
    state = replace(state, is_released=state.is_released or is_release)
    is_held = rule.needs_operator and not state.is_released
    if is_held or not is_new or now - clear_since < rule.clear_for:
        return state
    good = state.good + 1
    if good < rule.warm_up:
        return replace(state, good=good)
    return replace(state, good=0, action=Action(state.action - 1))


def _why(cause: Cause, value: int | None, state: CauseState, rule: CauseRule) -> str:
    if state.clear_since is not None:
        awaits_operator = rule.needs_operator and not state.is_released
        return returning_sentence(cause, awaits_operator=awaits_operator)
    if value is None:
        return unknown_sentence(cause)
    return bad_sentence(cause, value, rule.limit)


def _decision(active: list[ActiveCause]) -> IntegrityDecision:
    # Stable: among equally strict causes the first in the order of `Cause`, the market's before the
    # exchange's.
    ordered = tuple(sorted(active, key=lambda each: -each.action))
    if not ordered:
        return IntegrityDecision(action=Action.NONE, causes=(), why="nothing is in doubt")
    return IntegrityDecision(action=ordered[0].action, causes=ordered, why=ordered[0].why)
