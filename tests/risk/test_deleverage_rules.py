"""What the exchange answers to one item, and what that changes; parity is proved on a node."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.deleverage_effect import deleverage_effect
from risk.deleverage_rules import (
    Burden,
    DeleverageCode,
    DeleverageItem,
    DeleverageVerdict,
    Pools,
    burden,
    pools_of,
)
from risk.margin import Account, margin_state
from risk.units import MarketId, MarketStatus, QuoteAtoms, SizeE8
from tests.builders import (
    BACKSTOP_ID,
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_markets,
    make_position,
    make_terms,
    price,
    shares,
    usd,
)
from tests.risk.deleveraging import bankrupt, crowds, make_pools, winner
from tests.risk.strategies import BOOKS

CODE = DeleverageCode


def answer(
    account: Account, other: Account, size: int = shares(100), **facts: Any
) -> DeleverageVerdict:
    item = DeleverageItem(account=account.id, market=MarketId(0), counterparty=other.id, size=size)
    markets = make_markets(make_market(**facts), make_market(1))
    accounts = {account.id: account, other.id: other}
    (verdict,) = deleverage_effect([item], accounts, markets, make_pools(), NOW).verdicts
    return verdict


def test_a_long_is_closed_at_its_bankruptcy_price() -> None:
    verdict = answer(bankrupt(usd(1_000)), winner(-shares(100), number=2))
    assert (verdict.size, verdict.cash) == (-shares(100), usd(21_000))
    assert verdict.relief == usd(1_000)


def test_a_short_is_closed_at_its_bankruptcy_price() -> None:
    other = winner(shares(100), number=2, entry=price(150))
    verdict = answer(bankrupt(usd(1_000), -shares(100)), other)
    assert (verdict.size, verdict.cash) == (shares(100), -usd(19_000))


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (winner(shares(10), number=2, entry=price(150)), CODE.BAD_COUNTERPARTY),
        (winner(-shares(10), number=2, entry=price(200)), CODE.BAD_COUNTERPARTY),
        (winner(-shares(10), number=2, entry=price(199)), CODE.BAD_COUNTERPARTY),
        (winner(-shares(10), number=2, equity=usd(9)), CODE.BAD_COUNTERPARTY),
        (winner(-shares(10), number=2, equity=usd(10)), CODE.DELEVERAGED),
        (make_account(usd(1_000), number=2), CODE.BAD_COUNTERPARTY),
        (bankrupt(), CODE.BAD_COUNTERPARTY),
        (replace(winner(-shares(10), number=2), id=BACKSTOP_ID), CODE.BAD_COUNTERPARTY),
    ],
    ids=["same side", "at cost", "at a loss", "poor", "just able", "flat", "itself", "backstop"],
)
def test_the_counterparty_must_be_the_right_one(other: Account, code: DeleverageCode) -> None:
    """Ten of a hundred shares cost a tenth of the 100 USD that are owed."""
    assert answer(bankrupt(), other).code is code


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"status": MarketStatus.HALTED}, CODE.MARKET_CLOSED),
        ({"is_splitting": True}, CODE.MARKET_CLOSED),
        ({"price_timestamp": NOW - 61}, CODE.STALE_PRICE),
        ({"status": MarketStatus.REDUCE_ONLY}, CODE.DELEVERAGED),
    ],
)
def test_the_market_must_be_open_and_priced(facts: dict[str, Any], code: DeleverageCode) -> None:
    assert answer(bankrupt(), winner(-shares(10), number=2), **facts).code is code


def test_an_account_at_exactly_nothing_is_not_bankrupt() -> None:
    other = winner(-shares(10), number=2)
    assert answer(bankrupt(0), other).code is CODE.NOT_BANKRUPT
    assert answer(bankrupt(1), other).code is CODE.DELEVERAGED
    assert answer(bankrupt(1), other, size=0).code is CODE.NO_POSITION


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        (make_pools(usd(60), usd(40)), Burden.BACKSTOP_MARGIN),
        (make_pools(usd(60), usd(1_040)), Burden.CARRIED),
        (make_pools(usd(60), usd(1_040) - 1), Burden.BACKSTOP_MARGIN),
        (make_pools(usd(100), usd(1_000)), Burden.CARRIED),
        (make_pools(usd(60), usd(40) - 1), Burden.SHORTFALL),
        (make_pools(usd(60), usd(40), inventories={MarketId(0): -shares(50)}), Burden.CARRIED),
    ],
    ids=["no margin", "carried", "an atom less", "insured", "too poor", "shrinks"],
)
def test_the_pools_carry_what_they_can(pools: Pools, expected: Burden) -> None:
    """100 USD owed on 20,000 USD of notional, of which the backstop must hold 5 %."""
    assert burden(shares(100), QuoteAtoms(-usd(100)), make_market(), pools) is expected


def test_the_backstop_takes_no_more_than_its_cap() -> None:
    rich = make_pools(usd(1_000), usd(10**6))
    small = make_market(backstop_cap=usd(20_000) - 1)
    assert burden(shares(100), QuoteAtoms(-1), small, rich) is Burden.BACKSTOP_CAP
    assert burden(SizeE8(shares(100) - 1), QuoteAtoms(-1), small, rich) is Burden.CARRIED


def test_the_pools_are_those_of_a_liquidation() -> None:
    terms = make_terms(insurance_fund=usd(7))
    assert pools_of(terms) == Pools(insurance_fund=usd(7), backstop=terms.backstop)


def test_accounts_that_are_not_known_hold_nothing() -> None:
    item = DeleverageItem(
        account=make_account_id(5),
        market=MarketId(0),
        counterparty=make_account_id(6),
        size=1,
    )
    effect = deleverage_effect([item], {}, make_markets(), make_pools(), NOW)
    assert effect.verdicts[0].code is CODE.NO_POSITION
    assert not effect.accounts


def test_the_markets_of_a_cross_margined_account_share_what_it_owes() -> None:
    """Half of the maintenance margin is freed, so half of what is owed is made good."""
    both = [make_position(shares(100)), make_position(-shares(100), market=1)]
    verdict = answer(make_account(-usd(100), both), winner(-shares(100), number=2))
    assert verdict.relief == usd(50)


@BOOKS
@given(crowds(), st.data())
def test_items_move_money_and_size_but_make_none(
    case: tuple[AccountBook, Pools], data: st.DataObject
) -> None:
    book, pools = case
    accounts = {account.id: account for account in book.columns().accounts()}
    numbers = st.sampled_from(sorted(accounts))
    items = [
        DeleverageItem(
            account=data.draw(numbers),
            market=data.draw(st.sampled_from(sorted(book.markets))),
            counterparty=data.draw(numbers),
            size=data.draw(st.sampled_from([1, 10**8, 10**20])),
        )
        for _ in range(12)
    ]
    effect = deleverage_effect(items, accounts, book.markets, pools, NOW)
    after = accounts | dict(effect.accounts)

    def money(held: dict[object, Account]) -> int:
        return sum(
            each.collateral + sum(position.quote for position in each.positions)
            for each in held.values()
        )

    def open_interest(held: dict[object, Account], market: MarketId, side: int) -> int:
        sizes = [each.position(market) for each in held.values()]
        return sum(max(0, side * position.size) for position in sizes if position is not None)

    assert money(after) + effect.funding_gain == money(accounts)  # type: ignore[arg-type]
    for market in book.markets:
        closed = effect.closed.get(market, 0)
        for side in (1, -1):
            before = open_interest(accounts, market, side)  # type: ignore[arg-type]
            assert open_interest(after, market, side) == before - closed  # type: ignore[arg-type]
    for verdict in effect.verdicts:
        if verdict.is_deleveraged:
            other = margin_state(after[verdict.item.counterparty], book.markets, NOW)
            assert other.equity >= other.maintenance_margin
