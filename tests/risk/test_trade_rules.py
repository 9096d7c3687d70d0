"""What the exchange makes of a trade; parity with the contract is in tests/parity."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.exchange_reverts import Revert
from risk.margin import Account
from risk.market import Market
from risk.trade_rules import Trade, TradeEffect, TradeParty, fee_of, settle_trade
from risk.units import MarketId, MarketStatus, Ppm, PriceE8, QuoteAtoms, SizeE8
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_position,
    price,
    shares,
    usd,
)

TAKER, MAKER = make_account_id(1), make_account_id(2)


def party(account: Account, market: Market, *, is_open: bool = True) -> TradeParty:
    return TradeParty(account=account, markets={market.id: market}, is_open=is_open, is_free=False)


def settle(
    size: int,
    at: int = price(200),
    *,
    market: Market | None = None,
    taker: Account | None = None,
    maker: Account | None = None,
) -> TradeEffect | Revert:
    held = market or make_market()
    trade = Trade(
        taker=TAKER, maker=MAKER, market=MarketId(0), size=SizeE8(size), price=PriceE8(at)
    )
    one = taker or make_account(usd(1_000), number=1)
    other = maker or make_account(usd(1_000), number=2)
    return settle_trade(trade, party(one, held), party(other, held), held, NOW)


def test_both_sides_are_filled_at_one_price_and_pay_their_fees() -> None:
    effect = settle(shares(10))
    assert isinstance(effect, TradeEffect)
    assert effect.taker.positions[0].quote == -usd(2_000)
    assert effect.maker.positions[0].quote == usd(2_000)
    assert (effect.taker_fee, effect.maker_fee, effect.fees) == (usd(1), -usd("0.2"), usd("0.8"))
    assert effect.taker.collateral == usd(999)
    assert effect.open_interest_change == shares(10)


@given(st.integers(1, 10**12), st.integers(-1_000, 1_000))
def test_a_fee_rounds_against_the_trader(exposure: int, fee: int) -> None:
    paid = fee_of(QuoteAtoms(exposure), Ppm(fee))
    assert 0 <= paid * 10**6 - exposure * fee < 10**6


def test_a_position_may_be_opened_up_to_the_initial_margin_and_no_further() -> None:
    # 5 % of 200 USD is 10 USD a share, and the fee is 10 cents a share.
    assert isinstance(settle(shares(99)), TradeEffect)
    assert settle(shares(100)) is Revert.BELOW_INITIAL_MARGIN


def test_at_the_margin_to_the_atom_is_enough() -> None:
    exact = make_account(usd("10.1"), number=1)
    assert isinstance(settle(shares(1), taker=exact), TradeEffect)
    less = make_account(QuoteAtoms(usd("10.1") - 1), number=1)
    assert settle(shares(1), taker=less) is Revert.BELOW_INITIAL_MARGIN


@pytest.mark.parametrize(
    ("facts", "at", "why"),
    [
        ({"status": MarketStatus.HALTED}, price(200), Revert.MARKET_CLOSED),
        ({"status": MarketStatus.REDUCE_ONLY}, price(200), Revert.REDUCE_ONLY),
        ({"is_splitting": True}, price(200), Revert.SPLIT_IN_PROGRESS),
        ({"band_low": price(190), "band_high": price(199)}, price(200), Revert.OUTSIDE_BAND),
        ({"price_timestamp": NOW - 61}, price(200), Revert.REDUCE_ONLY),
        ({"open_interest_cap": usd(1_999)}, price(200), Revert.OPEN_INTEREST_CAP),
        ({}, 0, Revert.BAD_PRICE),
    ],
)
def test_a_market_refuses_in_the_contracts_words(
    facts: dict[str, Any], at: int, why: Revert
) -> None:
    assert settle(shares(10), at, market=make_market(**facts)) is why


def test_on_a_stale_price_both_sides_may_still_reduce() -> None:
    stale = make_market(price_timestamp=NOW - 61)
    longs = make_account(usd(500), [make_position(shares(10))], number=1)
    shorts = make_account(usd(500), [make_position(shares(-10))], number=2)
    assert isinstance(settle(shares(-4), market=stale, taker=longs, maker=shorts), TradeEffect)
    assert settle(shares(-11), market=stale, taker=longs, maker=shorts) is Revert.REDUCE_ONLY


def test_the_bankrupt_may_reduce_only_at_a_price_that_makes_nothing_worse() -> None:
    broke = make_account(usd(-50), [make_position(shares(10))], number=1)
    shorts = make_account(usd(900), [make_position(shares(-10))], number=2)
    assert settle(shares(-5), price(199), taker=broke, maker=shorts) is Revert.WORSE_MARGIN
    assert isinstance(settle(shares(-5), price(206), taker=broke, maker=shorts), TradeEffect)


def test_an_account_that_was_never_opened_is_unknown() -> None:
    market = make_market()
    trade = Trade(taker=TAKER, maker=MAKER, market=MarketId(0), size=shares(1), price=price(200))
    nobody = party(Account(id=TAKER, collateral=usd(0)), market, is_open=False)
    rich = party(make_account(usd(1_000), number=2), market)
    assert settle_trade(trade, nobody, rich, market, NOW) is Revert.UNKNOWN_ACCOUNT
    assert settle_trade(replace(trade, maker=TAKER), nobody, rich, market, NOW) is Revert.SELF_TRADE
    assert settle_trade(trade, nobody, rich, None, NOW) is Revert.UNKNOWN_MARKET
