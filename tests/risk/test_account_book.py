"""The account book holds what it was told, and its lean judge agrees with the clear one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.columns import AccountColumns, columns_of
from risk.margin import Account, Position
from risk.units import (
    AccountId,
    FundingE12,
    MarketId,
    MarketStatus,
    PpbPerHour,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)

MARKETS = make_markets(
    make_market(0),
    make_market(1, mark=price(10), funding_rate=PpbPerHour(123_457), funding_numerator=-(10**21)),
    make_market(2, mark=PriceE8(10**15), funding_rate=PpbPerHour(-(10**6)), funding_time=NOW - 999),
    make_market(3, mark=price(50), status=MarketStatus.SETTLED),
    make_market(4, mark=PriceE8(0)),
)

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine fails no test."""

int64s = st.integers(-(2**63), 2**63 - 1)
positions = st.builds(
    Position,
    market=st.sampled_from(sorted(MARKETS)),
    size=st.one_of(
        st.integers(-(10**18), 10**18), st.integers(-(10**11), 10**11), st.integers(-3, 3)
    ).map(SizeE8),
    quote=int64s.map(QuoteAtoms),
    funding=st.one_of(st.just(0), int64s).map(FundingE12),
    slice_time=st.integers(0, 2**40).map(Seconds),
)
facts = st.tuples(st.integers(1, 5).map(make_account_id), positions, int64s.map(QuoteAtoms))


def told(book: AccountBook, account: AccountId, held: Position, collateral: int) -> None:
    book.set_position(
        account,
        held.market,
        held.size,
        held.quote,
        held.funding,
        held.slice_time,
        QuoteAtoms(collateral),
    )


def as_set(account: Account) -> tuple[int, frozenset[Position]]:
    return account.collateral, frozenset(account.positions)


@relaxed
@given(st.lists(facts, max_size=40))
def test_holds_the_last_fact_about_every_position(
    history: list[tuple[AccountId, Position, QuoteAtoms]],
) -> None:
    book = AccountBook(MARKETS)
    model: dict[AccountId, tuple[int, dict[MarketId, Position]]] = {}
    for account, held, collateral in history:
        told(book, account, held, collateral)
        kept = model.get(account, (0, {}))[1]
        kept.pop(held.market, None)
        if held.size:
            kept[held.market] = held
        model[account] = (collateral, kept)
    assert len(book) == len(model)
    assert book.position_count == sum(len(kept) for _, kept in model.values())
    for account, (collateral, kept) in model.items():
        assert as_set(book.account(account)) == (collateral, frozenset(kept.values()))


@settings(relaxed, max_examples=300)
@given(st.lists(facts, min_size=1, max_size=12), st.integers(-100, 10**6))
def test_the_lean_judge_equals_the_clear_one_to_the_atom(
    history: list[tuple[AccountId, Position, QuoteAtoms]], later: int
) -> None:
    book, now = AccountBook(MARKETS), Seconds(NOW + later)
    for account, held, collateral in history:
        told(book, account, held, collateral)
        row = book.row(account)
        assert row is not None
        state = book.state(account, now)
        assert book.slack(row, now) == (state.equity, state.maintenance_margin)


def test_the_lean_judge_follows_a_market_and_the_clock() -> None:
    market = make_market(funding_rate=PpbPerHour(10**6))
    book = AccountBook(make_markets(market))
    account = make_account(usd(100), [make_position(shares(1))])
    book.load([columns_of([account])])
    for mark, now in ((price(200), NOW), (price(190), NOW), (price(190), NOW + 3_600)):
        book.set_market(make_market(mark=mark, funding_rate=PpbPerHour(10**6)))
        state = book.state(account.id, Seconds(now))
        assert book.slack(0, Seconds(now)) == (state.equity, state.maintenance_margin)


def random_accounts(count: int) -> list[Account]:
    rng = np.random.default_rng(7)
    return [
        make_account(
            int(rng.integers(0, 10**12)),
            [
                make_position(int(rng.integers(1, 10**10)), market=market)
                for market in rng.permutation(4)[: rng.integers(0, 5)].tolist()
            ],
            number=number,
        )
        for number in range(count)
    ]


