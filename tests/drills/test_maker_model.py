"""The model of makers: sane at its ends, whatever it is fed in between."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.incentives.setting import load_setting
from drills.incentives.venue import IncentiveVenue
from drills.maker_model.desk import MarketView
from drills.maker_model.makers import PricedMakers
from drills.maker_model.outlook import variance
from drills.maker_model.profit import (
    BP,
    HALF_SPREADS_BP,
    SIZES_USD,
    Outlook,
    best_quotes,
    expected_profit,
)
from drills.maker_model.terms import ModelTerms, PopulationTerms, draw_makers
from risk.liquidity import measure_book
from risk.sessions import Session
from risk.units import AccountId, Ppm, PriceE8, Seconds

DELTAS = np.array(HALF_SPREADS_BP) * BP
SIZES = np.array(SIZES_USD)
TERMS = ModelTerms()
SETTING = load_setting("NVDA")


def column(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float64)


def outlook(**others: object) -> Outlook:
    """One maker beside one rival who offers 100,000 USD a side at 5 bp; nothing held."""
    usual: dict[str, object] = {
        "orders_per_hour": 50.0,
        "order_usd": 5_000.0,
        "urgency": 12 * BP,
        "rival_scale": 0.5 * BP,
        "news_per_hour": 1 / 32,
        "news": 75 * BP,
        "taker_fee": 5 * BP,
        "rebate": 1 * BP,
        "fill_cost": column(1 * BP, 1 * BP),
        "risk": column(1e-9, 1e-9),
        "inventory_usd": column(0, 0),
        "funding": column(0, 0),
        "capital_per_hour": 1e-6,
        "room_usd": column(1e6, 1e6),
        "rivals_usd": np.full((1, 2, 1), 100_000.0),
        "rivals_half_spread": np.full((1, 2, 1), 5 * BP),
    }
    return Outlook(**(usual | others))


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    def number(low: float, high: float) -> float:
        return draw(st.floats(low, high, allow_nan=False))

    return outlook(
        orders_per_hour=number(0, 1_000),
        order_usd=number(100, 50_000),
        news_per_hour=number(0, 60),
        news=number(1, 200) * BP,
        taker_fee=number(5, 20) * BP,
        risk=column(number(0, 1e-7), number(0, 1e-7)),
        inventory_usd=column(held := number(-1e6, 1e6), -held),
        funding=column(paid := number(-50, 50) * BP, -paid),
        rivals_usd=np.full((1, 2, 1), number(0, 1e6)),
        rivals_half_spread=np.full((1, 2, 1), number(0, 40) * BP),
    )


@given(outlooks(), st.floats(-5, 5), st.floats(0, 5))
def test_a_larger_rebate_never_makes_a_smaller_size_the_best_at_any_spread(
    view: Outlook, rebate: float, more: float
) -> None:
    low = expected_profit(DELTAS, SIZES, replace(view, rebate=rebate * BP))
    high = expected_profit(DELTAS, SIZES, replace(view, rebate=min(5, rebate + more) * BP))
    least, most = (each.argmax(axis=-1) for each in (low, high))
    # Two sizes that earn the same but for the last bits of a float may change places.
    ties = np.isclose(
        np.take_along_axis(high, least[..., None], axis=-1)[..., 0],
        high.max(axis=-1),
        rtol=1e-9,
        atol=1e-9,
    )
    assert ((most >= least) | ties).all()
    assert (high >= low - 1e-9).all()


def settled(rebate_ppm: int, seed: int) -> tuple[float, float]:
    """Let a population find its quotes on a Saturday; give the mean depth near the mark and the spread."""
    market = replace(SETTING.market, maker_fee=Ppm(-rebate_ppm))
    venue = IncentiveVenue(market, SETTING.limits, now=SETTING.start)
    makers = [replace(each, belief_bp=0.0) for each in draw_makers(Random(seed), PopulationTerms())]
    people = PricedMakers(
        venue,
        makers,
        owners=[AccountId(1 + place) for place in range(len(makers))],
        terms=TERMS,
        random=Random(seed),
    )
    view = MarketView(session=Session.WEEKEND, seconds_to_reopen=86_400, heard=market.mark)
    depths, spreads = [], []
    for look in range(80):
        venue.now = Seconds(venue.now + 300)
        people.step(view, elapsed=300)
        found = measure_book(venue.book, market.mark, SETTING.liquidity)
        assert found.bid.depth is not None
        if look >= 40:
            depths.append(found.bid.depth[1])
            spreads.append(2_500 if found.quoted_spread is None else found.quoted_spread)
    return sum(depths) / len(depths), sum(spreads) / len(spreads)


def test_within_the_keepers_reach_more_rebate_gives_no_less_depth_on_average() -> None:
    depths, spreads = [], []
    for rebate in (100, 175, 250):
        found = [settled(rebate, seed) for seed in range(12)]
        depths.append(sum(depth for depth, _ in found))
        spreads.append(sum(spread for _, spread in found))
    assert depths == sorted(depths)
    assert depths[0] < depths[-1]
    assert spreads[0] > spreads[-1]


@given(outlooks(), st.floats(-5, 5))
def test_without_flow_nothing_is_earned_and_nothing_quoted_however_large_the_rebate(
    view: Outlook, rebate: float
) -> None:
    chosen = best_quotes(replace(view, orders_per_hour=0.0, rebate=rebate * BP))
    assert not chosen.size_usd.any()
    assert not chosen.profit.any()


@pytest.mark.parametrize("side", [0, 1])
def test_inventory_at_its_limit_stops_the_side_that_would_add_to_it(side: int) -> None:
    room = [1e6, 1e6]
    room[side] = 0.0
    chosen = best_quotes(outlook(room_usd=column(*room)))
    assert chosen.size_usd[0, side] == 0
    assert chosen.size_usd[0, 1 - side] > 0


def test_inventory_makes_the_side_that_adds_dearer_and_the_other_cheaper() -> None:
    flat = best_quotes(outlook(risk=column(2e-9, 2e-9)))
    long = best_quotes(outlook(risk=column(2e-9, 2e-9), inventory_usd=column(3e5, -3e5)))
    assert long.half_spread[0, 0] > flat.half_spread[0, 0] or long.size_usd[0, 0] == 0
    assert long.half_spread[0, 1] < flat.half_spread[0, 1]


def test_makers_leave_when_the_gap_grows() -> None:
    depths = []
    for gap in (0, 50, 150, 400, 1_500):
        risk = 10 / 1e6 * (gap * BP) ** 2
        view = outlook(rebate=0.0, risk=column(risk, risk), news=(1 + gap) * BP, news_per_hour=0.1)
        depths.append(float(best_quotes(view).size_usd.sum()))
    assert depths == sorted(depths, reverse=True)
    assert depths[0] > 0
    assert depths[-1] == 0


def test_the_risk_until_a_hedge_grows_with_the_time_to_the_reopening() -> None:
    def view(session: Session, hours: float) -> MarketView:
        return MarketView(session=session, seconds_to_reopen=hours * 3_600, heard=PriceE8(1))

    found = [variance(view(Session.WEEKEND, hours), TERMS) for hours in (48, 24, 1, 0)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx((TERMS.surprise_bp * BP) ** 2)
    assert variance(view(Session.REGULAR, 0), TERMS) < found[-1]


def test_the_same_randomness_draws_the_same_makers_within_their_ends() -> None:
    terms = PopulationTerms(makers=50)
    makers = draw_makers(Random(7), terms)
    assert makers == draw_makers(Random(7), terms)
    assert makers != draw_makers(Random(8), terms)
    low, high = terms.capital_usd
    assert all(low <= maker.capital_usd <= high for maker in makers)
    low, high = terms.inventory_share
    assert all(low <= maker.inventory_usd / maker.capital_usd <= high for maker in makers)
