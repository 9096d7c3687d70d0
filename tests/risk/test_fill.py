"""The bookkeeping of one fill."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.fill import Fill, Filled, fill
from risk.margin import Account, Position, margin_state
from risk.units import signed_value
from tests.builders import NOW, make_account, make_market, make_position, shares, usd
from tests.risk.strategies import BOOKS, accounts, terms


def filled(size: int, cash: int, positions: Sequence[Position] = (), **facts: Any) -> Filled:
    account = make_account(usd(100), positions)
    return fill(account, Fill(market=0, size=size, cash=cash), make_market(**facts), now=NOW)


def test_opening_puts_the_cash_into_the_quote() -> None:
    account = filled(shares(5), -usd(1_000)).account
    held = account.positions[0]
    assert (account.collateral, held.size, held.quote) == (usd(100), shares(5), -usd(1_000))


def test_increasing_adds_to_the_quote() -> None:
    account = filled(shares(-5), usd(1_000), [make_position(shares(-5))]).account
    assert account.positions[0].quote == usd(2_000)
    assert account.collateral == usd(100)


def test_reducing_realises_a_part_of_the_quote() -> None:
    account = filled(shares(-2), usd(410), [make_position(shares(10))]).account
    assert account.positions[0].quote == -usd(1_600)
    assert account.collateral == usd(110)


@pytest.mark.parametrize(("quote", "left"), [(-10, -7), (10, 7)])
def test_the_realised_part_is_truncated_toward_zero(quote: int, left: int) -> None:
    account = filled(-1, 0, [make_position(3, quote=quote)]).account
    assert account.positions[0].quote == left


def test_closing_leaves_no_position_and_no_atom_behind() -> None:
    account = filled(shares(-10), usd(1_999), [make_position(shares(10))]).account
    assert account.positions == ()
    assert account.collateral == usd(99)


def test_flipping_splits_the_cash_and_forgets_the_slice() -> None:
    position = make_position(shares(10), slice_time=NOW - 5)
    account = filled(shares(-15), usd(3_000), [position]).account
    held = account.positions[0]
    assert (held.size, held.quote, held.slice_time) == (shares(-5), usd(1_000), 0)
    assert account.collateral == usd(100)


def test_funding_is_settled_first() -> None:
    position = make_position(shares(10))
    result = filled(shares(1), 0, [position], funding_numerator=360_000_000 * 10**12)
    assert result.funding_paid == usd(10)
    assert result.account.collateral == usd(90)
    assert result.account.positions[0].funding == 10**12


@BOOKS
@given(st.data(), st.integers(-(10**14), 10**14), st.integers(-(10**13), 10**13))
def test_equity_changes_by_the_value_gained_and_the_cash(
    data: st.DataObject, size: int, cash: int
) -> None:
    given_terms = data.draw(terms(most_markets=1))
    account = data.draw(accounts(given_terms))
    market = given_terms.markets[0]
    before = margin_state(account, given_terms.markets, NOW).equity
    held = account.positions[0].size
    after = fill(account, Fill(market=0, size=size, cash=cash), market, now=NOW).account
    gained = signed_value(held + size, market.mark) - signed_value(held, market.mark)
    assert margin_state(after, given_terms.markets, NOW).equity == before + gained + cash


@BOOKS
@given(st.data(), st.integers(-(10**14), 10**14), st.integers(-(10**13), 10**13))
def test_cash_quote_and_funding_pool_change_by_the_cash_alone(
    data: st.DataObject, size: int, cash: int
) -> None:
    given_terms = data.draw(terms())
    account = data.draw(accounts(given_terms))
    market = given_terms.markets[account.positions[0].market]
    result = fill(account, Fill(market=market.id, size=size, cash=cash), market, now=NOW)

    def money(each: Account) -> int:
        return each.collateral + sum(held.quote for held in each.positions)

    assert money(result.account) + result.funding_paid == money(account) + cash


def test_a_fill_leaves_other_markets_alone() -> None:
    other = make_position(shares(3), market=1)
    account = filled(shares(-10), 0, [make_position(shares(10)), other]).account
    assert account.positions == (other,)
    assert replace(account, positions=()).position(1) is None
