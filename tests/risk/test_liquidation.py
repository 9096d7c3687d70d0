"""The verdict on one item, rule by rule; figures worked out by hand from docs/exchange.md."""

from dataclasses import replace
from typing import Any

import pytest

from risk.liquidation import (
    LiquidationCode,
    LiquidationTerms,
    LiquidationVerdict,
    backstop_state,
    judge_liquidation,
    keeper_reward,
)
from risk.margin import Account, margin_state
from risk.units import MarketId, MarketStatus
from tests.builders import (
    BACKSTOP_ID,
    NOW,
    make_account,
    make_backstop,
    make_market,
    make_position,
    make_rules,
    make_terms,
    price,
    shares,
    usd,
)

CODE = LiquidationCode
MARKET = MarketId(0)


def judged(
    account: Account, terms: LiquidationTerms | None = None, max_size: int = 0, market: int = 0
) -> LiquidationVerdict:
    terms = terms or make_terms()
    state = margin_state(account, terms.markets, terms.now)
    return judge_liquidation(state, MarketId(market), terms, max_size=max_size)


def trader_with(equity: int, size: int = shares(100), **facts: Any) -> Account:
    """Hold a position bought at the mark: the collateral is the equity."""
    return make_account(equity, [make_position(size, **facts)])


# --- the order of the checks ---------------------------------------------------------------------


def test_an_unknown_market_is_named_before_anything_else() -> None:
    assert judged(make_account(), market=9).code is CODE.UNKNOWN_MARKET


def test_an_account_that_holds_nothing_there_has_no_position() -> None:
    terms = make_terms(make_market(status=MarketStatus.HALTED))
    assert judged(make_account(), terms).code is CODE.NO_POSITION


def test_the_backstop_is_never_liquidated() -> None:
    backstop = replace(trader_with(0), id=BACKSTOP_ID)
    assert judged(backstop).code is CODE.NO_POSITION


@pytest.mark.parametrize(
    "facts",
    [
        {"status": MarketStatus.HALTED},
        {"status": MarketStatus.SETTLED},
        {"is_splitting": True},
        {"status": MarketStatus.HALTED, "price_timestamp": 0},
    ],
)
def test_a_closed_market_comes_before_a_stale_price(facts: dict[str, Any]) -> None:
    assert judged(trader_with(0), make_terms(make_market(**facts))).code is CODE.MARKET_CLOSED


def test_a_stale_price_comes_before_health() -> None:
    terms = make_terms(make_market(price_timestamp=NOW - 61))
    assert judged(trader_with(usd(10_000)), terms).code is CODE.STALE_PRICE


def test_a_stale_price_in_another_market_of_the_account_stops_it_too() -> None:
    terms = make_terms(make_market(), make_market(1, price_timestamp=NOW - 61))
    account = make_account(0, [make_position(shares(1)), make_position(shares(1), market=1)])
    assert judged(account, terms).code is CODE.STALE_PRICE


@pytest.mark.parametrize(
    ("equity", "code"),
    [(usd(500), CODE.NOT_LIQUIDATABLE), (usd(500) - 1, CODE.LIQUIDATED)],
)
def test_equity_must_be_strictly_below_maintenance_margin(
    equity: int, code: LiquidationCode
) -> None:
    assert judged(trader_with(equity)).code is code


@pytest.mark.parametrize(
    ("age", "code"), [(29, CODE.COOLING_DOWN), (30, CODE.LIQUIDATED), (31, CODE.LIQUIDATED)]
)
def test_after_a_slice_the_rest_waits_for_the_cool_down(age: int, code: LiquidationCode) -> None:
    verdict = judged(trader_with(usd(499), slice_time=NOW - age))
    assert verdict.code is code
    assert verdict.until == (NOW - age + 30 if code is CODE.COOLING_DOWN else None)


@pytest.mark.parametrize(
    ("equity", "code"), [(usd(250), CODE.COOLING_DOWN), (usd(250) - 1, CODE.LIQUIDATED)]
)
def test_a_critical_account_does_not_wait(equity: int, code: LiquidationCode) -> None:
    assert judged(trader_with(equity, slice_time=NOW)).code is code


# --- how much ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slice_threshold", "is_slice"), [(usd(20_000), False), (usd(20_000) - 1, True)]
)
def test_only_a_position_above_the_threshold_is_sliced(
    slice_threshold: int, *, is_slice: bool
) -> None:
    terms = make_terms(make_market(slice_threshold=slice_threshold))
    sizing = judged(trader_with(usd(499)), terms).sizing
    assert sizing is not None
    assert sizing.is_slice is is_slice
    assert sizing.allowed == (shares(20) if is_slice else shares(100))


@pytest.mark.parametrize(("age", "is_slice"), [(599, False), (600, True)])
def test_a_slice_is_remembered_for_a_while(age: int, *, is_slice: bool) -> None:
    terms = make_terms(make_market(slice_threshold=0))
    sizing = judged(trader_with(usd(499), slice_time=NOW - age), terms).sizing
    assert sizing is not None
    assert sizing.is_slice is is_slice