def test_loads_pages_and_exports_the_same() -> None:
    accounts = random_accounts(3_000)
    book = AccountBook(MARKETS)
    book.load([columns_of(accounts[:1_700]), columns_of(accounts[1_700:])])
    assert book.columns().accounts() == accounts
    chosen = accounts[2_500:10:-7]
    assert book.columns([account.id for account in chosen]).accounts() == chosen


def test_a_page_may_carry_positions_of_size_zero_and_they_are_none() -> None:
    empty = make_position(0)
    account = make_account(5, [empty, make_position(shares(1), market=1), empty])
    book = AccountBook(MARKETS)
    book.load([columns_of([make_account(1, [empty], number=2), account])])
    assert [held.market for held in book.account(account.id).positions] == [1]
    assert book.position_count == 1


def test_takes_a_freed_slot_again() -> None:
    book = AccountBook(MARKETS)
    one, other = make_account_id(1), make_account_id(2)
    told(book, one, make_position(shares(1)), 0)
    told(book, one, make_position(shares(2), market=1), 0)
    told(book, one, make_position(0), 0)
    told(book, other, make_position(shares(3), market=3), 0)
    assert book.slots.count == 2
    assert [held.size for held in book.account(one).positions] == [shares(2)]
    assert [held.size for held in book.account(other).positions] == [shares(3)]


def test_an_unknown_account_is_opened_by_its_first_fact() -> None:
    book = AccountBook(MARKETS)
    book.set_collateral(make_account_id(9), usd(3))
    assert book.account(make_account_id(9)).collateral == usd(3)
    assert book.row(make_account_id(8)) is None


@pytest.mark.parametrize(
    "fact",
    [
        {"size": 2**63},
        {"quote": -(2**63) - 1},
        {"funding": 2**70},
        {"slice_time": 2**63},
    ],
)
def test_a_number_beyond_64_bits_is_refused_and_changes_nothing(fact: dict[str, Any]) -> None:
    book = AccountBook(MARKETS)
    account = make_account_id(1)
    told(book, account, make_position(shares(1)), usd(7))
    before = book.account(account)
    with pytest.raises(OverflowError, match="to fit 64 bits, found"):
        told(book, account, make_position(**{"size": shares(2), **fact}), usd(8))
    with pytest.raises(OverflowError):
        book.set_collateral(account, QuoteAtoms(2**63))
    assert book.account(account) == before


def test_a_position_in_an_unknown_market_is_refused() -> None:
    book = AccountBook(MARKETS)
    held = make_position(shares(1), market=77)
    with pytest.raises(ValueError, match="found market 77"):
        told(book, make_account_id(1), held, 0)
    with pytest.raises(ValueError, match="found market 77"):
        book.load([columns_of([make_account(0, [held])])])


def test_an_account_that_comes_twice_in_the_pages_is_refused() -> None:
    page = columns_of([make_account()])
    with pytest.raises(ValueError, match="found one twice"):
        AccountBook(MARKETS).load([page, page])


def changed_page() -> tuple[AccountBook, AccountColumns]:
    accounts = random_accounts(50)
    book = AccountBook(MARKETS)
    book.load([columns_of(accounts)])
    accounts[3] = make_account(accounts[3].collateral + 1, accounts[3].positions, number=3)
    accounts[8] = make_account(accounts[8].collateral, [make_position(77)], number=8)
    turned = tuple(reversed(accounts[9].positions))
    accounts[9] = make_account(accounts[9].collateral, turned, number=9)
    return book, columns_of([*accounts, make_account(number=999)])


def test_names_the_accounts_that_differ_whatever_the_order_of_positions() -> None:
    book, page = changed_page()
    assert book.differences(page) == [make_account_id(3), make_account_id(8), make_account_id(999)]


def test_names_accounts_by_any_integers() -> None:
    book = AccountBook(MARKETS)
    assert book.accounts_at([1, 2]) == []
    book.load([columns_of(random_accounts(10))])
    assert book.accounts_at([0, 13, 9]) == [make_account_id(n) for n in (0, 3, 9)]
