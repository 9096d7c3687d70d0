"""The least close is found near a guess as it is by bisection of everything."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.account_book import AccountBook
from risk.deleverage_need import deleverage_need
from risk.deleverage_rules import Burden, Pools, burden, position_of, relief_of
from risk.deleverage_size import (
    first_true,
    first_true_near,
    needed_size,
    needed_size_slowly,
)
from risk.margin import MarginState, PositionState, margin_state
from risk.market import Market
from risk.units import QuoteAtoms, SizeE8
from tests.builders import NOW, make_market, shares, usd
from tests.risk.deleveraging import bankrupt, crowds, make_book, make_pools

SHORTFALL, CAP, MARGIN = Burden.SHORTFALL, Burden.BACKSTOP_CAP, Burden.BACKSTOP_MARGIN


@given(
    st.integers(1, 10**12),
    st.integers(1, 10**12),
    st.integers(-(10**12), 10**13),
    st.integers(1, 10**9),
)
def test_any_guess_and_step_find_the_same(last: int, edge: int, guess: int, step: int) -> None:
    edge = min(edge, last)
    assert first_true_near(guess, step, last, lambda size: size >= edge) == edge
    assert first_true(0, last, lambda size: size >= edge) == edge


@given(crowds())
def test_what_is_found_suffices_and_one_unit_less_does_not(
    found: tuple[AccountBook, Pools],
) -> None:
    book, pools = found
    for close in deleverage_need(book, pools, NOW).closes:
        state = margin_state(book.account(close.account), book.markets, NOW)
        held, market = position_of(state, close.market), book.markets[close.market]
        assert held is not None
        slow = needed_size_slowly(state, held, market, pools)
        assert close.size == needed_size(state, held, market, pools)
        if close.size == slow:
            continue
        # Rounding may leave more than one edge: each search finds one of them.
        assert suffices(state, held, market, pools, close.size)
        assert not suffices(state, held, market, pools, close.size - 1)


def suffices(
    state: MarginState, held: PositionState, market: Market, pools: Pools, close: int
) -> bool:
    size = held.position.size
    left = SizeE8(size - close if size > 0 else size + close)
    equity = QuoteAtoms(state.equity + relief_of(state, held, market, close))
    return equity >= 0 or burden(left, equity, market, pools) is Burden.CARRIED


@pytest.mark.parametrize(
    ("pools", "facts", "why"),
    [
        pytest.param(make_pools(usd(70), usd(20)), {}, SHORTFALL, id="money"),
        pytest.param(make_pools(usd(100), usd(123)), {}, MARGIN, id="margin"),
        pytest.param(make_pools(usd(500), usd(10**6)), {"backstop_cap": usd(7_777)}, CAP, id="cap"),
    ],
)
def test_a_good_guess_asks_a_few_questions_only(
    pools: Pools, facts: dict[str, int], why: Burden, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = make_market(min_position_notional=0, **facts)
    book = make_book([bankrupt(usd(100), shares(100))], market)
    (close,) = deleverage_need(book, pools, NOW).closes
    assert close.burden is why
    state = margin_state(book.account(close.account), book.markets, NOW)
    held = position_of(state, close.market)
    assert held is not None
    asked: Counter[str] = Counter()

    def counted(*arguments: Any) -> Burden:
        asked["burden"] += 1
        return burden(*arguments)

    monkeypatch.setattr("risk.deleverage_size.burden", counted)
    assert needed_size(state, held, market, pools) == close.size
    quick = asked.total()
    assert needed_size_slowly(state, held, market, pools) == close.size
    assert quick * 2 < asked.total() - quick
