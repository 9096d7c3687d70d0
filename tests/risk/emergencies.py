"""Plans, facts and walks for tests of emergency plans: a test states only what it is about."""

import itertools
from dataclasses import replace
from typing import Any, Final

from risk.emergency_facts import Comparison, Condition, Fact
from risk.emergency_plan import step
from risk.emergency_rules import EmergencyPlan, PlanAction, PlanReturn, PlanStep, ReturnStep, Scope
from risk.emergency_state import IDLE, PlanDecision, PlanOrder, PlanStage, PlanState
from risk.emergency_watch import PlanFacts
from risk.integrity_facts import ExchangeFacts, MarketFacts
from risk.units import Ppm, QuoteAtoms, Seconds
from tests.builders import price

AGE: Final = Condition(
    fact=Fact.PRICE_AGE, comparison=Comparison.ABOVE, threshold=30, persistence=Seconds(10)
)
INPUTS: Final = Condition(
    fact=Fact.INPUTS, comparison=Comparison.BELOW, threshold=2, persistence=Seconds(0)
)
HEAD: Final = Condition(
    fact=Fact.HEAD_AGE, comparison=Comparison.ABOVE, threshold=30, persistence=Seconds(0)
)
ROLES: Final = replace(HEAD, fact=Fact.ROLES_CHANGED, threshold=0)
UP: Final = tuple(PlanAction)
GOOD, BAD, UNKNOWN = 1, 60, None


def make_step(action: PlanAction, **changed: Any) -> PlanStep:
    usual: dict[str, Any] = {"hold": Seconds(20), "most": Seconds(100)}
    if action is PlanAction.TIGHTER_BAND:
        usual["half_width"] = Ppm(20_000)
    return PlanStep(action=action, **(usual | changed))


def make_return(inverse: PlanReturn, **changed: Any) -> ReturnStep:
    usual: dict[str, Any] = {"clear_for": Seconds(15)}
    if inverse is PlanReturn.OWNER_OPENS_WITHDRAWALS:
        usual |= {"needs_operator": True, "owner_does": "call open_withdrawals()"}
    return ReturnStep(inverse=inverse, **(usual | changed))


def make_plan(*actions: PlanAction, **changed: Any) -> EmergencyPlan:
    """Compose a plan of these actions, with one condition and all markets."""
    steps = [make_step(action) for action in actions or UP[:3]]
    steps[-1] = replace(steps[-1], hold=Seconds(0))
    usual: dict[str, Any] = {
        "name": "tested",
        "description": "A test.",
        "when": (AGE,),
        "scope": Scope(),
        "steps": tuple(steps),
        "returns": tuple(make_return(each.action.inverse) for each in reversed(steps)),
    }
    return EmergencyPlan(**(usual | changed))


def facts(
    *ages: int | None,
    head: int | None = 0,
    inputs: int | None = 3,
    mark: int | None = 100,
    roles: int | None = 0,
) -> PlanFacts:
    """Give markets A, B, C … with these ages of their prices."""
    symbols = [chr(ord("A") + place) for place in range(len(ages))]
    market = MarketFacts(
        price_age=None,
        inputs=inputs,
        source_deviation=None,
        divergence=None,
        depth_fall=None,
        open_interest_rise=None,
        largest_share=None,
        backlog_blocks=None,
        is_underlying_halted=None,
        limits_changed=None,
    )
    return PlanFacts(
        markets={
            symbol: replace(market, price_age=None if age is None else Seconds(age))
            for symbol, age in zip(symbols, ages, strict=True)
        },
        exchange=ExchangeFacts(
            insurance_fall=None,
            solvency_gap=QuoteAtoms(0),
            roles_changed=roles,
            head_age=None if head is None else Seconds(head),
        ),
        marks={} if mark is None else {symbol: price(mark) for symbol in symbols},
        group_to_symbols={"first": ["A"]},
    )


def start(sequence: int = 1) -> PlanOrder:
    return PlanOrder(starts=True, sequence=sequence, by="alice", reason="drill")


def stop(sequence: int = 2) -> PlanOrder:
    return PlanOrder(starts=False, sequence=sequence, by="alice", reason="over")


def walk(
    plan: EmergencyPlan,
    steps: list[tuple[int, PlanFacts]],
    state: PlanState = IDLE,
    order: PlanOrder | None = None,
) -> tuple[PlanState, list[PlanDecision]]:
    """Step through (second, facts) with the same last order all along."""
    decisions = []
    for second, seen in steps:
        state, decision = step(state, seen, now=Seconds(second), plan=plan, order=order)
        decisions.append(decision)
    return state, decisions


def every(seconds: range, seen: PlanFacts) -> list[tuple[int, PlanFacts]]:
    return [(second, seen) for second in seconds]


def statuses(decisions: list[PlanDecision], symbol: str = "A") -> list[str]:
    """Give the status that is wished for, each time it changes."""
    names = [each.wishes[symbol].status.name for each in decisions]
    return [name for name, _ in itertools.groupby(names)]


def holding(plan: EmergencyPlan, seen: PlanFacts, until: int = 60) -> PlanState:
    state, _ = walk(plan, every(range(until), seen))
    assert state.stage is PlanStage.HOLDING
    return state
