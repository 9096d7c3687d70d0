"""Emergency plans run beside the other machines: by their facts or by order, once, and over restarts."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitors.breakers.memory import MoveKind, plans_text, read_moves, read_plans
from monitors.breakers.orders import ORDERS_KEY
from monitors.breakers.plans import PLANS_KEY
from monitors.operator_orders import ALL, OrderKind
from risk.emergency_facts import Comparison, Condition, Fact
from risk.emergency_plan import step
from risk.emergency_rules import EmergencyPlan, PlanAction, Scope
from risk.emergency_state import IDLE
from risk.units import MarketStatus, PriceE8, Seconds
from runtime.errors import OperatorError
from tests.builders import price
from tests.monitors.breakers.world import NVDA, SPY, World
from tests.risk.emergencies import BAD, every, facts, make_plan, start

START, STOP = OrderKind.PLAN_START, OrderKind.PLAN_STOP
OPEN, REDUCE_ONLY, HALTED = MarketStatus.OPEN, MarketStatus.REDUCE_ONLY, MarketStatus.HALTED
# The concentration breaker itself acts above 400 000 ppm only, so the plan stands alone.
CROWDED = Condition(
    fact=Fact.LARGEST_SHARE,
    comparison=Comparison.ABOVE,
    threshold=300_000,
    persistence=Seconds(10),
)
PLAN = make_plan(PlanAction.REDUCE_ONLY, PlanAction.HALT, when=(CROWDED,))
"""Reduce-only, 20 s later halted; back after 15 s each; no step stands longer than 100 s."""


def world_of(*plans: EmergencyPlan) -> World:
    """Give a quiet market that has what it wants."""
    world = World(*(plans or (PLAN,)))
    world.run(5)
    world.obey()
    return world


def moves(world: World, name: str = "tested") -> list[tuple[str, int, str]]:
    """Read from the notes how the plan moved: what, to which step, by whom."""
    noted = read_moves(world.notes.texts.get(f"{PLANS_KEY}/{name}", "[]"))
    return [(each.move.value, each.step, each.by) for each in noted]


def page(world: World) -> Any:
    """Give what `/status` tells of the plan."""
    return world.desk.explain_plans()["tested"]


def test_a_plan_starts_by_its_facts_and_returns_with_them() -> None:
    world = world_of()
    world.slow.share = 350_000
    seen = world.obeying(12)
    assert (seen[8], seen[-1]) == (OPEN, REDUCE_ONLY)
    assert world.status(SPY) is REDUCE_ONLY
    assert world.why()["by"] == "emergency"
    assert "largest_share_ppm is 350000 in NVDA" in str(world.why()["why"])
    assert world.obeying(25)[-1] is HALTED
    assert world.count("plan_running", plan="tested") == 1
    world.slow.share = 10_000
    assert world.obeying(20)[-1] is REDUCE_ONLY
    assert world.obeying(20)[-1] is OPEN
    assert world.count("plan_running", plan="tested") == 0
    assert world.count("plan_starts_total", plan="tested", start="automatic") == 1
    assert world.count("plan_starts_total", plan="tested", start="operator") == 0
    assert moves(world) == [
        ("start", 1, "rule"),
        ("step", 2, "rule"),
        ("return", 2, "rule"),
        ("step_back", 1, "rule"),
        ("end", 0, "rule"),
    ]


def test_an_operator_starts_and_stops_a_plan() -> None:
    world = world_of()
    # In the same second: an order waits for no clock.
    assert world.order(START, "tested") is REDUCE_ONLY
    assert world.obeying(25)[-1] is HALTED
    assert world.order(STOP, "tested") is REDUCE_ONLY
    assert world.obeying(20)[-1] is OPEN
    assert moves(world) == [
        ("start", 1, "alice"),
        ("step", 2, "rule"),
        ("step_back", 1, "alice"),
        ("end", 0, "rule"),
    ]
    told = page(world)["last_moves"][0]["why"]
    assert told.startswith("because of 1 (tested running, step 1 of 2 (reduce_only)")
    assert world.count("plan_starts_total", plan="tested", start="operator") == 1
    for kind in (START, STOP):
        assert world.count("orders_total", order=kind.value) == 1


def test_a_resumption_does_not_lift_a_plan() -> None:
    world = world_of()
    world.order(START, "tested")
    world.obey()
    assert world.order(OrderKind.RESUME, ALL) is REDUCE_ONLY


def test_a_restart_forgets_no_plan_and_starts_none_twice() -> None:
    world = world_of()
    world.order(START, "tested")
    world.obeying(25)
    world.restart()
    assert world.obeying(1) == [HALTED]
    assert page(world)["step"] == 2
    assert world.count("plan_starts_total", plan="tested", start="operator") == 0
    # Its bound goes on as if nothing had been: 100 s for the halt, then back with its pauses.
    assert world.obeying(120)[-1] is OPEN
    world.restart()
    assert world.obeying(60)[-1] is OPEN
    assert [each[0] for each in moves(world)] == ["start", "step", "step_back", "end"]
    assert '"sequence":1' in world.notes.texts[ORDERS_KEY]


def test_a_plan_is_noted_when_it_moves_and_not_each_second() -> None:
    world = world_of()
    world.order(START, "tested")
    world.obeying(5)
    before = world.notes.counts[PLANS_KEY]
    world.obeying(10)
    assert world.notes.counts[PLANS_KEY] == before
    world.obeying(10)
    assert world.notes.counts[PLANS_KEY] > before


def test_a_stop_is_remembered_over_a_restart() -> None:
    world = world_of()
    world.slow.share = 350_000
    world.obeying(12)
    world.order(STOP, "tested")
    world.restart()
    # The facts are still bad: what a person stopped does not start by itself.
    assert world.obeying(100)[-1] is OPEN
    world.slow.share = 10_000
    world.obeying(2)
    world.slow.share = 350_000
    assert world.obeying(12)[-1] is REDUCE_ONLY


def test_withdrawals_close_by_a_plan_and_the_owner_is_asked() -> None:
    plan = make_plan(PlanAction.HALT, PlanAction.CLOSE_WITHDRAWALS, when=(CROWDED,))
    world = world_of(plan)
    with capture_logs() as lines:
        world.order(START, "tested")
        assert not world.panel.wanted()[NVDA].closes_withdrawals
        world.obeying(25)
        assert world.panel.wanted()[NVDA].closes_withdrawals
        world.restart()
        assert world.panel.wanted()[NVDA].closes_withdrawals
        world.order(STOP, "tested")
        world.run(1)
    assert not world.panel.wanted()[NVDA].closes_withdrawals
    asked = [line["to"] for line in lines if line["event"] == "plan_asks_the_owner"]
    assert asked == ["call open_withdrawals()"]
    assert page(world)["owner_does"] == "call open_withdrawals()"


def test_a_step_that_stands_too_long_is_told_once() -> None:
    plan = make_plan(PlanAction.HALT, PlanAction.CLOSE_WITHDRAWALS, when=(CROWDED,))
    world = world_of(plan)
    world.order(START, "tested")
    with capture_logs() as lines:
        assert world.obeying(200)[-1] is HALTED
    overdue = [line["why"] for line in lines if line["event"] == "plan_is_overdue"]
    assert len(overdue) == 1
    assert "an operator must look and stop it" in overdue[0]
    assert page(world)["is_overdue"]


def test_an_unknown_plan_is_told_once_with_those_that_are_known() -> None:
    world = world_of()
    with capture_logs() as lines:
        world.order(START, "meteor")
        world.run(5)
    told = [line for line in lines if line["event"] == "operator_order_unheeded"]
    assert [line["log_level"] for line in told] == ["warning"]
    assert told[0]["why"] == (
        "expected a plan among tested in the order 1 of alice, found meteor: correct the name"
    )
    assert world.desk.explain()["unheeded"] == [told[0]["why"]]
    assert world.status() is OPEN


def test_an_order_about_a_plan_older_than_what_was_obeyed_is_told() -> None:
    world = world_of()
    world.said.say(STOP, "tested", sequence=900)
    world.run(1)
    world.said.orders.clear()
    assert world.order(START, "tested") is OPEN
    assert "an order about tested later than 900" in str(world.desk.explain()["unheeded"])


def test_a_plan_of_a_group_leaves_other_markets_alone() -> None:
    world = world_of(replace(PLAN, scope=Scope(group="tech")))
    assert world.order(START, "tested") is REDUCE_ONLY
    assert world.status(SPY) is OPEN


def test_two_plans_are_joined_and_each_goes_its_way() -> None:
    band = make_plan(PlanAction.TIGHTER_BAND, when=(), name="narrow")
    world = world_of(PLAN, band)
    world.order(START, "narrow")
    wanted = world.panel.wanted()[NVDA]
    assert (wanted.status, wanted.band and wanted.band.low) == (OPEN, price(98))
    assert world.order(START, "tested") is REDUCE_ONLY
    world.order(STOP, "narrow")
    wanted = world.panel.wanted()[NVDA]
    assert (wanted.status, wanted.band and wanted.band.low) == (REDUCE_ONLY, price(95))


def test_a_narrower_plan_lets_go_of_the_markets_that_it_leaves() -> None:
    world = world_of()
    world.order(START, "tested")
    world.obey()
    world.run(1)
    world.plans = {"tested": replace(PLAN, scope=Scope(symbols=("SPY",)))}
    world.restart()
    world.run(1)
    assert (world.status(), world.status(SPY)) == (OPEN, REDUCE_ONLY)


def test_a_plan_that_was_shortened_while_it_ran_stands_at_its_last_step() -> None:
    world = world_of()
    world.slow.share = 350_000
    world.obeying(40)
    world.plans = {"tested": make_plan(PlanAction.REDUCE_ONLY, when=())}
    world.restart()
    assert world.obeying(1) == [REDUCE_ONLY]
    assert world.order(STOP, "tested") is OPEN


def test_a_running_plan_whose_file_is_gone_is_an_operators_error() -> None:
    world = world_of()
    world.order(START, "tested")
    plans, world.plans = world.plans, {}
    with pytest.raises(OperatorError, match=r"expected a file tested\.toml .* step 1 of that plan"):
        world.restart()
    # Put back and stopped it may go; what it obeyed is not obeyed again when it comes back.
    world.plans = plans
    world.restart()
    world.order(STOP, "tested")
    world.run(1)
    world.plans = {"other": replace(PLAN, name="other")}
    world.restart()
    assert world.order(START, "other") is REDUCE_ONLY
    assert world.order(STOP, "other") is OPEN
    world.plans = plans
    world.said.orders[:] = world.said.orders[:1]
    world.restart()
    assert world.obeying(5)[-1] is OPEN


def test_notes_of_another_version_are_told() -> None:
    world = world_of()
    world.notes.texts[PLANS_KEY] = '{"tested": 7}'
    with capture_logs() as lines:
        world.restart()
    assert "plans_forgotten" in {line["event"] for line in lines}
    assert world.run(1) == [OPEN]


def test_what_is_noted_of_a_plan_is_read_whole() -> None:
    plan = make_plan(PlanAction.TIGHTER_BAND, PlanAction.HALT)
    state = IDLE
    for second, seen in every(range(1_000, 1_015), facts(BAD, BAD)):
        state, _ = step(state, seen, now=Seconds(second), plan=plan, order=start())
    assert state.bad_since
    assert state.troubled
    assert state.anchors == {"A": PriceE8(100 * 10**8), "B": PriceE8(100 * 10**8)}
    assert read_plans(plans_text({"tested": state, "other": IDLE})) == {
        "tested": state,
        "other": IDLE,
    }


def test_a_plan_that_turns_round_again_is_told() -> None:
    world = world_of()
    world.order(START, "tested")
    world.obeying(25)
    world.order(STOP, "tested")
    world.order(START, "tested")
    assert moves(world)[-2:] == [("step_back", 1, "alice"), (MoveKind.AGAIN.value, 1, "alice")]
