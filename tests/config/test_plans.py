"""The shipped emergency plans, and every way in which a plan's file can be wrong."""

from pathlib import Path

import pytest

from config.breakers import load_breakers
from config.markets import load_exchange_file, load_market
from config.plans import (
    PLANS_DIRECTORY,
    check_keys,
    group_members,
    load_plan,
    load_plans,
    missing_keys,
)
from risk.emergency_facts import Comparison, Condition, Fact
from risk.emergency_rules import EmergencyPlan, PlanAction, Scope
from risk.integrity_rules import OPERATOR_CAUSES
from risk.units import Ppm, Seconds
from runtime.errors import OperatorError

GROUPS = ("us-equities", "gold", "crypto")
SHIPPED = load_plans(groups=GROUPS)
RUNAWAY = PLANS_DIRECTORY / "runaway_price.toml"
SOLVENCY = PLANS_DIRECTORY / "solvency_breach.toml"


def test_the_plans_that_every_venue_needs_are_shipped() -> None:
    assert set(SHIPPED) == {
        "chain_outage",
        "hostile_takeover_of_a_key",
        "oracle_outage",
        "runaway_price",
        "solvency_breach",
    }
    assert not any(plan.is_manual for plan in SHIPPED.values())


def test_a_plan_is_read_in_the_units_of_the_rules() -> None:
    plan = SHIPPED["runaway_price"]
    assert plan.when == (
        Condition(
            fact=Fact.DIVERGENCE,
            comparison=Comparison.ABOVE,
            threshold=60_000,
            persistence=Seconds(15),
        ),
    )
    assert plan.least_markets == 3
    assert plan.scope == Scope()
    assert [step.action for step in plan.steps] == list(PlanAction)[:3]
    assert (plan.steps[0].half_width, plan.steps[0].hold) == (Ppm(20_000), 30)
    assert [step.most for step in plan.steps] == [900, 3_600, 7_200]
    assert [step.clear_for for step in plan.returns] == [120, 120, 300]


@pytest.mark.parametrize("plan", SHIPPED.values(), ids=list(SHIPPED))
def test_a_shipped_plan_waits_for_people_where_only_people_can_judge(plan: EmergencyPlan) -> None:
    doubts = any(condition.fact.cause in OPERATOR_CAUSES for condition in plan.when)
    assert all(step.needs_operator for step in plan.returns) is doubts
    closes = plan.steps[-1].action is PlanAction.CLOSE_WITHDRAWALS
    assert closes is doubts
    assert ("open_withdrawals()" in plan.returns[0].owner_does) is closes


@pytest.mark.parametrize("plan", SHIPPED.values(), ids=list(SHIPPED))
def test_a_shipped_plan_fits_the_guard_rails_of_every_shipped_market(plan: EmergencyPlan) -> None:
    for symbol in load_exchange_file().markets:
        rails = load_market(symbol).limits
        for step in plan.steps:
            if step.half_width is not None:
                assert rails.band.minimum_ppm <= step.half_width <= rails.band.maximum_ppm
        for back in plan.returns:
            assert back.clear_for >= rails.status.cool_down_seconds


