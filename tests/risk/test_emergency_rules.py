"""What an emergency plan may say, and every way in which it may not."""

from dataclasses import replace
from typing import Any

import pytest

from risk.emergency_facts import Fact
from risk.emergency_rules import PlanAction, PlanReturn, Scope
from risk.integrity_rules import ACTION_CAUSES, Cause
from risk.units import Ppm, Seconds
from tests.risk.emergencies import (
    AGE,
    HEAD,
    ROLES,
    make_plan,
    make_return,
    make_step,
)


def test_each_fact_is_one_cause_of_the_integrity_breaker() -> None:
    # What the proof of solvency asks for is an action already, and no number for a plan to weigh.
    assert {fact.cause for fact in Fact} == set(Cause) - ACTION_CAUSES
    assert len(Fact) == len(Cause) - len(ACTION_CAUSES)
    assert {fact for fact in Fact if fact.is_of_exchange} == {
        Fact.INSURANCE_FALL,
        Fact.SOLVENCY_GAP,
        Fact.ROLES_CHANGED,
        Fact.HEAD_AGE,
    }


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"steps": ()}, "at least one step"),
        ({"least_markets": 0}, "least_markets of at least 1"),
        ({"returns": ()}, r"in reverse order \(lift_halt, lift_reduce_only\), found none"),
        (
            {
                "returns": (
                    make_return(PlanReturn.LIFT_REDUCE_ONLY),
                    make_return(PlanReturn.LIFT_HALT),
                )
            },
            "in reverse order",
        ),
        (
            {"steps": (make_step(PlanAction.HALT), make_step(PlanAction.REDUCE_ONLY))},
            "stricter than the one before it, found reduce_only after halt",
        ),
        (
            {"steps": (make_step(PlanAction.HALT), make_step(PlanAction.HALT))},
            "found halt after halt",
        ),
        (
            {
                "steps": (
                    make_step(PlanAction.TIGHTER_BAND),
                    make_step(PlanAction.TIGHTER_BAND, half_width=Ppm(30_000)),
                )
            },
            "found tighter_band after tighter_band",
        ),
        (
            {"steps": (make_step(PlanAction.REDUCE_ONLY), make_step(PlanAction.HALT))},
            "the last step to hold for no next one, found 20 s",
        ),
        ({"when": (ROLES,)}, "every return to need an operator .* roles_changed"),
    ],
)
def test_a_plan_that_could_not_be_trusted_is_refused(
    changed: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        make_plan(PlanAction.REDUCE_ONLY, PlanAction.HALT, **changed)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: make_step(PlanAction.HALT, most=Seconds(0), hold=Seconds(0)), "to be bounded"),
        (lambda: make_step(PlanAction.HALT, most=Seconds(19)), "to be bounded"),
        (lambda: make_step(PlanAction.HALT, half_width=Ppm(1)), "found 1 ppm for halt"),
        (lambda: make_step(PlanAction.TIGHTER_BAND, half_width=None), "found none"),
        (lambda: make_step(PlanAction.TIGHTER_BAND, half_width=Ppm(0)), "above 0"),
        (lambda: make_step(PlanAction.TIGHTER_BAND, half_width=Ppm(10**6)), "below 1000000"),
        (lambda: make_return(PlanReturn.LIFT_HALT, clear_for=Seconds(-1)), "at least 0 s"),
        (lambda: make_return(PlanReturn.LIFT_HALT, owner_does="pray"), "for lift_halt"),
        (
            lambda: make_return(PlanReturn.OWNER_OPENS_WITHDRAWALS, owner_does=""),
            "only the owner can open",
        ),
        (
            lambda: make_return(PlanReturn.OWNER_OPENS_WITHDRAWALS, needs_operator=False),
            "only the owner can open",
        ),
        (lambda: replace(AGE, persistence=Seconds(-1)), "at least 0 s"),
        (lambda: replace(HEAD, persistence=Seconds(1)), "stands still with the chain"),
        (lambda: Scope(group="first", symbols=("A",)), "a group or symbols"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_plan_is_about_all_markets_a_group_or_symbols() -> None:
    groups = {"first": ["A", "Z"]}
    assert Scope().among(["B", "A"], groups) == ("A", "B")
    assert Scope(group="first").among(["B", "A"], groups) == ("A",)
    assert Scope(group="other").among(["B", "A"], groups) == ()
    assert Scope(symbols=("B", "Z")).among(["B", "A"], groups) == ("B",)
