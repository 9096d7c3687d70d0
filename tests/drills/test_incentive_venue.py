"""The venue in memory: money to the atom, writes as the exchange takes them, nothing to be milked."""

from dataclasses import replace
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.incentives.policy import Arm, Policy
from drills.incentives.setting import STEP, Setting, load_setting
from drills.incentives.venue import IncentiveVenue, RefusedWriteError
from drills.matching_engine import Side
from risk.guard_rails import Parameter
from risk.liquidity import measure_book
from risk.units import PPM_SCALE, AccountId, Ppm, PriceE8, QuoteAtoms, Seconds, SizeE8

SETTING: Final = load_setting("NVDA")
SHARE: Final = 10**8
ONE, OTHER = AccountId(1), AccountId(2)


def venue(setting: Setting = SETTING, **market: object) -> IncentiveVenue:
    return IncentiveVenue(
        replace(setting.market, **market), setting.limits, now=Seconds(setting.start)
    )


def cross(at: IncentiveVenue, size: int, price: int | None = None) -> None:
    """Let ONE rest and OTHER take all of it."""
    asked = PriceE8(at.market.mark if price is None else price)
    placed = at.engine.limit(ONE, Side.SELL, asked, SizeE8(size))
    at.take(OTHER, Side.BUY, asked, SizeE8(size))
    at.engine.cancel(placed.order)


def total_cash(at: IncentiveVenue) -> int:
    return sum(each.cash for each in at.holdings.values())


@given(
    st.lists(st.tuples(st.integers(1, 10**12), st.integers(10**8, 10**11)), max_size=8),
    st.integers(0, 2_000),
    st.data(),
)
def test_two_accounts_of_one_owner_never_gain_by_trading_with_each_other(
    trades: list[tuple[int, int]], taker: int, data: st.DataObject
) -> None:
    maker = data.draw(st.integers(-taker, 500))
    at = venue(taker_fee=Ppm(taker), maker_fee=Ppm(maker), open_interest_cap=QuoteAtoms(10**30))
    for size, price in trades:
        cross(at, size, price)
    assert total_cash(at) <= 0
    assert total_cash(at) == -at.totals.taker_fees - at.totals.maker_fees
    assert at.holdings[ONE].size == -at.holdings[OTHER].size


def test_a_rebate_is_paid_and_a_fee_charged_as_the_exchange_rounds_them() -> None:
    at = venue(taker_fee=Ppm(501), maker_fee=Ppm(-101))
    cross(at, 3, 17_825_000_001)
    assert at.totals.volume == 6
    assert (at.totals.taker_fees, at.totals.maker_fees, at.totals.rebates) == (1, 0, 0)
    cross(at, SHARE, 17_825_000_001)
    assert at.totals.rebates == 178_250_001 * 101 // PPM_SCALE
    (first, second) = at.drain()
    assert first.maker_fee == 0
    assert second.maker_fee == -at.totals.rebates
    assert at.drain() == []


def test_funding_passes_between_traders_and_only_rounding_stays() -> None:
    at = venue(funding_rate=300_000)
    cross(at, 7 * SHARE)
    before = total_cash(at)
    at.now = Seconds(at.now + 7_200)
    at.settle_funding()
    paid = 7 * at.market.mark // 100 * 2 * 300_000 // 10**9
    assert at.totals.funding_pool + total_cash(at) == before
    assert 0 <= at.totals.funding_pool <= 2
    assert (
        abs(-at.holdings[OTHER].cash - at.totals.taker_fees - 7 * at.market.mark // 100 - paid) <= 2
    )


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        pytest.param(Parameter.MAKER_FEE, -251, "outside limits", id="the owner's minimum"),
        pytest.param(Parameter.INITIAL_MARGIN, 75_001, "step too large", id="step"),
        pytest.param(Parameter.BAND, 10_000, "may not write", id="another duty's"),
        pytest.param(Parameter.TAKER_FEE, 249, "step too large", id="taker's step"),
    ],
)
def test_the_venue_refuses_what_the_exchange_would(
    parameter: Parameter, value: int, said: str
) -> None:
    with pytest.raises(RefusedWriteError, match=said):
        venue().set_parameter(parameter, value)


def test_a_second_write_waits_for_the_cool_down_and_fees_never_cross_zero() -> None:
    at = venue(taker_fee=Ppm(250))
    at.set_parameter(Parameter.MAKER_FEE, -200)
    with pytest.raises(RefusedWriteError, match="cooling down"):
        at.set_parameter(Parameter.MAKER_FEE, -210)
    with pytest.raises(RefusedWriteError, match="TAKER_FEE"):
        at.set_parameter(Parameter.TAKER_FEE, 199)
    at.now = Seconds(at.now + 300)
    at.set_parameter(Parameter.MAKER_FEE, -250)
    assert at.market.maker_fee == -250


def test_no_order_grows_the_open_interest_beyond_the_cap() -> None:
    at = venue(open_interest_cap=QuoteAtoms(1_000 * 10**6))
    cross(at, 6 * SHARE)
    assert at.open_interest == 0
    cross(at, 5 * SHARE)
    assert at.open_interest == 5 * SHARE
    # What shrinks it is taken even at the cap.
    at.engine.limit(ONE, Side.BUY, at.market.mark, SizeE8(2 * SHARE))
    at.take(OTHER, Side.SELL, at.market.mark, SizeE8(2 * SHARE))
    assert at.open_interest == 3 * SHARE


@pytest.mark.parametrize("budget_usd", [0, 500, 5_000])
def test_who_trades_with_himself_as_fast_as_the_reserve_allows_cannot_overspend_the_budget(
    budget_usd: int,
) -> None:
    """A fool, since each trade costs him more than it brings; but the budget must not depend on wits."""
    setting = load_setting("NVDA", budget_usd=budget_usd)
    budget = setting.policy.market.budget
    at = venue(setting, open_interest_cap=QuoteAtoms(10**18))
    policy = Policy(arm=Arm.KEEPER, terms=setting.policy)
    shares = budget.largest_notional_per_second * STEP * 100 // at.market.mark * 10**6
    rebates = set()
    random = Random(budget_usd)
    # The last hour of the session, the close, and four hours of the weekend.
    for now in range(setting.start + 4 * 3_600, setting.start + 9 * 3_600, STEP):
        at.now = Seconds(now)
        cross(at, shares)
        at.engine.limit(ONE, Side.BUY, at.market.mark, SizeE8(shares))
        if random.random() < 0.5:
            at.take(OTHER, Side.SELL, at.market.mark, SizeE8(shares))
        liquidity = measure_book(at.book, at.market.mark, setting.liquidity)
        policy.look(at, liquidity, skew=None)
        rebates.add(at.market.maker_fee)
        assert policy.spent <= setting.weekly_budget
    if budget_usd == 0:
        assert rebates == {-100}
