"""What rebates cost is counted to the atom, paced over the off hours, and held against the chain."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.incentive_budget import (
    BudgetWeek,
    OffHours,
    SettledTrade,
    Spending,
    allowance,
    count_trades,
    pace_share,
    reconcile,
    trade_cost,
)
from risk.units import PPM_SCALE, MarketId, Ppm, QuoteAtoms, Seconds
from tests.builders import price, shares, usd
from tests.risk.incentive_world import trade, week

FEES = {MarketId(0): Ppm(-50), MarketId(1): Ppm(100)}
NOTHING = Spending(week=week(), by_market={})


@pytest.mark.parametrize(
    ("charged", "weekday", "cost"),
    [
        (-150, -50, 100),
        (-50, -50, 0),
        (-20, -50, 0),
        (200, -50, 0),
        # A fee that is only lower than usual is income forgone, and spends nothing.
        (0, 100, 0),
        (-30, 100, 30),
    ],
)
def test_what_counts_is_what_was_paid_beyond_the_weekdays_rebate(
    charged: int, weekday: int, cost: int
) -> None:
    assert trade_cost(trade(1, usd(1), charged), Ppm(weekday)) == cost


def test_a_trade_is_priced_as_the_exchange_prices_it() -> None:
    """3.5 shares at 201.37 USD are 704.795 USD; 150 ppm of it, rounded down, are 105,719 atoms."""
    settled = SettledTrade(
        block=1,
        log_index=0,
        time=Seconds(0),
        market=MarketId(0),
        size=shares("-3.5"),
        price=price("201.37"),
        maker_fee=QuoteAtoms(-105_719),
    )
    assert trade_cost(settled, Ppm(-50)) == 105_719 - 35_239


@given(
    exposure=st.integers(1, usd(10_000_000)),
    fee=st.integers(-1_000, 1_000),
    weekday=st.integers(-1_000, 1_000),
)
def test_a_trade_rounds_away_less_than_an_atom(exposure: int, fee: int, weekday: int) -> None:
    cost = trade_cost(trade(1, exposure, fee), Ppm(weekday))
    exact = exposure * max(0, max(0, -fee) - max(0, -weekday))
    assert abs(cost * PPM_SCALE - exact) < PPM_SCALE


def test_trades_are_counted_once_and_in_their_week_only() -> None:
    trades = [
        trade(1, usd(100), -150, time=0),
        trade(1, usd(100), -150, time=0, log_index=1),
        trade(2, usd(200), -10, time=5, market=1),
        trade(3, usd(100), -150, time=999),
        trade(4, usd(100), -150, time=1_000),
        trade(5, usd(100), -150, time=5, market=7),
    ]
    counted = count_trades(NOTHING, trades, FEES)
    assert counted.by_market == {0: 30_000, 1: 2_000}
    assert (counted.total, counted.of(MarketId(7))) == (32_000, 0)
    assert count_trades(counted, trades, FEES) == counted
    halves = count_trades(count_trades(NOTHING, trades[:3], FEES), trades[1:], FEES)
    assert halves == counted


def test_books_that_agree_have_no_mismatch_and_one_atom_is_told() -> None:
    trades = [trade(number, usd(100), -150) for number in range(10)]
    counted = count_trades(NOTHING, trades, FEES)
    assert reconcile(counted, reversed(trades), FEES) is None
    off = replace(counted, by_market={MarketId(0): QuoteAtoms(counted.total + 1)})
    mismatch = reconcile(off, trades, FEES)
    assert mismatch is not None
    assert mismatch.markets == {0: (100_001, 100_000)}
    assert "market 0: counted 0.100001 USD, the chain says 0.10 USD" in mismatch.why


def test_a_trade_that_was_missed_is_found() -> None:
    trades = [trade(number, usd(100), -150, market=number % 2) for number in range(6)]
    counted = count_trades(NOTHING, trades[:2] + trades[3:], FEES)
    mismatch = reconcile(counted, trades, FEES)
    assert mismatch is not None
    assert set(mismatch.markets) == {0}


def test_the_chain_may_be_ahead_of_the_count() -> None:
    trades = [trade(number, usd(100), -150) for number in range(6)]
    assert reconcile(count_trades(NOTHING, trades[:4], FEES), trades, FEES) is None


def test_the_allowance_grows_over_off_hours_only() -> None:
    off = week((100, 300), (600, 800))
    seen = [
        allowance(usd(1_000), off, Seconds(now), tolerance=Ppm(100_000))
        for now in (0, 100, 200, 300, 500, 700, 800, 1_000)
    ]
    assert seen == [usd(each) for each in (100, 100, 350, 600, 600, 850, 1_000, 1_000)]


def test_a_week_without_off_hours_allows_nothing() -> None:
    on = BudgetWeek(start=Seconds(0), end=Seconds(10), off_hours=())
    assert allowance(usd(1_000), on, Seconds(5), tolerance=Ppm(100_000)) == 0


@pytest.mark.parametrize(
    ("spent", "share"),
    [
        (0, 1_000_000),
        (500, 1_000_000),
        (550, 500_000),
        (599, 10_000),
        (600, 0),
        (1_000, 0),
    ],
)
def test_the_pace_takes_rebates_back_in_proportion(spent: int, share: int) -> None:
    """Half the week is over and a tenth of tolerance given: from 500 to 600 USD it sinks to nothing."""
    left = pace_share(usd(1_000), usd(spent), week(), Seconds(500), tolerance=Ppm(100_000))
    assert left == share


@given(rate=st.integers(1, 40_000), tolerance=st.integers(10_000, 500_000))
def test_at_a_steady_flow_the_money_lasts_until_the_end(rate: int, tolerance: int) -> None:
    """A rebate that follows the pace has spent no more than it, and nearly all when flow is ample."""
    budget, spent, whole = 1_000_000, 0, week()
    for now in range(1_000):
        share = pace_share(
            QuoteAtoms(budget), QuoteAtoms(spent), whole, Seconds(now), tolerance=Ppm(tolerance)
        )
        spent += rate * share // PPM_SCALE
        free = allowance(QuoteAtoms(budget), whole, Seconds(now), tolerance=Ppm(tolerance))
        assert spent <= free + rate
    assert spent >= min(budget, rate * 1_000) * 4 // 10


def test_off_hours_must_lie_in_their_week_in_order() -> None:
    with pytest.raises(ValueError, match="in order, apart and within"):
        week((300, 100))
    with pytest.raises(ValueError, match="in order, apart and within"):
        BudgetWeek(
            start=Seconds(0),
            end=Seconds(10),
            off_hours=(OffHours(start=Seconds(5), end=Seconds(11)),),
        )
