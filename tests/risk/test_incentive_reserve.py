"""What is reserved for the way home, to the atom, and how the total is shared out."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.incentive_budget import Spending
from risk.incentive_reserve import (
    BudgetRules,
    RebateOnChain,
    allot,
    hold_cost,
    largest_rebate,
    move_cost,
    rebate_cost,
)
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from tests.builders import usd
from tests.risk.incentive_world import budget, week

CALM = RebateOnChain(rebate=Ppm(150), largest_step=50, cool_down=Seconds(300), cooling=Seconds(0))


def test_holding_costs_the_whole_way_home() -> None:
    """100 ppm beyond the weekday's for 30 s, then 50 ppm for 330 s, of 10,000 USD a second."""
    first = usd(30) + 5 * 30
    second = usd(165) + 5 * 330
    assert hold_cost(budget(), CALM) == first + second


def test_a_rebate_that_is_home_costs_nothing() -> None:
    assert hold_cost(budget(), replace(CALM, rebate=Ppm(50))) == 0
    assert rebate_cost(budget(), Ppm(20), Seconds(100)) == 0


def test_moving_costs_the_landing_and_then_a_whole_cool_down() -> None:
    moved = replace(CALM, rebate=Ppm(200), cooling=Seconds(300))
    landing = rebate_cost(budget(), Ppm(200), Seconds(30))
    assert move_cost(budget(), CALM, Ppm(200)) == landing + hold_cost(budget(), moved)


def test_the_larger_of_two_rebates_counts_while_a_write_is_pending() -> None:
    lowering = replace(CALM, pending=Ppm(50))
    assert hold_cost(budget(), lowering) == rebate_cost(budget(), Ppm(150), Seconds(30))
    raising = replace(CALM, rebate=Ppm(50), pending=Ppm(150))
    assert hold_cost(budget(), raising) == move_cost(budget(), CALM, Ppm(150))


@given(
    left=st.integers(0, usd(3_000)),
    rebate=st.integers(0, 500),
    cooling=st.integers(0, 300),
    largest_step=st.integers(1, 200),
)
def test_the_largest_rebate_fits_and_the_next_does_not(
    left: int, rebate: int, cooling: int, largest_step: int
) -> None:
    rules = budget()
    state = replace(CALM, rebate=Ppm(rebate), cooling=Seconds(cooling), largest_step=largest_step)
    found = largest_rebate(rules, state, QuoteAtoms(left))
    assert rules.weekday_rebate <= found <= rules.largest_rebate
    held = hold_cost(rules, state)
    if rebate <= 400 and held <= left:
        room = held + (left - held) // 2
        assert found >= min(rebate, 400)
    else:
        room = left
        assert found < max(rebate, 51)
    if found > max(50, rebate) or (found < rebate and found > 50):
        assert move_cost(rules, state, found) <= room
    if found + 1 != rebate and found < 400 and found + 1 < max(rebate, 401):
        assert move_cost(rules, state, Ppm(found + 1)) > room or found + 1 >= rebate > found


def test_a_market_without_a_budget_may_not_pay() -> None:
    rules = BudgetRules(total=usd(100), tolerance=Ppm(100_000), markets={})
    nothing = Spending(week=week(), by_market={})
    given_to = allot(rules, nothing, {MarketId(3): CALM}, Seconds(0))
    assert given_to[MarketId(3)].largest_rebate == 0


def test_when_the_total_does_not_take_all_home_all_go() -> None:
    one = budget(usd(10_000))
    rules = BudgetRules(
        total=usd(300), tolerance=Ppm(100_000), markets={MarketId(0): one, MarketId(1): one}
    )
    nothing = Spending(week=week(), by_market={})
    both = {MarketId(0): CALM, MarketId(1): CALM}
    assert {each.largest_rebate for each in allot(rules, nothing, both, Seconds(0)).values()} == {
        50
    }
    enough = replace(rules, total=usd(500))
    kept = allot(enough, nothing, both, Seconds(0))
    assert all(each.largest_rebate >= 150 for each in kept.values())


def test_a_budget_nearly_gone_says_so() -> None:
    rules = BudgetRules(
        total=usd(1_000), tolerance=Ppm(100_000), markets={MarketId(0): budget(usd(500))}
    )
    spent = Spending(week=week(), by_market={MarketId(0): usd("499.5")})
    given_to = allot(rules, spent, {MarketId(0): CALM}, Seconds(999))[MarketId(0)]
    assert given_to.largest_rebate == 50
    assert given_to.why == (
        "499.50 USD of the week's 500.00 USD, and 499.50 of 1000.00 USD in all, are spent"
    )
    assert given_to.binds_at(Ppm(50))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"weekly": QuoteAtoms(-1)}, "a budget of at least 0"),
        ({"weekday_rebate": Ppm(401)}, "weekday rebate <= largest rebate"),
        ({"largest_trades_per_second": -1}, "largest notional and trades"),
        ({"reaction": Seconds(0)}, "reaction of at least 1 s"),
    ],
)
def test_budgets_that_cannot_hold_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(budget(), **wrong)
    with pytest.raises(ValueError, match="ask the owner for limits"):
        replace(CALM, largest_step=0)
    with pytest.raises(ValueError, match="tolerance from 1"):
        BudgetRules(total=usd(1), tolerance=Ppm(0), markets={})
