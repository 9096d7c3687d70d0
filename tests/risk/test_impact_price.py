"""Impact prices equal an average computed in fractions, and lie where an average must."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.impact_price import impact_prices
from risk.order_book import Level
from risk.units import NOTIONAL_SCALE, PriceE8, QuoteAtoms, SizeE8
from tests.builders import price, shares, usd

LADDERS = st.dictionaries(
    st.integers(10**6, 10**12), st.integers(1, 10**12), min_size=1, max_size=10
).map(lambda sizes: [(PriceE8(at), SizeE8(sizes[at])) for at in sorted(sizes)])
"""Asks, best first; reversed they are bids."""
NOTIONALS = st.integers(1, 10**13).map(QuoteAtoms)


def oracle(levels: list[Level], notional: int) -> Fraction | None:
    """Trade level by level until the money is gone; give money / shares in 1e-8 USD."""
    money, bought = Fraction(notional, 10**6), Fraction(0)
    left = money
    for at, size in levels:
        dollars, amount = Fraction(at, 10**8), Fraction(size, 10**8)
        part = min(amount, left / dollars)
        bought += part
        left -= part * dollars
        if left == 0:
            return money / bought * 10**8
    return None


def deepest(levels: list[Level]) -> QuoteAtoms:
    """Give the largest notional for which the levels suffice."""
    return QuoteAtoms(sum(at * size for at, size in levels) // NOTIONAL_SCALE)


@given(LADDERS, NOTIONALS)
def test_equals_the_fraction_rounded_against_the_trader(
    asks: list[Level], notional: QuoteAtoms
) -> None:
    bids = asks[::-1]
    found = impact_prices(bids=bids, asks=asks, notional=notional)
    sold, bought = oracle(bids, notional), oracle(asks, notional)
    assert found.bid == (None if sold is None else math.floor(sold))
    assert found.ask == (None if bought is None else math.ceil(bought))


@given(LADDERS, st.data())
def test_lies_between_the_best_and_the_worst_level(asks: list[Level], data: st.DataObject) -> None:
    most = deepest(asks)
    if most == 0:
        return
    notional = QuoteAtoms(data.draw(st.integers(1, most)))
    found = impact_prices(bids=asks[::-1], asks=asks, notional=notional)
    assert found.bid is not None
    assert found.ask is not None
    lowest, highest = asks[0][0], asks[-1][0]
    assert lowest <= found.bid <= highest
    assert lowest <= found.ask <= highest


@given(LADDERS, NOTIONALS, NOTIONALS)
def test_more_is_never_traded_at_a_better_price(
    asks: list[Level], one: QuoteAtoms, other: QuoteAtoms
) -> None:
    less, more = (
        impact_prices(bids=asks[::-1], asks=asks, notional=notional)
        for notional in sorted((one, other))
    )
    if more.ask is not None:
        assert less.ask is not None
        assert less.ask <= more.ask
    if more.bid is not None:
        assert less.bid is not None
        assert less.bid >= more.bid


@given(st.integers(1, 10**12), NOTIONALS)
def test_a_single_level_is_the_price(at: int, notional: QuoteAtoms) -> None:
    deep = [(PriceE8(at), SizeE8(10**24))]
    found = impact_prices(bids=deep, asks=deep, notional=notional)
    assert (found.bid, found.ask) == (at, at)


ASKS = [(price(100), shares(10)), (price(110), shares(10))]
BIDS = [(price(90), shares(10)), (price(80), shares(10))]


def test_named_cases_of_both_sides() -> None:
    # 1,000 at 100 and 1,100 at 110 are 20 shares for 2,100 dollars.
    found = impact_prices(bids=BIDS, asks=ASKS, notional=usd(2_100))
    assert found.ask == price(105)
    # The bids hold 1,700 dollars only.
    assert found.bid is None
    # 900 at 90 and 400 at 80 are 15 shares for 1,300 dollars: 86.666...
    assert impact_prices(bids=BIDS, asks=ASKS, notional=usd(1_300)).bid == price("86.66666666")
    # 1,000 at 100 and 300 at 110 are 12.7272... shares: 102.142857142...
    assert impact_prices(bids=BIDS, asks=ASKS, notional=usd(1_300)).ask == price("102.14285715")


def test_depth_to_the_last_atom_is_enough_and_one_more_is_not() -> None:
    assert impact_prices(bids=BIDS, asks=(), notional=usd(1_700)).bid == price(85)
    more = QuoteAtoms(usd(1_700) + 1)
    assert impact_prices(bids=BIDS, asks=(), notional=more).bid is None


def test_a_crumb_at_the_top_of_the_book_moves_nothing() -> None:
    crumb = [(price(109), SizeE8(1)), *BIDS]
    found = impact_prices(bids=crumb, asks=(), notional=usd(500))
    assert found.bid is not None
    assert price(90) <= found.bid < price("90.0001")


@pytest.mark.parametrize("notional", [0, -1])
def test_a_notional_that_is_none_is_refused(notional: int) -> None:
    with pytest.raises(ValueError, match="expected an impact notional above 0"):
        impact_prices(bids=BIDS, asks=ASKS, notional=QuoteAtoms(notional))
