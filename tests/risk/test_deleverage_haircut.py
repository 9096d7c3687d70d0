"""What deleveraging took from the winners, over what had to be taken."""

import pytest
from hypothesis import given

from risk.account_book import AccountBook
from risk.deleverage_haircut import Haircut, haircut, needed_relief
from risk.deleverage_need import deleverage_need
from risk.deleverage_rank import RankPolicy
from risk.deleverage_rules import Pools
from risk.units import QuoteAtoms
from tests.builders import NOW, make_market, usd
from tests.risk.deleveraging import (
    bankrupt,
    crowds,
    make_book,
    make_pools,
    planned,
    three_winners,
)
from tests.risk.strategies import BOOKS


@pytest.mark.parametrize("policy", RankPolicy)
def test_the_least_possible_haircut_is_taken(policy: RankPolicy) -> None:
    accounts = [bankrupt(usd(1_000)), *three_winners()]
    book = make_book(accounts)
    plan = planned(book, policy=policy)
    measured = haircut(
        [each.verdict for each in plan.items],
        {account.id: account for account in accounts},
        book.markets,
        NOW,
        needed=needed_relief(plan.need),
    )
    assert usd(1_000) <= measured.covered <= measured.given_up <= usd(1_000) + 6
    assert measured.over_covered in range(1_000_000, 1_000_010)
    assert measured.over_need in range(1_000_000, 1_000_010)
    assert measured.closed_profit in range(usd(5_000) - 3, usd(5_000) + 1)
    assert measured.counterparty_count == 3


def test_what_was_taken_without_need_shows_over_the_need() -> None:
    """The pools could carry 40 of 100 shares; somebody closes all of them."""
    accounts = [bankrupt(usd(1_000)), *three_winners()]
    market = make_market(backstop_cap=usd(8_000))
    book = make_book(accounts, market)
    need = deleverage_need(book, make_pools(usd(1_000), usd(10_000)), NOW)
    everything = planned(make_book(accounts, market), make_pools())
    measured = haircut(
        [each.verdict for each in everything.items],
        {account.id: account for account in accounts},
        book.markets,
        NOW,
        needed=needed_relief(need),
    )
    assert needed_relief(need) == usd(600)
    assert measured.over_need in range(1_666_667, 1_666_680)


def test_without_a_need_there_is_no_ratio() -> None:
    nothing = Haircut(
        given_up=QuoteAtoms(0),
        covered=QuoteAtoms(0),
        needed=QuoteAtoms(0),
        closed_profit=QuoteAtoms(0),
        closed_notional=QuoteAtoms(0),
        counterparty_count=0,
    )
    assert nothing.over_covered is None
    assert nothing.over_need is None


@pytest.mark.parametrize("policy", RankPolicy)
@BOOKS
@given(crowds())
def test_what_is_given_up_is_what_is_covered_but_for_an_atom_an_item(
    policy: RankPolicy, case: tuple[AccountBook, Pools]
) -> None:
    book, pools = case
    plan = planned(book, pools, policy=policy)
    accounts = {account.id: account for account in book.columns().accounts()}
    verdicts = [each.verdict for each in plan.items]
    measured = haircut(verdicts, accounts, book.markets, NOW, needed=needed_relief(plan.need))
    assert abs(measured.given_up - measured.covered) <= len(verdicts)
