"""The columns say what the slow exact judge says, to the atom, however large the amounts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.columns import columns_of
from risk.exact_columns import exact_sum, mul_div_ceil, mul_div_floor, sums_by
from risk.liquidation import LiquidationTerms
from risk.margin import Account, margin_state
from risk.market import Market
from risk.solvency_claims import claims_of
from risk.solvency_rules import SolvencyRules
from risk.solvency_sheet import Claims
from risk.solvency_stress import jumped, scenarios
from risk.solvency_valuation import Valuation
from risk.units import (
    PPM_SCALE,
    MarketId,
    MarketStatus,
    QuoteAtoms,
    SizeE8,
    div_ceil,
    div_floor,
)
from tests.builders import BACKSTOP_ID, NOW, make_account, make_market, make_position, shares, usd
from tests.risk.strategies import BOOKS, accounts, terms

RULES = SolvencyRules()
FACTORS = st.integers(-(10**18), 10**18)


@given(st.lists(st.tuples(FACTORS, FACTORS), max_size=20), st.sampled_from([10**6, 10**10, 10**14]))
def test_products_are_exact_or_refused(pairs: list[tuple[int, int]], divisor: int) -> None:
    left, right = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    floors = [div_floor(one * other, divisor) for one, other in pairs]
    if max(map(abs, floors), default=0) > (1 << 60) - 1024:
        slow = mul_div_floor(left.astype(np.object_), right, divisor)
        assert slow.tolist() == floors
        if max(map(abs, floors)) > (1 << 60) + 1024:
            with pytest.raises(OverflowError, match="below 2"):
                mul_div_floor(left, right, divisor)
        return
    assert mul_div_floor(left, right, divisor).tolist() == floors
    ceils = [div_ceil(one * other, divisor) for one, other in pairs]
    assert mul_div_ceil(left, right, divisor).tolist() == ceils


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**62), 2**62)), max_size=20))
def test_sums_do_not_wrap(rows: list[tuple[int, int]]) -> None:
    groups, values = (np.array([row[side] for row in rows], dtype=np.int64) for side in (0, 1))
    assert exact_sum(values) == sum(value for _, value in rows)
    assert sums_by(groups, values, 4) == [
        sum(value for group, value in rows if group == number) for number in range(4)
    ]


def slow_claims(
    book: list[Account], markets: dict[MarketId, Market]
) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """Reckon with the slow exact judge, account by account: the oracle."""
    states = [margin_state(account, markets, NOW) for account in book]
    plain = {
        "equity": sum(state.equity for state in states),
        "positive_equity": sum(max(0, state.equity) for state in states),
        "bad_debt": sum(max(0, -state.equity) for state in states),
        "bankrupt_count": sum(state.is_bankrupt for state in states),
    }
    stress = {}
    for name, jump in scenarios(RULES).items():
        prices = jumped(markets, jump)
        moved = {number: replace(each, mark=prices[number]) for number, each in markets.items()}
        losses = [
            max(0, -margin_state(account, moved, NOW).equity)
            for account in book
            if account.id != BACKSTOP_ID
        ]
        stress[name] = sum(losses), max(losses, default=0)
    return plain, stress


def read(book: list[Account], markets: dict[MarketId, Market], cut: int = 2) -> Claims:
    """Add up pages of a few accounts."""
    pages = [columns_of(book[start : start + cut]) for start in range(0, len(book), cut)]
    return claims_of(pages, markets, now=NOW, block=7, backstop=BACKSTOP_ID, rules=RULES)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Account], LiquidationTerms]:
    given_terms = draw(terms())
    count = draw(st.integers(0, 6))
    book = [draw(accounts(given_terms)) for _ in range(count)]
    if book:
        book[0] = replace(book[0], id=BACKSTOP_ID)
    unique = {account.id: account for account in book}
    return list(unique.values()), given_terms


def check(book: list[Account], markets: dict[MarketId, Market]) -> None:
    claims = read(book, markets)
    plain, stress = slow_claims(book, markets)
    assert {name: getattr(claims, name) for name in plain} == plain
    assert {each.name: (each.bad_debt, each.largest_loss) for each in claims.stress} == stress
    under = {each.account: (each.equity, each.maintenance_margin) for each in claims.under_margin}
    states = [margin_state(account, markets, NOW) for account in book]
    assert under == {
        state.account: (state.equity, state.maintenance_margin)
        for state in states
        if state.is_liquidatable and state.positions and state.account != BACKSTOP_ID
    }
    for number in markets:
        held = [each for state in states for each in state.positions
                if each.position.market == number]  # fmt: skip
        found = claims.markets[number]
        assert found.value == sum(each.value for each in held)
        assert found.funding_owed == sum(each.funding_owed for each in held)


@BOOKS
@given(worlds())
def test_columns_agree_with_the_slow_judge(world: tuple[list[Account], LiquidationTerms]) -> None:
    book, given_terms = world
    check(book, dict(given_terms.markets))


def test_amounts_beyond_64_bits_are_valued_all_the_same() -> None:
    markets = {MarketId(0): make_market(mark=10**15, funding_rate=1, funding_numerator=10**30)}
    book = [
        make_account(usd(1), [make_position(10**18, quote=-(10**17))], number=1),
        make_account(usd(1), [make_position(-(10**18), quote=10**17)], number=2),
    ]
    assert Valuation([columns_of(book)], markets, NOW).is_slow
    check(book, markets)


def test_a_jump_may_leave_64_bits_where_the_marks_did_not() -> None:
    size = div_floor(((1 << 54) - 10) * 10**10, 10**12)
    markets = {MarketId(0): make_market(mark=10**12)}
    book = [make_account(usd(1), [make_position(size, quote=0)], number=1),
            make_account(usd(1), [make_position(-size, quote=0)], number=2)]  # fmt: skip
    assert not Valuation([columns_of(book)], markets, NOW).is_slow
    check(book, markets)


def test_settled_and_stale_markets_are_told_apart() -> None:
    settled = make_market(0, status=MarketStatus.SETTLED, price_timestamp=0)
    stale = make_market(1, price_timestamp=NOW - 61)
    halted = make_market(2, status=MarketStatus.HALTED)
    open_one = make_market(3)
    markets = {each.id: each for each in (settled, stale, halted, open_one)}
    book = [
        make_account(
            0, [make_position(shares(1), market=number, quote=-usd(200) + 1)], number=9 - number
        )
        for number in range(4)
    ]
    found = {each.account: each.may_liquidate for each in read(book, markets).under_margin}
    assert found == {book[1].id: False, book[2].id: False, book[3].id: True}
    check(book, markets)


def test_a_wait_goes_on_from_reading_to_reading() -> None:
    markets = {MarketId(0): make_market()}
    book = [make_account(0, [make_position(shares(1))])]
    pages = [columns_of(book)]

    def at(block: int, before: Claims | None, number: Market) -> Claims:
        return claims_of(
            pages, {number.id: number}, now=NOW, block=block, backstop=BACKSTOP_ID,
            rules=RULES, previous=before,
        )  # fmt: skip

    first = at(10, None, markets[MarketId(0)])
    second = at(20, first, markets[MarketId(0)])
    halted = at(30, second, make_market(status=MarketStatus.HALTED))
    again = at(40, halted, markets[MarketId(0)])
    waits = [each.under_margin[0].since_block for each in (first, second, halted, again)]
    assert waits == [10, 10, 30, 40]


def test_concentration_is_that_of_the_more_concentrated_side() -> None:
    sizes = (6, 4, -9, -1)
    book = [make_account(usd(1), [make_position(size, quote=0)], number=place)
            for place, size in enumerate(sizes, start=1)]  # fmt: skip
    found = read(book, {MarketId(0): make_market()}).markets[MarketId(0)]
    assert (found.top_one, found.top_five, found.herfindahl) == (900_000, PPM_SCALE, 820_000)


@given(st.lists(st.integers(1, 10**18), min_size=1, max_size=8))
def test_the_herfindahl_index_is_exact(sizes: list[int]) -> None:
    book = [make_account(usd(1), [make_position(SizeE8(size), quote=0)], number=place)
            for place, size in enumerate(sizes, start=1)]  # fmt: skip
    found = read(book, {MarketId(0): make_market()}).markets[MarketId(0)]
    whole = sum(sizes)
    squares = sum(size * size for size in sizes)
    assert found.herfindahl == div_ceil(squares * PPM_SCALE, whole * whole)


def test_a_position_in_an_unknown_market_is_refused() -> None:
    book = [make_account(QuoteAtoms(1), [make_position(1, market=3)])]
    with pytest.raises(KeyError, match="found market 3"):
        read(book, {MarketId(0): make_market()})