@pytest.mark.parametrize(
    ("lanes", "missing"),
    [
        (("guardian", "breaker", "urgent"), ()),
        (("breaker",), ("guardian",)),
        (("guardian",), ("breaker",)),
        (("urgent", "pricer"), ("guardian", "breaker")),
    ],
)
def test_a_plan_that_halts_needs_the_guardian_and_to_return_the_breaker(
    lanes: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    plan = SHIPPED["oracle_outage"]
    assert missing_keys(plan, lanes) == missing
    if not missing:
        check_keys(plan, lanes)
        return
    with pytest.raises(OperatorError, match="for the emergency plan oracle_outage") as error:
        check_keys(plan, lanes)
    assert all(f"[keys.{lane}]" in str(error.value) for lane in missing)


def test_a_plan_of_bands_alone_needs_no_guardian(tmp_path: Path) -> None:
    path = tmp_path / "narrow.toml"
    path.write_text(
        'description = "Narrow."\ngroup = "gold"\n'
        '[[steps]]\naction = "tighter_band"\nhalf_width_ppm = 10_000\nmost_seconds = 60\n'
        '[[returns]]\ninverse = "lift_band"\nclear_seconds = 10\n'
    )
    plan = load_plan(path, groups=GROUPS)
    assert missing_keys(plan, ()) == ("breaker",)
    assert (plan.name, plan.is_manual, plan.scope) == ("narrow", True, Scope(group="gold"))


def test_groups_are_those_of_the_breakers() -> None:
    breakers = load_breakers()
    members = group_members(breakers, ["NVDA", "GLD", "WTI", "NEW"])
    assert members == {"us-equities": ("GLD", "NVDA"), "gold": ("GLD",), "crypto": ()}
    assert load_plans(groups=breakers.groups) == SHIPPED


@pytest.mark.parametrize(
    ("path", "old", "new", "sentence"),
    [
        (RUNAWAY, "divergence_ppm", "mood", "when[0].fact must be one of the facts price_age_sec"),
        (
            RUNAWAY,
            "above = 60_000, ",
            "",
            "expected `above` or `below` for divergence_ppm, found n",
        ),
        (
            RUNAWAY,
            "above =",
            "below = 1, above =",
            "`above` or `below` for divergence_ppm, found b",
        ),
        (RUNAWAY, "60_000", '"6 %"', "when[0].above must be an integer"),
        (RUNAWAY, 'action = "halt"', 'action = "pray"', "steps[2].action must be one of"),
        (RUNAWAY, "most_seconds = 900\n", "", "steps[0].most_seconds is missing"),
        (RUNAWAY, "most_seconds = 900", "most_seconds = 0", "most_seconds must be greater than 0"),
        (RUNAWAY, "most_seconds = 900", "most_seconds = 29", "expected tighter_band to be bounded"),
        (RUNAWAY, "half_width_ppm = 20_000\n", "", "a half-width for tighter_band"),
        (
            RUNAWAY,
            'action = "reduce_only"',
            'action = "halt"',
            "stricter than the one before it, found halt after halt",
        ),
        (
            RUNAWAY,
            'inverse = "lift_band"',
            'inverse = "lift_halt"',
            "in reverse order (lift_halt, lift_reduce_only, lift_band), found lift_halt, lift_redu",
        ),
        (RUNAWAY, '["ALL"]', '["ALL", "NVDA"]', 'expected "ALL" alone, found 2 markets'),
        (RUNAWAY, 'markets = ["ALL"]', "", "expected `markets` or `group`, found neither"),
        (RUNAWAY, 'markets = ["ALL"]', 'markets = ["ALL"]\ngroup = "gold"', "found both"),
        (
            RUNAWAY,
            'markets = ["ALL"]',
            'group = "bonds"',
            'crypto, gold, us-equities), found "bonds"',
        ),
        (RUNAWAY, "least_markets", "least_market", "did you mean `least_markets`?"),
        (RUNAWAY, "hold_seconds = 30", "hold_secs = 30", "did you mean `hold_seconds`?"),
        (RUNAWAY, 'description = "Marks', 'description = "" # "Marks', "description"),
        (
            SOLVENCY,
            "needs_operator = true",
            "",
            "to need an operator and to say what the owner does",
        ),
        (SOLVENCY, "owner_does = ", "# ", "only the owner can open withdrawals"),
    ],
)
def test_a_wrong_plan_is_one_sentence(
    tmp_path: Path, path: Path, old: str, new: str, sentence: str
) -> None:
    text = path.read_text()
    assert old in text
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace(old, new, 1))
    with pytest.raises(OperatorError) as error:
        load_plan(wrong, groups=GROUPS)
    assert sentence in str(error.value)
    assert "wrong.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_return_that_time_could_take_from_people_is_refused(tmp_path: Path) -> None:
    text = SOLVENCY.read_text()
    last = "clear_seconds = 300\nneeds_operator = true\n"
    assert text.endswith(last)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.removesuffix(last) + "clear_seconds = 300\n")
    with pytest.raises(OperatorError, match=r"every return to need an operator .* solvency_gap"):
        load_plan(wrong, groups=GROUPS)


def test_a_chain_that_stands_still_cannot_be_waited_for(tmp_path: Path) -> None:
    text = (PLANS_DIRECTORY / "chain_outage.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace("for_seconds = 0", "for_seconds = 5"))
    with pytest.raises(OperatorError, match="the venue's clock stands still with the chain"):
        load_plan(wrong, groups=GROUPS)


def test_a_file_is_called_as_its_plan_may_be(tmp_path: Path) -> None:
    wrong = tmp_path / "Oracle outage.toml"
    wrong.write_text(RUNAWAY.read_text())
    with pytest.raises(OperatorError, match=r"found Oracle outage\.toml: rename it"):
        load_plans(tmp_path, groups=GROUPS)
