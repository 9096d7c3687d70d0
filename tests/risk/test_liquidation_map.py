"""The heat map: every dollar stands in one cell, and nobody is liquidated nearer than the map says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.columns import columns_of
from risk.liquidation_map import LiquidationMap, LiquidationSurvey
from risk.margin import Account, margin_state
from risk.market import Market
from risk.units import MarketId, Ppm, PriceE8, notional
from tests.builders import (
    BACKSTOP_ID,
    NOW,
    make_account,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)

EDGES = (Ppm(10_000), Ppm(20_000), Ppm(50_000), Ppm(100_000), Ppm(200_000))
LOWER = (0, 0, *EDGES)
"""Of each bucket, in ppm."""
TWO = (make_market(0), make_market(1, mark=price(50)))


def surveyed(accounts: list[Account], *markets: Market) -> LiquidationMap:
    book = AccountBook(make_markets(*markets))
    book.load([columns_of(accounts)])
    survey = LiquidationSurvey(book, edges=EDGES, without=BACKSTOP_ID)
    while survey.advance(NOW):
        pass
    return survey.result(NOW)


def test_a_long_stands_in_the_bucket_of_the_fall_that_uses_up_its_slack() -> None:
    # 1 share of 200 USD at 25 000 ppm: 5 USD of margin; slack 4 USD is 4 / (200 · 0.975) = 2.05 %.
    found = surveyed([make_account(usd(9), [make_position(shares(1))])], *TWO)
    assert found.longs[MarketId(0)] == (0, 0, 0, usd(200), 0, 0, 0)
    assert found.shorts[MarketId(0)] == (0,) * 7
    assert found.longs[MarketId(1)] == (0,) * 7


def test_an_account_under_margin_stands_at_no_distance() -> None:
    found = surveyed([make_account(usd("4.9"), [make_position(shares(-1))])], *TWO)
    assert found.shorts[MarketId(0)] == (usd(200), 0, 0, 0, 0, 0, 0)


def test_the_backstop_is_left_out() -> None:
    backstop = replace(make_account(usd(9), [make_position(shares(1))]), id=BACKSTOP_ID)
    found = surveyed([backstop, make_account(usd(900), [make_position(shares(2))])], *TWO)
    assert sum(found.longs[MarketId(0)]) == usd(400)


@st.composite
def books(draw: st.DrawFn) -> list[Account]:
    held = st.integers(-20, 20).filter(bool)
    accounts = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        sizes = draw(st.lists(held, min_size=1, max_size=2))
        positions = [
            make_position(shares(size), market=market, entry=TWO[market].mark)
            for market, size in enumerate(sizes)
        ]
        accounts.append(make_account(usd(draw(st.integers(1, 900))), positions, number=number))
    return accounts


@given(books())
def test_all_notional_is_in_the_map_once(accounts: list[Account]) -> None:
    found = surveyed(accounts, *TWO)
    for market in TWO:
        held = [
            notional(position.size, market.mark)
            for account in accounts
            for position in account.positions
            if position.market == market.id
        ]
        told = sum(found.longs[market.id]) + sum(found.shorts[market.id])
        assert told == pytest.approx(sum(held), abs=7)


@given(books(), st.sampled_from([0, 1]))
def test_nobody_falls_under_margin_before_the_near_edge_of_his_bucket(
    accounts: list[Account], moved: int
) -> None:
    for account in accounts:
        found = surveyed([account], *TWO)
        for side, rows in ((-1, found.longs), (1, found.shorts)):
            for bucket, cell in enumerate(rows[MarketId(moved)]):
                if cell and bucket:
                    market = TWO[moved]
                    at = PriceE8(market.mark + side * (market.mark * LOWER[bucket] // 10**6))
                    markets = make_markets(*TWO) | {market.id: replace(market, mark=at)}
                    assert not margin_state(account, markets, NOW).is_liquidatable
