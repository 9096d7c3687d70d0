"""What is sent, in which order, in which batches, and why not the others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.gas_model import GasModel
from risk.liquidation import LiquidationCode, LiquidationTerms
from risk.liquidation_effect import judge_batch
from risk.liquidation_order import expected_loss
from risk.liquidation_plan import confirm
from risk.liquidation_values import (
    PlanLimits,
    PlannedItem,
    Skip,
    SkipReason,
)
from risk.margin import Account
from risk.units import AccountId, MarketId, MarketStatus
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_backstop,
    make_market,
    make_position,
    make_terms,
    price,
    shares,
    usd,
)
from tests.risk.planning import (
    candidates_of,
    crowd,
    numbers,
    planned,
    reasons,
    trader_under_margin,
    who,
)
from tests.risk.strategies import BOOKS, accounts, terms

# --- the order -----------------------------------------------------------------------------------


def test_the_expected_loss_is_one_more_stress_step_less_equity() -> None:
    (candidate,) = candidates_of(make_terms(), trader_under_margin(equity=usd(30)))
    assert expected_loss(candidate.state, PlanLimits()) == usd(10)
    tighter = PlanLimits(stress={MarketId(0): make_market().clamp})
    assert expected_loss(candidate.state, tighter) == 0


def test_a_settled_price_moves_no_more() -> None:
    around = make_terms(make_market(status=MarketStatus.SETTLED))
    (candidate,) = candidates_of(around, trader_under_margin(equity=0))
    assert expected_loss(candidate.state, PlanLimits()) == 0


def test_the_most_dangerous_account_comes_first() -> None:
    mild, bankrupt, worse = (
        trader_under_margin(1, usd(45)),
        trader_under_margin(2, -usd(1)),
        trader_under_margin(3, -usd(2)),
    )
    assert who(planned(mild, bankrupt, worse)) == numbers(3, 2, 1)


def test_of_equal_losses_the_larger_account_comes_first_then_the_lower_number() -> None:
    one, other = trader_under_margin(1, usd(45)), trader_under_margin(2, usd(45))
    large = trader_under_margin(3, usd(90), shares(20))
    assert who(planned(other, one, large)) == numbers(3, 1, 2)


@BOOKS
@given(st.data())
def test_the_plan_does_not_depend_on_the_order_of_the_candidates(data: st.DataObject) -> None:
    around = data.draw(terms())
    held = {each.id: each for each in data.draw(st.lists(accounts(around), max_size=6))}
    turned = data.draw(st.permutations(list(held.values())))
    limits = PlanLimits(max_items=2, max_batches=2)
    assert planned(*held.values(), around=around, limits=limits) == planned(
        *turned, around=around, limits=limits
    )


def test_the_same_account_twice_is_a_broken_precondition() -> None:
    with pytest.raises(ValueError, match="once"):
        planned(trader_under_margin(), trader_under_margin())


# --- which markets of an account -----------------------------------------------------------------


def two_markets(cheap_spread: int = 1_000) -> LiquidationTerms:
    return make_terms(make_market(), make_market(1, spread_max=cheap_spread, penalty=1_000))


def test_one_item_is_planned_where_one_cures() -> None:
    account = make_account(usd(45), [make_position(shares(5)), make_position(shares(5), market=1)])
    plan = planned(account, around=two_markets())
    assert len(plan.items) == 1
    assert plan.items[0].verdict.cures


def test_of_two_cures_the_cheaper_is_taken() -> None:
    account = make_account(usd(45), [make_position(shares(5)), make_position(shares(5), market=1)])
    assert planned(account, around=two_markets()).items[0].market == 1


def test_where_none_cures_the_one_that_frees_most_comes_first_and_all_are_planned() -> None:
    account = make_account(-usd(5), [make_position(shares(2)), make_position(shares(-7), market=1)])
    plan = planned(account, around=two_markets())
    assert [item.market for item in plan.items] == [1, 0]


@BOOKS
@given(st.data())
def test_what_is_planned_is_what_the_exchange_would_do(data: st.DataObject) -> None:
    around = data.draw(terms())
    held = {each.id: each for each in data.draw(st.lists(accounts(around), max_size=5))}
    plan = planned(*held.values(), around=around)
    items = [(item.account, item.market, item.max_size) for item in plan.items]
    assert len({(account, market) for account, market, _ in items}) == len(items)
    assert judge_batch(items, held, around) == [item.verdict for item in plan.items]
    assert all(item.verdict.is_liquidated for item in plan.items)


@BOOKS
@given(st.data())
def test_every_candidate_is_either_planned_or_skipped_with_a_reason(data: st.DataObject) -> None:
    around = data.draw(terms())
    held = {each.id: each for each in data.draw(st.lists(accounts(around), max_size=6))}
    plan = planned(*held.values(), around=around, limits=PlanLimits(max_items=1, max_batches=2))
    assert set(who(plan)) | set(reasons(plan)) == set(held)
    assert not set(who(plan)) & set(reasons(plan))


def test_a_full_backstop_is_asked_for_the_part_that_it_can_take() -> None:
    around = make_terms(make_market(backstop_cap=usd(600)))
    (item,) = planned(trader_under_margin(equity=0), around=around).items
    assert item.max_size == shares("2.5")


@pytest.mark.parametrize(("least", "count"), [(usd(500), 1), (usd(500) + 1, 0), (0, 1)])
def test_no_part_smaller_than_a_position_may_be_is_asked_for(least: int, count: int) -> None:
    around = make_terms(make_market(backstop_cap=usd(600), min_position_notional=least))
    assert len(planned(trader_under_margin(equity=0), around=around).items) == count


def test_where_not_even_the_smallest_part_fits_the_whole_refusal_stands() -> None:
    around = make_terms(make_market(backstop_cap=0, min_position_notional=0))
    account = make_account(-usd(1), [make_position(3)])
    assert set(reasons(planned(account, around=around)).values()) == {SkipReason.BACKSTOP_FULL}


# --- reasons for doing nothing -------------------------------------------------------------------


def test_a_healthy_account_is_left_alone() -> None:
    plan = planned(trader_under_margin(equity=usd(50)))
    assert plan.batches == ()
    assert reasons(plan) == {make_account_id(1): SkipReason.NOT_LIQUIDATABLE}


def test_health_at_a_stale_price_is_no_health() -> None:
    around = make_terms(make_market(price_timestamp=NOW - 61))
    plan = planned(trader_under_margin(equity=usd(50)), around=around)
    assert reasons(plan) == {make_account_id(1): SkipReason.STALE_PRICE}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"price_timestamp": NOW - 61}, SkipReason.STALE_PRICE),
        ({"status": MarketStatus.HALTED}, SkipReason.MARKET_CLOSED),
        ({"is_splitting": True}, SkipReason.MARKET_CLOSED),
        ({"backstop_cap": 0}, SkipReason.BACKSTOP_FULL),
    ],
)
def test_what_the_market_forbids_is_the_reason(facts: dict[str, Any], reason: SkipReason) -> None:
    plan = planned(trader_under_margin(), around=make_terms(make_market(**facts)))
    assert plan.skips == (Skip(account=make_account_id(1), reason=reason, market=MarketId(0)),)


def test_a_shortfall_that_nobody_can_carry_is_left_to_deleverage() -> None:
    around = make_terms(insurance_fund=0, backstop=make_backstop(0))
    plan = planned(trader_under_margin(equity=-usd(1)), around=around)
    assert set(reasons(plan).values()) == {SkipReason.DELEVERAGE_NEEDED}


def test_a_cool_down_says_until_when() -> None:
    account = make_account(usd(40), [make_position(shares(10), slice_time=NOW - 10)])
    (skip,) = planned(account).skips
    assert (skip.reason, skip.until) == (SkipReason.COOLING_DOWN, NOW + 20)


def test_the_most_telling_of_several_answers_is_given() -> None:
    around = make_terms(make_market(status=MarketStatus.HALTED), make_market(1, backstop_cap=0))
    account = make_account(usd(20), [make_position(shares(5)), make_position(shares(5), market=1)])
    (skip,) = planned(account, around=around).skips
    assert (skip.reason, skip.market) == (SkipReason.BACKSTOP_FULL, 1)


def test_a_market_warming_up_after_a_halt_holds_back_all_who_are_in_it() -> None:
    plan = planned(trader_under_margin(), warming_up={MarketId(0)})
    assert reasons(plan) == {make_account_id(1): SkipReason.WARMING_UP}


@BOOKS
@given(st.data())
def test_planning_twice_with_intents_in_flight_plans_nothing(data: st.DataObject) -> None:
    around = data.draw(terms())
    held = {each.id: each for each in data.draw(st.lists(accounts(around), max_size=5))}
    first = planned(*held.values(), around=around)
    flying = [(item.account, item.market) for item in first.items]
    second = planned(*held.values(), around=around, in_flight=flying)
    assert second.batches == ()
    in_flight = {key for key, reason in reasons(second).items() if reason is SkipReason.IN_FLIGHT}
    assert in_flight == set(who(first))


# --- batches -------------------------------------------------------------------------------------


def test_batches_are_bounded_by_items_and_number() -> None:
    plan = planned(*crowd(7), limits=PlanLimits(max_items=2, max_batches=3))
    assert [len(batch.items) for batch in plan.batches] == [2, 2, 2]
    assert reasons(plan) == {make_account_id(7): SkipReason.BATCH_LIMIT}


@pytest.mark.parametrize(("flying", "batches"), [(0, 2), (1, 1), (2, 0), (5, 0)])
def test_batches_in_flight_count(flying: int, batches: int) -> None:
    limits = PlanLimits(max_items=1, max_batches=2)
    plan = planned(*crowd(3), limits=limits, batches_in_flight=flying)
    assert len(plan.batches) == batches


def test_no_items_at_all_may_be_allowed() -> None:
    assert planned(*crowd(2), limits=PlanLimits(max_items=0)).batches == ()


def test_gas_bounds_are_honoured() -> None:
    gas = GasModel()
    limits = PlanLimits(max_gas=gas.bound(items=3, positions=3))
    plan = planned(*crowd(7), limits=limits, gas=gas)
    assert [len(batch.items) for batch in plan.batches] == [3, 3, 1]
    assert all(batch.gas <= limits.max_gas for batch in plan.batches)


def test_an_account_too_large_for_any_batch_is_named_and_holds_up_nobody() -> None:
    large = make_account(
        -usd(10), [make_position(shares(3)), make_position(shares(3), market=1)], number=9
    )
    gas = GasModel()
    limits = PlanLimits(max_gas=gas.bound(items=1, positions=1))
    around = make_terms(make_market(), make_market(1))
    plan = planned(large, *crowd(1), around=around, limits=limits, gas=gas)
    assert who(plan) == numbers(1)
    assert reasons(plan) == {make_account_id(9): SkipReason.GAS_LIMIT}


def test_the_items_of_an_account_may_spread_over_batches() -> None:
    account = make_account(-usd(5), [make_position(shares(2)), make_position(shares(-7), market=1)])
    limits = PlanLimits(max_items=1, max_batches=2)
    plan = planned(account, around=two_markets(), limits=limits)
    assert [len(batch.items) for batch in plan.batches] == [1, 1]
    assert planned(account, around=two_markets(), limits=replace(limits, max_batches=1)).skips == ()


def test_what_earlier_items_take_is_gone_for_later_ones() -> None:
    around = make_terms(make_market(backstop_cap=usd(2_000)))
    plan = planned(trader_under_margin(1, -usd(2)), trader_under_margin(2, -usd(1)), around=around)
    assert who(plan) == numbers(1)
    assert reasons(plan) == {make_account_id(2): SkipReason.BACKSTOP_FULL}


def test_an_account_below_the_operators_minimum_is_left_to_others() -> None:
    worth = usd(2_000)
    for least, planned_accounts in ((worth, numbers(1)), (worth + 1, [])):
        limits = PlanLimits(min_notional=least)
        plan = planned(trader_under_margin(), limits=limits)
        assert who(plan) == planned_accounts
    assert reasons(plan) == {make_account_id(1): SkipReason.BELOW_MINIMUM}


# --- right before sending ------------------------------------------------------------------------


def confirmed(held: Sequence[Account], cured: set[AccountId]) -> tuple[list[AccountId], int]:
    (batch,) = planned(*held).batches
    healthy = planned(trader_under_margin()).items[0].verdict
    refusal = replace(healthy, code=LiquidationCode.NOT_LIQUIDATABLE)

    def judge(item: PlannedItem) -> Any:
        return refusal if item.account in cured else item.verdict

    left, dropped = confirm(batch, judge, GasModel())
    assert {item.account for item in dropped} == cured
    return ([], 0) if left is None else ([item.account for item in left.items], left.gas)


def test_items_no_longer_liquidatable_are_dropped_before_sending() -> None:
    left, gas = confirmed(crowd(3), {make_account_id(2)})
    assert left == numbers(1, 3)
    assert gas == GasModel().bound(items=2, positions=2)


def test_a_batch_that_still_stands_is_sent_as_it_is() -> None:
    (batch,) = planned(*crowd(2)).batches
    assert confirm(batch, lambda item: item.verdict, GasModel()) == (batch, ())


def test_nothing_is_sent_when_every_item_was_dropped() -> None:
    assert confirmed(crowd(1), {make_account_id(1)}) == ([], 0)


def test_a_crash_of_prices_makes_a_plan_of_the_worst() -> None:
    around = make_terms(make_market(mark=price(190)))
    held = [trader_under_margin(number, usd(60 + number)) for number in range(1, 30)]
    plan = planned(*held, around=around, limits=PlanLimits(max_items=5, max_batches=2))
    assert who(plan) == numbers(*range(1, 11))
