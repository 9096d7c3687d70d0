"""The market model: its shape, its loop, and how near it comes to what was published."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drills.market_model.book import depth_usd, ladder, moved_bp
from drills.market_model.calibration import figures
from drills.market_model.pressure import Pressure, Priced, press
from drills.market_model.terms import MarketTerms
from drills.scenario.series import bridge
from risk.sessions import Session
from risk.units import PriceE8, notional

TERMS = MarketTerms()
PRICE = PriceE8(178 * 10**8)


def run(
    flows: list[float], *, session: Session = Session.REGULAR, terms: MarketTerms = TERMS
) -> list[Priced]:
    state, found = Pressure(), []
    for flow in flows:
        state, priced = press(
            state, value=PRICE, session=session, flow_usd=flow, elapsed=1.0, terms=terms
        )
        found.append(priced)
    return found


@pytest.mark.parametrize("figure", figures(), ids=lambda figure: figure.what)
def test_the_model_is_as_near_as_it_says(figure: object) -> None:
    assert figure.is_met, figure  # type: ignore[attr-defined]


@given(first=st.floats(1e3, 1e8), second=st.floats(1e3, 1e8), depth=st.floats(1e4, 1e7))
def test_two_halves_of_an_order_move_as_much_as_the_whole(
    first: float, second: float, depth: float
) -> None:
    whole = moved_bp(TERMS, 0.0, -(first + second), depth)
    halves = moved_bp(TERMS, moved_bp(TERMS, 0.0, -first, depth), -second, depth)
    assert halves == pytest.approx(whole)
    assert whole <= 0


def test_impact_is_the_square_root_of_size_and_depth_is_what_one_width_takes() -> None:
    assert moved_bp(TERMS, 0.0, 1_200_000, 1_200_000) == pytest.approx(TERMS.width_bp)
    assert moved_bp(TERMS, 0.0, 4_800_000, 1_200_000) == pytest.approx(2 * TERMS.width_bp)
    assert moved_bp(TERMS, 0.0, -1e15, 1_000) == -TERMS.largest_offset_bp


def test_a_ladder_holds_the_depth_that_it_was_made_of() -> None:
    bids, asks = ladder(TERMS, PRICE, 1_200_000, levels=50, step_bp=1.0)
    for side, sign in ((bids, -1), (asks, 1)):
        inside = [
            level
            for level in side
            if sign * (level.price - PRICE) * 10_000 <= (TERMS.width_bp + 0.001) * PRICE
        ]
        worth = sum(notional(level.size, level.price) for level in inside) / 10**6
        assert worth == pytest.approx(1_200_000, rel=0.001)
        prices = [sign * level.price for level in side]
        assert all(near < far for near, far in pairwise(prices))


@given(session=st.sampled_from(Session), volatility=st.floats(0, 10_000))
def test_depth_falls_with_volatility_and_never_to_nothing(
    session: Session, volatility: float
) -> None:
    calm = depth_usd(TERMS, session, 0.0)
    found = depth_usd(TERMS, session, volatility)
    assert depth_usd(TERMS, session, volatility * 2) <= found <= calm
    assert found >= TERMS.depth_usd * TERMS.least_part


def test_a_weekend_has_a_twentieth_of_a_fridays_depth_and_a_scenarios_word_goes_first() -> None:
    regular = depth_usd(TERMS, Session.REGULAR, 0.0)
    assert depth_usd(TERMS, Session.WEEKEND, 0.0) / regular == pytest.approx(0.048)
    assert depth_usd(TERMS, Session.WEEKEND, 9_999.0, stated=0.5) / regular == pytest.approx(0.5)


def test_forced_selling_feeds_on_itself_and_arbitrage_takes_it_back_sooner_by_day() -> None:
    at_once = run([-3_000_000, *[0.0] * 300])
    assert at_once[0].offset_bp == pytest.approx(-25 * math.sqrt(2.5))
    assert abs(at_once[-1].offset_bp) < 1
    by_night = run([-3_000_000, *[0.0] * 300], session=Session.WEEKEND)
    assert abs(by_night[-1].offset_bp) > 100
    # The move itself thins the book, so the second of two sales meets less of it.
    steady = run([-1_000_000.0] * 60)
    assert steady[-1].depth_usd < steady[0].depth_usd / 2
    prices = [each.price for each in steady]
    assert all(early >= late for early, late in pairwise(prices))


def test_volatility_sees_a_steady_fall() -> None:
    state, value, depth = Pressure(), float(PRICE), TERMS.depth_usd
    for _ in range(600):
        # 1 bp a second, without any noise: 60 bp for the square root of an hour if it were a walk.
        value *= 1 - 1e-4
        state, priced = press(
            state,
            value=PriceE8(round(value)),
            session=Session.REGULAR,
            flow_usd=0.0,
            elapsed=1.0,
            terms=TERMS,
        )
        depth = priced.depth_usd
    assert state.volatility_bp > 600
    assert depth < TERMS.depth_usd / 7


def test_volatility_of_a_random_walk_is_what_it_was_drawn_with() -> None:
    seen, walk = [], bridge(40_000, 60.0, 3)
    state = Pressure()
    for move in walk:
        state, _ = press(
            state,
            value=PriceE8(round(PRICE * math.exp(move))),
            session=Session.REGULAR,
            flow_usd=0.0,
            elapsed=1.0,
            terms=TERMS,
        )
        seen.append(state.variance)
    measured = math.sqrt(sum(seen) / len(seen) * 3_600) * 10_000
    assert measured == pytest.approx(60, rel=0.1)


def test_time_may_not_run_back_and_terms_must_make_sense() -> None:
    with pytest.raises(ValueError, match="expected a step forward"):
        press(
            Pressure(),
            value=PRICE,
            session=Session.REGULAR,
            flow_usd=0.0,
            elapsed=-1.0,
            terms=TERMS,
        )
    with pytest.raises(ValueError, match="expected amounts and times above 0"):
        MarketTerms(depth_usd=0.0)
    with pytest.raises(ValueError, match="for every session"):
        MarketTerms(session_depth={Session.REGULAR: 1.0})
    crypto = TERMS.scaled(1.2, depth_usd=5e6)
    assert crypto.usual_volatility_bp[Session.REGULAR] == pytest.approx(78 * 1.2)
    assert crypto.depth_usd == 5e6
