"""The emergency plans of a running keeper: stepped once a second, remembered, told and counted.

`risk.emergency_plan` decides; here its state survives a restart, so that a plan is neither forgotten
nor started twice, and each move is noted with who, when and why before anything acts on it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

import structlog

from monitors.breakers.memory import (
    MoveKind,
    Notes,
    PlanMove,
    moves_text,
    plans_text,
    read_moves,
    read_plans,
)
from monitors.breakers.orders_metrics import AUTOMATIC, OPERATOR, OrdersMetrics
from risk.emergency_plan import step
from risk.emergency_rules import EmergencyPlan
from risk.emergency_state import IDLE, PlanDecision, PlanOrder, PlanStage, PlanState
from risk.emergency_watch import PlanFacts
from risk.emergency_wishes import emergency_wishes
from risk.precedence import Wish
from risk.units import MarketStatus, Seconds
from runtime.errors import OperatorError

PLANS_KEY: Final = "breaker/plans"
MOST_MOVES: Final = 64
"""So many moves of a plan are kept in the journal; the log has all of them."""
SHOWN_MOVES: Final = 5
BY_RULE: Final = "rule"
_NO_PLAN: Final = Wish(status=MarketStatus.OPEN, why="no emergency plan concerns the market")

log = structlog.get_logger(__name__)


class PlanBoard:
    """Where each plan stands, and what all of them want of each market.

    Raises OperatorError for a plan that is running and whose file is gone: nobody could return it.
    """

    def __init__(
        self,
        plans: Mapping[str, EmergencyPlan],
        *,
        groups: Mapping[str, Collection[str]],
        notes: Notes,
        metrics: OrdersMetrics,
    ) -> None:
        self._plans, self._groups, self._notes, self._metrics = plans, groups, notes, metrics
        self._states: dict[str, PlanState] = dict.fromkeys(plans, IDLE)
        self._absent: dict[str, PlanState] = {}
        """Of plans whose file is gone: one that comes back must not obey its last order again."""
        self._moves: dict[str, tuple[PlanMove, ...]] = dict.fromkeys(plans, ())
        self._decisions: dict[str, PlanDecision] = {}
        self._wishes: dict[str, Wish] = {}
        self._overdue: set[str] = set()
        self._recall()
        self._saved = self._substance()

    @property
    def names(self) -> Collection[str]:
        """The plans that were loaded."""
        return self._plans.keys()

    def obeyed(self, name: str) -> int:
        """Give the sequence of the last order that a plan obeyed."""
        return self._states[name].order

    def step(
        self, facts: PlanFacts, orders: Mapping[str, PlanOrder], now: Seconds
    ) -> tuple[str, ...]:
        """Step every plan; name those that obeyed an order by it.

        `facts` need no groups: those that were given here hold.
        """
        seen = replace(facts, group_to_symbols=self._groups)
        obedient = []
        for name, plan in self._plans.items():
            before, order = self._states[name], orders.get(name)
            after, decision = step(before, seen, now=now, plan=plan, order=order)
            self._states[name], self._decisions[name] = after, decision
            is_obeyed = after.order > before.order
            if is_obeyed:
                obedient.append(name)
            self._tell(name, before, after, order if is_obeyed else None)
            self._metrics.running.labels(name).set(after.stage is not PlanStage.IDLE)
        # Of each market: else a plan that names it no more would hold it for good.
        self._wishes = dict.fromkeys(facts.markets, _NO_PLAN)
        self._wishes |= emergency_wishes(self._decisions.values())
        self._save()
        return tuple(obedient)

    def wish(self, symbol: str) -> Wish | None:
        """Give what all plans want of a market; None for one that was not there in the last step."""
        return self._wishes.get(symbol)

    def explain(self) -> dict[str, object]:
        """Tell each plan."""
        return {name: self._explained(name) for name in self._plans}

    def _explained(self, name: str) -> Mapping[str, object]:
        state, decision = self._states[name], self._decisions.get(name)
        is_idle = state.stage is PlanStage.IDLE
        return {
            "stage": state.stage.value,
            "step": _place(state),
            "steps": len(self._plans[name].steps),
            "since_seconds": None if is_idle else state.since,
            "why": "no step was made yet" if decision is None else decision.why,
            "is_overdue": decision is not None and decision.is_overdue,
            "owner_does": "" if decision is None else decision.owner_does,
            "last_moves": [
                {
                    "at_seconds": each.at,
                    "move": each.move.value,
                    "step": each.step,
                    "by": each.by,
                    "why": each.why,
                }
                for each in self._moves[name][-SHOWN_MOVES:]
            ],
        }

    # --- moves -----------------------------------------------------------------------------------

    def _tell(
        self, name: str, before: PlanState, after: PlanState, order: PlanOrder | None
    ) -> None:
        """Note, log and count a move, if there was one; then call for people who are needed."""
        kind = _move(before, after)
        decision = self._decisions[name]
        if kind is not None:
            move = PlanMove(
                at=Seconds(after.seen_at or 0),
                move=kind,
                step=_place(after),
                by=BY_RULE if order is None else order.by,
                why=_why(decision, order),
            )
            self._moves[name] = (*self._moves[name], move)[-MOST_MOVES:]
            self._notes.note(f"{PLANS_KEY}/{name}", moves_text(self._moves[name]))
            log.warning(
                "plan_moved", plan=name, move=kind.value, step=move.step, by=move.by, why=move.why
            )
        if kind is MoveKind.START:
            start = OPERATOR if after.is_ordered else AUTOMATIC
            self._metrics.starts.labels(name, start).inc()
        if decision.owner_does and not before.asks_owner:
            log.error("plan_asks_the_owner", plan=name, to=decision.owner_does)
        if decision.is_overdue and name not in self._overdue:
            log.error("plan_is_overdue", plan=name, why=decision.why)
        (self._overdue.add if decision.is_overdue else self._overdue.discard)(name)

    # --- over restarts ---------------------------------------------------------------------------

    def _recall(self) -> None:
        text = self._notes.noted(PLANS_KEY)
        known = {} if text is None else read_plans(text)
        if known is None:
            log.error("plans_forgotten", why="what was noted of them is of another version")
            known = {}
        for name, state in known.items():
            plan = self._plans.get(name)
            if plan is not None:
                self._states[name] = _fitted(state, plan)
            elif state.stage is not PlanStage.IDLE:
                raise OperatorError(
                    f"expected a file {name}.toml among the emergency plans, since step"
                    f" {_place(state)} of that plan is in force, found none: put it back, and order"
                    f" `bellkeeper plan stop {name}` before you take it away"
                )
            else:
                self._absent[name] = state
        for name, state in self._states.items():
            text = self._notes.noted(f"{PLANS_KEY}/{name}")
            self._moves[name] = () if text is None else read_moves(text)
            self._metrics.running.labels(name).set(state.stage is not PlanStage.IDLE)
            if state.stage is not PlanStage.IDLE:
                log.warning("plan_goes_on", plan=name, step=_place(state), why=state.why)

    def _save(self) -> None:
        substance = self._substance()
        if substance != self._saved:
            self._saved = substance
            self._notes.note(PLANS_KEY, plans_text(self._absent | self._states))

    def _substance(self) -> tuple[object, ...]:
        return tuple(_substance(state) for state in self._states.values())


def _substance(state: PlanState) -> object:
    """Give what must not be lost; when it was last looked at is not, and changes each second."""
    if state.stage is PlanStage.IDLE:
        return state.stage, state.order, state.is_armed
    return replace(state, seen_at=None)


def _fitted(state: PlanState, plan: EmergencyPlan) -> PlanState:
    """Fit a state to a plan whose file may have become shorter since."""
    return replace(state, level=min(state.level, len(plan.steps) - 1))


def _why(decision: PlanDecision, order: PlanOrder | None) -> str:
    told = decision.why if order is None else f"{order.reason} ({decision.why})"
    return f"{told}; the owner is to {decision.owner_does}" if decision.owner_does else told


def _move(before: PlanState, after: PlanState) -> MoveKind | None:
    was, now = before.stage, after.stage
    if was is PlanStage.IDLE or now is PlanStage.IDLE:
        if was is now:
            return None
        return MoveKind.START if was is PlanStage.IDLE else MoveKind.END
    if before.level != after.level:
        return MoveKind.STEP if after.level > before.level else MoveKind.STEP_BACK
    if (was is PlanStage.RETURNING) == (now is PlanStage.RETURNING):
        return None
    return MoveKind.AGAIN if was is PlanStage.RETURNING else MoveKind.RETURN


def _place(state: PlanState) -> int:
    """Count the strictest step in force from 1; 0 while idle."""
    return 0 if state.stage is PlanStage.IDLE else state.level + 1
