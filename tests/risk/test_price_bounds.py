"""Liquidation and bankruptcy prices, proved by judging at them and one tick before."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin import Account, MarginState, margin_state
from risk.market import Market
from risk.price_bounds import (
    HIGHEST_MARK,
    Direction,
    PriceBound,
    Reach,
    bankruptcy_bound,
    liquidation_bound,
)
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


def bounds(account: Account, *markets: Market, at: int = 0) -> tuple[PriceBound, PriceBound]:
    around = make_markets(*markets)
    state = margin_state(account, around, NOW)
    held = state.positions[at]
    market = around[held.position.market]
    return liquidation_bound(state, held, market, NOW), bankruptcy_bound(state, held, market, NOW)


def test_a_long_falls_to_its_prices() -> None:
    """100 of 2 000 USD: bankrupt below 190; liquidatable below 194.8717948…, to the atom."""
    liquidation, bankruptcy = bounds(make_account(usd(100), [make_position(shares(10))]))
    assert liquidation.direction is bankruptcy.direction is Direction.FALLING
    assert bankruptcy.mark == price(190) - 1
    assert liquidation.mark == price("194.87179489")


def test_a_short_rises_to_its_prices() -> None:
    """100 of 2 000 USD: bankrupt above 210; liquidatable above 204.8780487…, to the atom."""
    liquidation, bankruptcy = bounds(make_account(usd(100), [make_position(shares(-10))]))
    assert liquidation.direction is bankruptcy.direction is Direction.RISING
    assert bankruptcy.mark == price(210) + 1
    assert liquidation.mark == price("204.87804871")


def test_a_long_that_is_paid_for_is_never_liquidated() -> None:
    liquidation, bankruptcy = bounds(make_account(usd(3_000), [make_position(shares(10))]))
    assert (liquidation.reach, bankruptcy.reach) == (Reach.NEVER, Reach.NEVER)
    assert (liquidation.mark, bankruptcy.mark) == (None, None)


def test_a_tiny_short_against_great_wealth_is_never_liquidated() -> None:
    account = make_account(usd(10**9), [make_position(-1)])
    assert bounds(account)[0].reach is Reach.NEVER


@pytest.mark.parametrize("size", [1, -1])
def test_an_account_ruined_by_another_market_is_liquidatable_at_every_price(size: int) -> None:
    account = make_account(-usd(10**9), [make_position(size), make_position(1, market=1)])
    liquidation, bankruptcy = bounds(account, make_market(), make_market(1))
    assert (liquidation.reach, bankruptcy.reach) == (Reach.ALWAYS, Reach.ALWAYS)


def first_bad(
    bound: PriceBound, account: Account, around: dict[int, Market], market: int
) -> Callable[[int], MarginState]:
    def at(mark: int) -> MarginState:
        moved = {**around, market: replace(around[market], mark=mark)}
        return margin_state(account, moved, NOW)  # type: ignore[arg-type]

    assert bound.reach is Reach.AT or bound.mark is None
    return at


@BOOKS
@given(st.data())
def test_the_liquidation_price_is_the_first_at_which_it_is_liquidatable(
    data: st.DataObject,
) -> None:
    around = data.draw(terms())
    account = data.draw(accounts(around, lowest=-3_000, highest=5_000))
    held = data.draw(st.sampled_from(account.positions))
    state = margin_state(account, around.markets, NOW)
    valued = next(each for each in state.positions if each.position is held)
    bound = liquidation_bound(state, valued, around.markets[held.market], NOW)
    at = first_bad(bound, account, dict(around.markets), held.market)  # type: ignore[arg-type]
    if bound.mark is None:
        assert at(1).is_liquidatable == (bound.reach is Reach.ALWAYS)
        assert at(HIGHEST_MARK).is_liquidatable == (bound.reach is Reach.ALWAYS)
        return
    back = 1 if held.size > 0 else -1
    assert at(bound.mark).is_liquidatable
    assert not at(bound.mark + back).is_liquidatable
    further = data.draw(st.integers(2, 10**6) | st.integers(2, 10**14))
    assert not at(max(1, bound.mark + back * further)).is_liquidatable or bound.mark == 1


@BOOKS
@given(st.data())
def test_the_bankruptcy_price_is_the_first_at_which_it_is_bankrupt(data: st.DataObject) -> None:
    around = data.draw(terms())
    account = data.draw(accounts(around, lowest=-3_000, highest=5_000))
    held = data.draw(st.sampled_from(account.positions))
    state = margin_state(account, around.markets, NOW)
    valued = next(each for each in state.positions if each.position is held)
    bound = bankruptcy_bound(state, valued, around.markets[held.market], NOW)
    at = first_bad(bound, account, dict(around.markets), held.market)  # type: ignore[arg-type]
    if bound.mark is None:
        assert at(1).is_bankrupt == at(HIGHEST_MARK).is_bankrupt == (bound.reach is Reach.ALWAYS)
        return
    assert at(bound.mark).is_bankrupt
    assert not at(bound.mark + (1 if held.size > 0 else -1)).is_bankrupt


def test_a_healthy_mark_between_two_liquidatable_ones_does_not_hide_the_higher() -> None:
    """At 5 000 000 USD slack is exactly 0; a tick above it the margin is rounded up an atom."""
    market = make_market(tiers=make_market().tiers[:1])
    account = make_account(0, [make_position(shares(1), quote=usd(125_000) - usd(5_000_000))])
    liquidation, _ = bounds(account, market)
    assert liquidation.mark == price(5_000_000) + 99
    slacks = [
        margin_state(account, make_markets(replace(market, mark=mark)), NOW).slack
        for mark in (price(5_000_000) + tick for tick in (-1, 0, 1, 99, 100))
    ]
    assert slacks == [-1, 0, -1, -1, 0]


@BOOKS
@given(st.integers(1, 300), st.integers(-50, 50), st.sampled_from([10**7, 10**8, 3 * 10**9]))
def test_no_mark_between_is_liquidatable_even_among_the_teeth_of_rounding(
    size: int, cash: int, scale: int
) -> None:
    """Sizes at which an atom spans several ticks, or a tick several atoms: every mark is tried."""
    market = make_market(mark=600, tiers=make_market().tiers[:1])
    held = make_position(size * scale, quote=-(size * scale * 300) // 10**10 - 3)
    account = make_account(cash, [held])
    liquidation, _ = bounds(account, market)
    bad = [
        mark
        for mark in range(1, 450)
        if margin_state(account, make_markets(replace(market, mark=mark)), NOW).is_liquidatable
    ]
    if bad and max(bad) < 449:
        assert liquidation.mark == max(bad)
