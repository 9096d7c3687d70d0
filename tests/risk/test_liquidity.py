"""Depth, spreads and skew to the atom, on their boundaries, and against a slow twin."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.liquidity import (
    DISTANCES,
    LiquidityRules,
    depths,
    effective_spreads,
    measure_book,
    net_positions,
    open_interest_skew,
    quoted_spread,
)
from risk.order_book import Level, OrderBook
from risk.units import MarketId, Ppm, PriceE8, QuoteAtoms, SizeE8
from tests.builders import make_account, make_position, price, shares, usd

RULES = LiquidityRules(effective_notional=usd(1_000))
EMPTY = OrderBook()


def book(bids: Sequence[tuple[str, int]], asks: Sequence[tuple[str, int]]) -> OrderBook:
    return OrderBook(
        bids=[(price(at), shares(size)) for at, size in bids],
        asks=[(price(at), shares(size)) for at, size in asks],
    )


@pytest.mark.parametrize(
    ("at", "within"),
    [
        pytest.param("99.9", (True, True, True), id="on the edge of 10 bp"),
        pytest.param("99.89999999", (False, True, True), id="a tick beyond 10 bp"),
        pytest.param("99.75", (False, True, True), id="on the edge of 25 bp"),
        pytest.param("99.74999999", (False, False, True), id="a tick beyond 25 bp"),
        pytest.param("99.5", (False, False, True), id="on the edge of 50 bp"),
        pytest.param("99.49999999", (False, False, False), id="a tick beyond 50 bp"),
        pytest.param("100.1", (True, True, True), id="above the mark, on the edge of 10 bp"),
        pytest.param("100.10000001", (False, True, True), id="above the mark, a tick beyond"),
        pytest.param(
            "100.50000001", (False, False, False), id="beyond the mark by more than 50 bp"
        ),
    ],
)
def test_a_level_counts_up_to_the_edge_itself(at: str, within: tuple[bool, ...]) -> None:
    level = (price(at), shares(1))
    found = depths([level], mark=price(100), distances=DISTANCES)
    assert [depth > 0 for depth in found] == list(within)


def test_levels_far_above_the_mark_do_not_hide_those_near_it() -> None:
    bids = book([("101", 5), ("100", 2), ("99.6", 1), ("99", 7)], []).walk_bids()
    found = depths(bids, mark=price(100), distances=DISTANCES)
    assert found == (usd(200), usd(200), usd("299.6"))


def test_depth_is_rounded_down_once_and_not_for_each_level() -> None:
    # 3 · 1.5e-6 USD is 4.5 atoms: rounding each level down would give 3.
    levels = [(PriceE8(10**8 - place), SizeE8(150)) for place in range(3)]
    assert depths(levels, mark=PriceE8(10**8), distances=(Ppm(1_000),)) == (4,)


def test_a_side_without_levels_is_known_to_have_no_depth() -> None:
    found = measure_book(book([("99.95", 1)], []), price(100), RULES)
    assert found.ask.depth == (0, 0, 0)
    assert found.bid.depth == (usd("99.95"),) * 3
    assert found.quoted_spread is None
    assert found.bid.effective_spread is found.ask.effective_spread is None


def test_without_a_mark_depth_is_unknown_and_spreads_are_not() -> None:
    found = measure_book(book([("99", 100)], [("101", 100)]), None, RULES)
    assert found.bid.depth is found.ask.depth is None
    assert found.quoted_spread == 20_000
    assert (found.bid.effective_spread, found.ask.effective_spread) == (20_000, 20_000)


@pytest.mark.parametrize(
    ("bid", "ask", "spread"),
    [
        ("99.5", "100.5", 10_000),
        ("100", "100.00000001", 1),
        ("3", "4", 285_715),
        ("101", "101", None),
        ("102", "101", None),
    ],
)
def test_the_quoted_spread_is_of_the_middle_and_rounds_up(
    bid: str, ask: str, spread: int | None
) -> None:
    assert quoted_spread(book([(bid, 1)], [(ask, 1)])) == spread


def test_the_effective_spread_is_twice_the_distance_of_the_average_fill() -> None:
    # Sold: 5 at 100 and 5 at 98 bring 990, 99 on average, 2 % below the middle of 101.
    deep = book([("100", 5), ("98", 100)], [("102", 100)])
    sold, bought = effective_spreads(deep, usd(990))
    assert sold == ceil(Fraction(2 * 2, 101) * 10**6)
    assert bought == ceil(Fraction(2 * 1, 101) * 10**6)


def test_a_side_too_thin_for_the_notional_has_no_effective_spread() -> None:
    thin = book([("100", 5)], [("102", 100)])
    assert effective_spreads(thin, QuoteAtoms(usd(500) + 1))[0] is None
    assert effective_spreads(thin, usd(500))[0] is not None


@pytest.mark.parametrize(
    ("net", "interest", "skew"),
    [
        pytest.param(-30, 100, 300_000, id="makers short, others long"),
        pytest.param(30, 100, -300_000, id="makers long, others short"),
        pytest.param(0, 100, 0, id="flat makers"),
        pytest.param(-1, 3, 333_334, id="rounded away from 0"),
        pytest.param(1, 3, -333_334, id="rounded away from 0, negative"),
        pytest.param(-100, 100, 1_000_000, id="makers are one side alone"),
        pytest.param(0, 0, None, id="no open interest"),
    ],
)
def test_skew_is_how_others_lean_against_the_makers(
    net: int, interest: int, skew: int | None
) -> None:
    assert open_interest_skew(SizeE8(net), SizeE8(interest)) == skew


def test_net_positions_add_up_the_accounts_market_by_market() -> None:
    one = make_account(usd(1), [make_position(shares(5)), make_position(shares(2), market=1)])
    other = make_account(usd(1), [make_position(shares(-7))], number=2)
    assert net_positions([one, other]) == {MarketId(0): shares(-2), MarketId(1): shares(2)}


@pytest.mark.parametrize(
    "facts",
    [
        {"distances": ()},
        {"distances": (Ppm(0), Ppm(5))},
        {"distances": (Ppm(5), Ppm(5))},
        {"effective_notional": usd(0)},
    ],
)
def test_refuses_rules_that_measure_nothing(facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        LiquidityRules(**{"effective_notional": usd(1), **facts})  # type: ignore[arg-type]


# --- against a slow twin --------------------------------------------------------------------------

MARKS = st.integers(1, 10**13)
SIZES = st.integers(1, 10**15)


@st.composite
def _levels_about(draw: st.DrawFn) -> tuple[PriceE8, list[Level], bool]:
    mark = draw(MARKS)
    reach = max(1, mark // 100)
    offsets = draw(st.lists(st.integers(-reach, reach), unique=True, max_size=30))
    is_bid = draw(st.booleans())
    prices = sorted((mark + each for each in offsets if mark + each > 0), reverse=is_bid)
    return PriceE8(mark), [(PriceE8(at), SizeE8(draw(SIZES))) for at in prices], is_bid


@given(_levels_about(), st.lists(st.integers(1, 12_000), min_size=1, max_size=4, unique=True))
def test_depth_is_what_a_slow_sum_of_fractions_says(
    found: tuple[PriceE8, list[Level], bool], distances: list[int]
) -> None:
    mark, levels, _ = found
    wanted = tuple(Ppm(each) for each in sorted(distances))
    expected = [
        floor(
            sum(
                Fraction(at * size, 10**10)
                for at, size in levels
                if abs(Fraction(at, mark) - 1) <= Fraction(distance, 10**6)
            )
        )
        for distance in wanted
    ]
    assert list(depths(levels, mark=mark, distances=wanted)) == expected


@given(st.integers(1, 10**12), st.integers(1, 10**9), SIZES, st.integers(1, 10**12))
def test_an_effective_spread_is_never_below_the_quoted_one(
    bid: int, width: int, size: int, notional: int
) -> None:
    held = OrderBook(
        bids=[(PriceE8(bid), SizeE8(size))], asks=[(PriceE8(bid + width), SizeE8(size))]
    )
    quoted = quoted_spread(held)
    assert quoted is not None
    for effective in effective_spreads(held, QuoteAtoms(notional)):
        assert effective is None or effective >= quoted
