"""Who is in need, by how much, and what a further move would ask for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from risk.account_book import AccountBook
from risk.deleverage_columns import fast_values, floor_product, slow_values
from risk.deleverage_effect import deleverage_effect
from risk.deleverage_forecast import forecast_need, forecast_needs, next_edges, stressed_pools
from risk.deleverage_need import NeededClose, WaitReason, deleverage_need
from risk.deleverage_rules import Burden, DeleverageItem, Pools, burden
from risk.margin import margin_state
from risk.units import MarketId, MarketStatus, QuoteAtoms, SizeE8, notional
from tests.builders import (
    BACKSTOP_ID,
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_position,
    price,
    shares,
    usd,
)
from tests.risk.deleveraging import bankrupt, crowds, make_book, make_pools, winner
from tests.risk.strategies import BOOKS

M0 = MarketId(0)


def test_all_is_needed_when_nobody_can_take_any() -> None:
    (close,) = deleverage_need(make_book([bankrupt()]), make_pools(), NOW).closes
    assert (close.size, close.shortfall, close.relief) == (shares(100), usd(100), usd(100))
    assert close.burden is Burden.SHORTFALL
    assert close.is_long


def test_what_the_pools_can_carry_is_left_to_them() -> None:
    """600 of 1,000 USD owed: the 40 shares left owe the other 400, with margin for 40 shares."""
    pools = make_pools(usd(300), usd(10_000))
    cap = make_market(backstop_cap=usd(8_000))
    need = deleverage_need(make_book([bankrupt(usd(1_000))], cap), pools, NOW)
    (close,) = need.closes
    assert (close.size, close.relief) == (shares(60), usd(600))
    assert close.burden is Burden.BACKSTOP_CAP
    rich = deleverage_need(make_book([bankrupt(usd(1_000))]), pools, NOW)
    assert not rich.closes
    assert [wait.reason for wait in rich.waiting] == [WaitReason.CARRIED]


def test_a_short_in_need_is_on_the_short_side() -> None:
    book = make_book([bankrupt(usd(50), -shares(10)), bankrupt(number=2), bankrupt(number=3)])
    sides = deleverage_need(book, make_pools(), NOW).sides
    assert [(side.is_long, side.account_count, side.size) for side in sides] == [
        (True, 2, shares(200)),
        (False, 1, shares(10)),
    ]
    assert [side.shortfall for side in sides] == [usd(200), usd(50)]


def test_each_is_carried_alone_but_together_they_lack_something() -> None:
    book = make_book([bankrupt(number=1), bankrupt(number=2)])
    need = deleverage_need(book, make_pools(usd(120), usd(5_000)), NOW)
    assert not need.closes
    assert (need.shortfall, need.uncovered) == (usd(200), 0)
    poor = deleverage_need(book, make_pools(usd(120), usd(30)), NOW)
    assert poor.uncovered == usd(50)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"status": MarketStatus.HALTED}, WaitReason.MARKET_CLOSED),
        ({"price_timestamp": NOW - 61}, WaitReason.STALE_PRICE),
    ],
)
def test_nothing_is_needed_where_nothing_may_be_done(
    facts: dict[str, Any], reason: WaitReason
) -> None:
    need = deleverage_need(make_book([bankrupt()], make_market(**facts)), make_pools(), NOW)
    assert not need.closes
    assert [wait.reason for wait in need.waiting] == [reason]


def test_a_backstop_in_the_middle_of_a_split_is_not_guessed_at() -> None:
    book = make_book([bankrupt()], make_market(), make_market(1, is_splitting=True))
    pools = make_pools(inventories={MarketId(1): shares(1)})
    need = deleverage_need(book, pools, NOW)
    assert [wait.reason for wait in need.waiting] == [WaitReason.BACKSTOP_SPLITTING]
    assert deleverage_need(book, make_pools(), NOW).closes


def test_the_backstop_itself_is_never_deleveraged() -> None:
    book = make_book([replace(bankrupt(), id=BACKSTOP_ID)])
    need = deleverage_need(book, make_pools(), NOW)
    assert (need.closes, need.waiting, need.shortfall) == ((), (), 0)


def test_candidates_limit_who_is_judged() -> None:
    book = make_book([bankrupt(number=1), bankrupt(number=2), winner(-shares(1), number=3)])
    asked = [make_account_id(2), make_account_id(3), make_account_id(99)]
    need = deleverage_need(book, make_pools(), NOW, candidates=asked)
    assert [close.account for close in need.closes] == [make_account_id(2)]


@BOOKS
@given(crowds())
def test_the_need_suffices_and_a_unit_less_does_not(case: tuple[AccountBook, Pools]) -> None:
    book, pools = case
    for close in deleverage_need(book, pools, NOW).closes:
        assert is_over(book, pools, close, close.size)
        market = book.markets[close.market]
        if close.size < abs(close.held) or market.min_position_notional == 0:
            assert not is_over(book, pools, close, close.size - 1)
            continue
        # All of it: then whatever would be over sooner would leave nothing but dust.
        dust = market.min_position_notional * 10**10 // market.mark + 1
        assert close.size <= dust or not is_over(book, pools, close, close.size - dust)


def is_over(book: AccountBook, pools: Pools, close: NeededClose, size: int) -> bool:
    """Say from the rules alone whether nothing more may be closed after `size`."""
    state = margin_state(book.account(close.account), book.markets, NOW)
    held = next(each for each in state.positions if each.position.market == close.market)
    market = book.markets[close.market]
    left = SizeE8(close.held - size if close.held > 0 else close.held + size)
    freed = held.maintenance_margin - market.maintenance_margin(notional(left, market.mark))
    equity = state.equity - state.equity * freed // state.maintenance_margin
    if left == 0 or equity >= 0:
        return True
    return burden(left, QuoteAtoms(equity), market, pools) is Burden.CARRIED


def test_no_dust_is_left() -> None:
    """After 99.95 of 100 shares the cap would do; 0.05 shares are worth the minimum, less are not."""
    cap = make_market(backstop_cap=usd(10))
    pools = make_pools(usd(1_000), usd(1_000))
    (close,) = deleverage_need(make_book([bankrupt()], cap), pools, NOW).closes
    assert close.size == shares("99.95")
    dusty = replace(cap, min_position_notional=QuoteAtoms(usd(10) + 1))
    (close,) = deleverage_need(make_book([bankrupt()], dusty), pools, NOW).closes
    assert close.size == shares(100)


# --- valued in columns ---------------------------------------------------------------------------


@BOOKS
@given(crowds())
def test_columns_are_equal_to_the_clear_slow_way(case: tuple[AccountBook, Pools]) -> None:
    book, _ = case
    rows = np.arange(len(book), dtype=np.int64)
    fast, slow = (each(book, book.markets, rows, NOW) for each in (fast_values, slow_values))
    for name in ("equity", "maintenance_margin", "notional", "is_priced", "unrealised"):
        assert getattr(fast, name).tolist() == getattr(slow, name).tolist()


def test_a_product_wider_than_64_bits_is_divided_exactly() -> None:
    numbers = [1, -1, 10**15 - 1, -(10**15) + 7, 10**18 - 3, 999_999_999_937]
    left = np.array(numbers, dtype=np.int64)
    for other in (10**12 + 1, -(10**12) - 11, 2, 0):
        right = np.full(len(numbers), other, dtype=np.int64)
        result = floor_product(left, right, 10**14).tolist()
        assert result == [number * other // 10**14 for number in numbers]


def test_what_is_too_wide_is_refused_and_judged_the_slow_way() -> None:
    huge = make_position(10**18, quote=0)
    book = make_book([make_account(0, [huge])], make_market(mark=10**15))
    with pytest.raises(OverflowError, match="below"):
        fast_values(book, book.markets, np.zeros(1, dtype=np.int64), NOW)
    assert not deleverage_need(book, make_pools(), NOW).closes


# --- the forecast --------------------------------------------------------------------------------


def test_a_fall_to_the_band_ruins_the_long() -> None:
    """100 shares at 200 with 900 USD: at 190 it owes 100 USD, at 210 it is richer."""
    banded = make_market(band_low=price(190), band_high=price(210))
    book = make_book([make_account(usd(900), [make_position(shares(100))])], banded)
    assert not deleverage_need(book, make_pools(), NOW).closes
    low, high = forecast_needs(book, make_pools(), NOW)
    assert (low.stressed_mark, low.account_count, low.shortfall) == (price(190), 1, usd(100))
    assert (low.sides[0].size, low.sides[0].shortfall) == (shares(100), usd(100))
    assert (high.stressed_mark, high.account_count, high.uncovered) == (price(210), 0, 0)


def test_the_backstops_inventory_moves_with_the_mark() -> None:
    """It holds 50 shares and loses 500 USD: what is left cannot carry the 100 USD any more."""
    banded = make_market(band_low=price(190), band_high=price(210))
    book = make_book([make_account(usd(900), [make_position(shares(100))])], banded)
    pools = make_pools(0, usd(1_500), initial_margin=usd(500), inventories={M0: shares(50)})
    low = forecast_need(book, pools, NOW, market=M0, mark=price(190))
    assert low.account_count == 1
    # At 210 its margin grows by 25 USD, its equity by 500.
    moved = stressed_pools(pools, book.markets, replace(banded, mark=price(210)))
    assert (moved.backstop.equity, moved.backstop.initial_margin) == (usd(2_500), usd(525))
    rich = make_pools(0, usd(1_525), initial_margin=usd(500))
    assert forecast_need(book, rich, NOW, market=M0, mark=price(190)).account_count == 0


def test_an_edge_that_is_reached_is_no_next_edge() -> None:
    assert next_edges(make_market()) == ()
    assert next_edges(make_market(band_low=price(200), band_high=price(210))) == (price(210),)
    closed = make_market(band_low=1, band_high=price(210), status=MarketStatus.HALTED)
    assert next_edges(closed) == ()


def test_items_of_the_whole_need_end_it() -> None:
    accounts = [bankrupt(usd(1_000)), winner(-shares(200), number=2)]
    book = make_book(accounts, make_market(backstop_cap=usd(8_000)))
    pools = make_pools(usd(300), usd(10_000))
    (close,) = deleverage_need(book, pools, NOW).closes
    item = DeleverageItem(
        account=close.account, market=M0, counterparty=make_account_id(2), size=close.size
    )
    held = {account.id: account for account in accounts}
    effect = deleverage_effect([item], held, book.markets, pools, NOW)
    after = make_book(list(effect.accounts.values()), *book.markets.values())
    assert not deleverage_need(after, pools, NOW).closes
