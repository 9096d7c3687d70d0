"""What an emergency plan's state machine knows and says: its stages, orders, state and decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from risk.emergency_rules import EmergencyPlan
from risk.emergency_watch import BadSince
from risk.precedence import Wish
from risk.units import PriceE8, Seconds


class PlanStage(StrEnum):
    """Where a plan stands."""

    IDLE = "idle"
    RUNNING = "running"
    """Steps up one by one."""
    HOLDING = "holding"
    """All steps are in force."""
    RETURNING = "returning"
    """Steps back one by one."""


class ReturnReason(StrEnum):
    """Why a plan returns."""

    CLEAR = "clear"
    """The facts are; they turn it round again when they are not."""
    STOPPED = "stopped"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOrder:
    """The last thing that an operator said about a plan."""

    starts: bool
    """Start it, or else stop it."""
    sequence: int
    """Of all orders; a larger one is later. Each is obeyed once."""
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """All that is remembered of a plan. It must outlive a restart, or a stop would be forgotten."""

    stage: PlanStage = PlanStage.IDLE
    level: int = 0
    """Place of the strictest step in force; without meaning while idle."""
    since: Seconds = Seconds(0)
    """When that step became the strictest in force."""
    why: str = ""
    """What started the plan."""
    is_ordered: bool = False
    """Whether an operator's order keeps it from returning because of facts."""
    reason: ReturnReason = ReturnReason.CLEAR
    """While returning."""
    order: int = 0
    """Sequence of the last order that was obeyed."""
    is_armed: bool = True
    """Whether facts may start it."""
    asks_owner: bool = False
    """Whether withdrawals wait for the owner since this return."""
    seen_at: Seconds | None = None
    bad_since: BadSince = field(default_factory=dict)
    troubled: frozenset[tuple[int, str]] = frozenset()
    """What was bad at any time since the plan started."""
    clear_since: Seconds | None = None
    anchors: Mapping[str, PriceE8] = field(default_factory=dict)
    """The marks that bands are around, as they were when the step came into force."""


IDLE: Final = PlanState()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDecision:
    """What a plan wants of each of its markets; of all, also while idle, or an old wish would stand."""

    stage: PlanStage
    wishes: Mapping[str, Wish]
    why: str
    """One sentence."""
    is_overdue: bool = False
    """Whether a step that only an operator takes back has stood longer than its bound."""
    owner_does: str = ""
    """What the owner is asked to do now."""


def waits_for(state: PlanState, now: Seconds, plan: EmergencyPlan) -> int:
    """Give the seconds until the next step back, if the facts stay clear where that matters."""
    begun = state.since
    if state.reason is ReturnReason.CLEAR and state.clear_since is not None:
        begun = max(begun, state.clear_since)
    by_rule = begun + plan.return_of(state.level).clear_for
    by_bound = state.since + plan.steps[state.level].most
    return max(0, min(by_rule, by_bound) - now)


def awaits_operator(state: PlanState, plan: EmergencyPlan) -> bool:
    """Say whether nothing but a stop leads back from here."""
    is_stopped = state.stage is PlanStage.RETURNING and state.reason is ReturnReason.STOPPED
    return plan.return_of(state.level).needs_operator and not is_stopped
