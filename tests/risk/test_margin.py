"""Margin of one account."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin import Account, MarginState, funding_owed, margin_state
from risk.market import Market
from risk.units import MarketStatus
from tests.builders import (
    NOW,
    make_account,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)
from tests.risk.strategies import BOOKS, accounts, terms


def state_of(account: Account, *markets: Market) -> MarginState:
    return margin_state(account, make_markets(*markets), NOW)


def test_equity_is_cash_plus_what_closing_at_the_mark_would_bring() -> None:
    account = make_account(usd(100), [make_position(shares(10), entry=price(190))])
    state = state_of(account, make_market(mark=price(200)))
    assert state.equity == usd(200)
    assert state.notional == usd(2_000)
    assert state.maintenance_margin == usd(50)
    assert state.initial_margin == usd(100)


def test_a_short_gains_as_the_price_falls() -> None:
    account = make_account(usd(100), [make_position(shares(-10), entry=price(200))])
    assert state_of(account, make_market(mark=price(190))).equity == usd(200)


def test_an_account_without_positions_is_healthy_at_zero() -> None:
    state = state_of(make_account(0))
    assert (state.equity, state.is_liquidatable, state.is_bankrupt) == (0, False, False)


@pytest.mark.parametrize(("collateral", "is_liquidatable"), [(usd(50), False), (usd(50) - 1, True)])
def test_equity_equal_to_maintenance_margin_is_not_liquidatable(
    collateral: int, *, is_liquidatable: bool
) -> None:
    state = state_of(make_account(collateral, [make_position(shares(10))]))
    assert state.is_liquidatable is is_liquidatable
    assert state.slack == collateral - usd(50)


@pytest.mark.parametrize(("collateral", "is_bankrupt"), [(0, False), (-1, True)])
def test_bankrupt_means_below_zero(collateral: int, *, is_bankrupt: bool) -> None:
    assert (
        state_of(make_account(collateral, [make_position(shares(10))])).is_bankrupt is is_bankrupt
    )


def test_one_stale_market_leaves_the_account_unpriced() -> None:
    positions = [make_position(shares(1)), make_position(shares(1), market=1)]
    stale = make_market(1, price_timestamp=NOW - 61)
    assert not state_of(make_account(positions=positions), make_market(), stale).is_priced


def test_a_settled_position_is_valued_but_needs_no_margin() -> None:
    settled = make_market(status=MarketStatus.SETTLED, mark=price(210))
    state = state_of(make_account(0, [make_position(shares(10), entry=price(200))]), settled)
    assert state.equity == usd(100)
    assert (state.maintenance_margin, state.initial_margin) == (0, 0)


@pytest.mark.parametrize(("size", "owed"), [(1, 1), (-1, 0), (10**14, 3), (-(10**14), -3)])
def test_funding_owed_rounds_against_the_account(size: int, owed: int) -> None:
    market = make_market(funding_numerator=3 * 360_000_000)
    assert funding_owed(make_position(size), market, NOW) == owed


def test_a_position_in_an_unknown_market_is_a_broken_precondition() -> None:
    with pytest.raises(KeyError):
        state_of(make_account(positions=[make_position(shares(1), market=7)]), make_market())


@BOOKS
@given(st.data())
def test_a_bankrupt_account_with_open_markets_is_liquidatable(data: st.DataObject) -> None:
    given_terms = data.draw(terms())
    account = data.draw(accounts(given_terms, highest=0))
    state = margin_state(account, given_terms.markets, NOW)
    assert state.is_liquidatable or not state.is_bankrupt


@BOOKS
@given(st.data(), st.integers(1, 10**10))
def test_a_mark_that_moves_against_a_single_position_never_helps(
    data: st.DataObject, fall: int
) -> None:
    given_terms = data.draw(terms(most_markets=1))
    account = data.draw(accounts(given_terms))
    market = given_terms.markets[0]
    held = account.positions[0]
    side = 1 if held.size > 0 else -1
    worse = replace(market, mark=max(1, market.mark - side * fall))
    before = margin_state(account, {0: market}, NOW)
    after = margin_state(account, {0: worse}, NOW)
    assert after.equity <= before.equity
    assert after.slack <= before.slack + 1


@BOOKS
@given(st.data())
def test_the_order_of_positions_does_not_matter(data: st.DataObject) -> None:
    given_terms = data.draw(terms())
    account = data.draw(accounts(given_terms))
    turned = replace(account, positions=account.positions[::-1])
    one, other = (margin_state(each, given_terms.markets, NOW) for each in (account, turned))
    assert (one.equity, one.maintenance_margin) == (other.equity, other.maintenance_margin)
