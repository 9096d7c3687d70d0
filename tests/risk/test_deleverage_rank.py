"""In which order winners are taken, and how much is taken pro rata."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.deleverage_rank import (
    SCORE_SCALE,
    Counterparties,
    RankPolicy,
    counterparties,
    in_order,
    in_order_slowly,
    pro_rata,
    sharers,
)
from risk.deleverage_rules import Pools
from risk.margin import Account
from risk.units import MarketId
from tests.builders import (
    NOW,
    make_account_id,
    make_market,
    make_position,
    price,
    shares,
    usd,
)
from tests.risk.deleveraging import crowds, make_book, winner
from tests.risk.strategies import BOOKS

M0 = MarketId(0)


def ranked(*accounts: Account, is_long: bool = False) -> list[tuple[int, int]]:
    """Give (number, score) in order."""
    book = make_book(accounts, make_market(), make_market(1))
    found = counterparties(book, M0, NOW, is_long=is_long)
    line = in_order(found, RankPolicy.PROFIT_LEVERAGE)
    return [(line.at(place).account >> 96, line.at(place).score) for place in range(len(line))]


@pytest.mark.parametrize(
    ("account", "is_long", "score"),
    [
        # sold at 250, stands at 200: a fifth gained, 20,000 of notional on 10,000 of equity
        (winner(-shares(100), number=1, equity=usd(10_000)), False, Fraction(2, 5)),
        # bought at 160, stands at 200: a quarter gained, at the same leverage
        (
            winner(shares(100), number=1, entry=price(160), equity=usd(10_000)),
            True,
            Fraction(1, 2),
        ),
        # a second market doubles the notional, not the gain
        (
            winner(
                -shares(100),
                number=1,
                equity=usd(10_000),
                other=[make_position(shares(100), market=1)],
            ),
            False,
            Fraction(4, 5),
        ),
        (winner(-shares(1), number=1, equity=usd(400)), False, Fraction(1, 10)),
    ],
    ids=["short", "long", "cross margin", "low leverage"],
)
def test_the_score_is_profit_ratio_times_effective_leverage(
    account: Account, *, is_long: bool, score: Fraction
) -> None:
    ((number, found),) = ranked(account, is_long=is_long)
    assert (number, Fraction(found, SCORE_SCALE)) == (1, score)


def test_the_highest_score_comes_first_and_ties_go_to_the_lower_number() -> None:
    accounts = [
        winner(-shares(10), number=4, equity=usd(10_000)),
        winner(-shares(10), number=3, equity=usd(5_000)),
        winner(-shares(20), number=2, equity=usd(10_000)),
        winner(-shares(10), number=1, entry=price(300), equity=usd(10_000)),
    ]
    assert [number for number, _ in ranked(*accounts)] == [2, 3, 1, 4]


def test_who_may_not_be_taken_is_not_ranked() -> None:
    short = -shares(10)
    accounts = [
        winner(short, number=1),
        winner(short, number=2, entry=price(200)),
        winner(short, number=3, entry=price(150)),
        winner(short, number=4, equity=usd(49)),
        winner(short, number=5, equity=usd(50)),
        winner(shares(10), number=6, entry=price(150)),
        winner(short, number=7, other=[make_position(shares(1), market=1)]),
        winner(short, number=8),
    ]
    stale = make_market(1, price_timestamp=NOW - 61)
    book = make_book(accounts, make_market(), stale)
    found = counterparties(book, M0, NOW, is_long=False, without=[make_account_id(8)])
    assert {found.at(place).account >> 96 for place in range(len(found))} == {1, 5}


@st.composite
def lines(draw: st.DrawFn) -> Counterparties:
    """Counterparties with many ties and near ties, and large numbers."""
    numbers = draw(st.lists(st.integers(1, 40), unique=True, min_size=1, max_size=20))
    few = st.sampled_from([1, 2, 10**6, 10**6 + 1, 10**12, 10**12 + 1, 10**17, 10**17 + 1])
    accounts = [
        winner(-draw(st.sampled_from([10**8, 10**8 + 1, 10**10])), number=number)
        for number in numbers
    ]
    found = counterparties(
        make_book(accounts, make_market(), make_market(1)), M0, NOW, is_long=False
    )
    for column in (found.profit, found.cost, found.equity, found.notional, found.size):
        column[:] = [draw(few) for _ in numbers]
    return found


@pytest.mark.parametrize("policy", RankPolicy)
@BOOKS
@given(lines())
def test_the_fast_order_is_the_exact_one(policy: RankPolicy, line: Counterparties) -> None:
    values = [line.at(place) for place in range(len(line))]
    fast = in_order(line, policy)
    assert [fast.at(place) for place in range(len(fast))] == in_order_slowly(values, policy)


@BOOKS
@given(crowds())
def test_the_order_is_total_and_exact_in_whole_books(case: tuple[AccountBook, Pools]) -> None:
    book, _ = case
    for is_long in (True, False):
        found = counterparties(book, M0, NOW, is_long=is_long)
        fast = in_order(found, RankPolicy.PROFIT_LEVERAGE)
        exact = [fast.at(place) for place in range(len(fast))]
        ratios = [
            Fraction(party.profit, max(1, party.cost)) * Fraction(party.notional, party.equity)
            for party in exact
        ]
        steps = Fraction(1, SCORE_SCALE)
        assert all(high >= low - steps for high, low in pairwise(ratios))


# --- pro rata ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "total", "shares_taken"),
    [
        ([60, 30, 10], 50, [30, 15, 5]),
        ([1, 1, 1], 2, [1, 1, 0]),
        ([5, 3, 2], 1, [1, 0, 0]),
        ([7, 2, 1], 5, [4, 1, 0]),
        ([3, 3], 9, [3, 3]),
        ([], 9, []),
    ],
    ids=["even", "ties to the earlier", "one unit", "remainders", "all", "nobody"],
)
def test_shares_are_in_proportion(sizes: list[int], total: int, shares_taken: list[int]) -> None:
    assert pro_rata(sizes, total) == shares_taken


@given(st.lists(st.integers(1, 10**18), min_size=1, max_size=30), st.data())
def test_shares_add_up_to_the_unit_and_are_within_one_of_the_exact(
    sizes: list[int], data: st.DataObject
) -> None:
    total = data.draw(st.integers(0, sum(sizes)))
    parts = pro_rata(sizes, total)
    assert sum(parts) == total
    for size, part in zip(sizes, parts, strict=True):
        assert 0 <= part <= size
        assert abs(part - Fraction(size * total, sum(sizes))) < 1


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=30),
    st.integers(1, 10**7),
    st.integers(0, 10**6),
)
def test_as_many_share_as_leave_no_crumbs(sizes: list[int], total: int, smallest: int) -> None:
    sizes.sort(reverse=True)
    total = min(total, sum(sizes))
    count = sharers(sizes, total, smallest)
    assert sum(sizes[:count]) >= total
    is_forced = sum(sizes[: count - 1]) < total
    assert is_forced or total * sizes[count - 1] >= smallest * sum(sizes[:count])
    if count < len(sizes):
        assert total * sizes[count] < smallest * sum(sizes[: count + 1])