def test_a_critical_account_is_not_sliced() -> None:
    terms = make_terms(make_market(slice_threshold=0))
    sizing = judged(trader_with(usd(249)), terms).sizing
    assert sizing is not None
    assert (sizing.is_critical, sizing.is_slice, sizing.allowed) == (True, False, shares(100))


def test_no_more_is_closed_than_restores_the_buffer() -> None:
    """Shortage = 510 − 400; spread = 1 % · 100/500; gain = 510 − 20 000 · 0.7 %."""
    verdict = judged(trader_with(usd(400)))
    sizing = verdict.sizing
    assert sizing is not None
    assert (sizing.spread, sizing.shortage, sizing.gain) == (2_000, usd(110), usd(370))
    assert sizing.need == sizing.close == 2_972_972_973
    short = verdict.maintenance_margin_after * 1_020_000 - verdict.equity_after * 10**6
    assert short < 2 * 10**6


def test_a_position_that_costs_more_than_it_frees_is_closed_whole() -> None:
    terms = make_terms(make_market(penalty=30_000))
    sizing = judged(trader_with(usd(499)), terms).sizing
    assert sizing is not None
    assert sizing.gain < 0
    assert sizing.close == shares(100)


@pytest.mark.parametrize(("equity", "spread"), [(0, 10_000), (-1, 10_000), (usd(250), 5_000)])
def test_the_spread_widens_as_health_fades(equity: int, spread: int) -> None:
    sizing = judged(trader_with(equity)).sizing
    assert sizing is not None
    assert sizing.spread == spread


@pytest.mark.parametrize(
    ("max_size", "close", "is_cut"),
    [
        (shares(10), shares(10), True),
        (2_972_972_973, 2_972_972_973, False),
        (0, 2_972_972_973, False),
    ],
)
def test_a_keeper_may_ask_for_less(max_size: int, close: int, *, is_cut: bool) -> None:
    sizing = judged(trader_with(usd(400)), max_size=max_size).sizing
    assert sizing is not None
    assert (sizing.close, sizing.is_cut) == (close, is_cut)


@pytest.mark.parametrize(
    ("least", "close"), [(usd(18_000), shares(10)), (usd(18_000) + 1, shares(100))]
)
def test_no_dust_is_left_behind(least: int, close: int) -> None:
    terms = make_terms(make_market(min_position_notional=least))
    sizing = judged(trader_with(usd(400)), terms, max_size=shares(10)).sizing
    assert sizing is not None
    assert sizing.close == close
    assert sizing.is_cut is (close == shares(10))


# --- what it costs -------------------------------------------------------------------------------


def test_discount_and_penalty_when_the_budget_allows() -> None:
    """Closing 10 of 100 shares: notional 2 000, freed 50, budget 400 · 50/500 = 40."""
    verdict = judged(trader_with(usd(400)), max_size=shares(10))
    cost = verdict.cost
    assert cost is not None
    assert (cost.value, cost.freed, cost.budget) == (usd(2_000), usd(50), usd(40))
    assert (cost.discount, cost.penalty, cost.shortfall) == (usd(4), usd(10), 0)
    assert verdict.closed == shares(10)


def test_the_budget_goes_to_the_discount_first_and_then_to_the_penalty() -> None:
    """Equity 30 of 500: spread 0.94 % of 20 000 is 188, the budget 30."""
    cost = judged(trader_with(usd(30))).cost
    assert cost is not None
    assert (cost.budget, cost.discount, cost.penalty) == (usd(30), usd(30), 0)


@pytest.mark.parametrize(("equity", "shortfall"), [(0, 0), (-1, 1), (-usd(10), usd(10))])
def test_a_bankrupt_account_pays_nothing_and_leaves_a_shortfall(
    equity: int, shortfall: int
) -> None:
    cost = judged(trader_with(equity)).cost
    assert cost is not None
    assert (cost.discount, cost.penalty, cost.shortfall) == (0, 0, shortfall)


def test_a_short_is_closed_with_its_own_sign() -> None:
    verdict = judged(trader_with(usd(400), size=shares(-100)), max_size=shares(10))
    assert verdict.closed == shares(-10)
    assert verdict.cost is not None
    assert verdict.cost.value == -usd(2_000)


# --- who pays ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headroom", "code"), [(usd(6), CODE.BACKSTOP_FULL), (usd(6) - 1, CODE.DELEVERAGE_NEEDED)]
)
def test_deleverage_is_needed_when_insurance_and_backstop_together_are_short(
    headroom: int, code: LiquidationCode
) -> None:
    """A shortfall of 10: 4 are insured; with 6 the backstop can pay but not take the position."""
    terms = make_terms(insurance_fund=usd(4), backstop=make_backstop(headroom))
    assert judged(trader_with(-usd(10)), terms).code is code


def test_the_insurance_fund_pays_a_shortfall_before_the_backstop() -> None:
    terms = make_terms(insurance_fund=usd(4), backstop=make_backstop(usd(5_000)))
    carrying = judged(trader_with(-usd(10)), terms).carrying
    assert carrying is not None
    assert (carrying.shortfall_insurance, carrying.shortfall_backstop) == (usd(4), usd(6))
    assert carrying.insurance_fund == 0
    assert carrying.backstop_equity == usd(5_000) - usd(6)


def test_what_a_shortfall_leaves_of_the_insurance_fund_pays_the_reward() -> None:
    carrying = judged(trader_with(-usd(10)), make_terms(insurance_fund=usd(40))).carrying
    assert carrying is not None
    assert (carrying.reward, carrying.insurance_fund) == (usd(10), usd(20))


@pytest.mark.parametrize(
    ("cap", "code"), [(usd(20_000), CODE.LIQUIDATED), (usd(20_000) - 1, CODE.BACKSTOP_FULL)]
)
def test_the_backstop_grows_up_to_its_cap(cap: int, code: LiquidationCode) -> None:
    terms = make_terms(make_market(backstop_cap=cap))
    assert judged(trader_with(0), terms).code is code


@pytest.mark.parametrize(
    ("equity", "code"), [(usd(1_000), CODE.LIQUIDATED), (usd(1_000) - 1, CODE.BACKSTOP_FULL)]
)
def test_the_backstop_needs_initial_margin_for_what_it_takes(
    equity: int, code: LiquidationCode
) -> None:
    assert judged(trader_with(0), make_terms(backstop=make_backstop(equity))).code is code


def test_the_backstop_may_always_shrink() -> None:
    terms = make_terms(
        make_market(backstop_cap=0),
        backstop=make_backstop(0, initial_margin=usd(1), inventories={MARKET: shares(-200)}),
    )
    carrying = judged(trader_with(0), terms).carrying
    assert carrying is not None
    assert carrying.backstop_inventory == shares(-100)


def test_the_backstop_may_swap_sides_at_the_same_size() -> None:
    terms = make_terms(
        make_market(backstop_cap=0), backstop=make_backstop(0, inventories={MARKET: shares(-50)})
    )
    carrying = judged(trader_with(0), terms).carrying
    assert carrying is not None
    assert (carrying.backstop_inventory, carrying.backstop_equity) == (shares(50), 0)


def test_an_item_that_is_refused_late_moves_nothing() -> None:
    verdict = judged(trader_with(usd(30)), make_terms(make_market(backstop_cap=0)))
    assert verdict.code is CODE.BACKSTOP_FULL
    assert verdict.cost is not None
    assert (verdict.closed, verdict.carrying, verdict.cures) == (0, None, False)
    assert (verdict.equity_after, verdict.maintenance_margin_after) == (usd(30), usd(500))


def test_an_item_that_is_refused_early_moves_nothing() -> None:
    verdict = judged(trader_with(usd(500)))
    assert (verdict.sizing, verdict.cost, verdict.carrying) == (None, None, None)
    assert (verdict.closed, verdict.cures) == (0, True)
    assert verdict.maintenance_margin_after == usd(500)


def test_the_reward_is_gas_with_a_margin_and_a_share_of_the_notional() -> None:
    """200 000 gas · 1 gwei · 3 000 USD · 1.2 = 0.72 USD; 0.05 % of 20 000 = 10 USD."""
    assert keeper_reward(usd(20_000), make_rules(), 10**9) == usd("10.72")


def test_the_reward_is_capped_and_its_gas_part_rounded_up() -> None:
    assert keeper_reward(usd(10**6), make_rules(), 10**9) == usd(50)
    assert keeper_reward(usd(0), make_rules(), 1) == 1


def test_the_reward_comes_from_the_penalty_and_the_rest_goes_to_the_insurance_fund() -> None:
    verdict = judged(trader_with(usd(499)), max_size=0)
    carrying, cost = verdict.carrying, verdict.cost
    assert carrying is not None
    assert cost is not None
    assert carrying.reward_insurance == 0
    assert carrying.insurance_fund == usd(1_000_000) + cost.penalty - carrying.reward


def test_the_insurance_fund_tops_up_a_reward_as_far_as_it_goes() -> None:
    carrying = judged(trader_with(0), make_terms(insurance_fund=usd(3))).carrying
    assert carrying is not None
    assert (carrying.reward, carrying.reward_insurance) == (usd(3), usd(3))
    assert carrying.insurance_fund == 0


def test_a_piece_that_the_keeper_cut_is_rewarded_from_its_penalty_only() -> None:
    carrying = judged(trader_with(0), max_size=shares(1)).carrying
    assert carrying is not None
    assert (carrying.reward, carrying.reward_insurance) == (0, 0)


def test_the_backstop_state_is_taken_from_its_margin() -> None:
    account = make_account(usd(5_000), [make_position(shares(10))])
    taken = backstop_state(margin_state(account, make_terms().markets, NOW))
    assert taken.headroom == usd(5_000) - usd(100)
    assert taken.inventories == {MARKET: shares(10)}


def test_an_overdrawn_backstop_has_no_headroom() -> None:
    assert make_backstop(usd(1), initial_margin=usd(2)).headroom == 0


def test_a_profit_in_another_market_counts() -> None:
    terms = make_terms(make_market(), make_market(1, mark=price(300)))
    account = make_account(0, [make_position(shares(100)), make_position(shares(10), market=1)])
    assert judged(account, terms).code is CODE.NOT_LIQUIDATABLE
