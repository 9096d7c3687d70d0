"""The book and the search, on gaps whose answer can be worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drills.advice.account import (
    Costs,
    Margins,
    Tails,
    bad_debt,
    equities,
    least_maintenance,
    tails_of,
)
from drills.advice.checks import crisis_checks, split_check
from drills.advice.gaps import OLDEST, Gaps, Kind, pooled
from drills.advice.search import (
    GRID,
    RESETS,
    Target,
    advise,
    draws,
    without_wildest_nights,
)
from risk.units import Ppm

NO_TAILS = Tails(night=None, closure=None)
FREE = Costs(penalty_and_spread=Ppm(0), wait_seconds=0)
FRESH = Target(bad_debt_bp=25.0, fresh_share=1.0)


def made(
    moves: Sequence[float],
    *,
    closures: Sequence[bool] | None = None,
    first: date = date(2001, 1, 1),
    name: str = "x",
) -> Gaps:
    """Make gaps a day apart after days on which nothing moved."""
    count = len(moves)
    is_closure = list(closures) if closures is not None else [False] * count
    days = [first + timedelta(days=at) for at in range(count)]
    still = np.ones((count, OLDEST))
    return Gaps(
        move=np.array(moves, dtype=np.float64),
        is_closure=np.array(is_closure, dtype=np.bool_),
        kind=tuple(Kind.WEEKEND if each else Kind.NIGHT for each in is_closure),
        day=np.array([each.toordinal() for each in days], dtype=np.int64),
        year=np.array([each.year for each in days], dtype=np.int64),
        name=(name,) * count,
        entry=still,
        lowest=still,
        highest=still,
        excursion=np.zeros(count),
        series_years=count / 252,
    )


def margins(initial: int, maintenance: int | None = None, weekend: int | None = None) -> Margins:
    return Margins(
        initial=Ppm(initial),
        maintenance=Ppm(initial >> 1 if maintenance is None else maintenance),
        weekend=Ppm(initial if weekend is None else weekend),
    )


@pytest.mark.parametrize("move", [-0.08, 0.08])
def test_a_gap_through_the_margin_leaves_the_rest_as_debt_on_either_side(move: float) -> None:
    gaps = made([0.0] * 251 + [move])
    found = bad_debt(margins(50_000), gaps, NO_TAILS, fresh_share=1.0)
    assert found.happened_bp == pytest.approx(300.0)
    assert found.expected_bp == pytest.approx(300.0)
    assert bad_debt(margins(80_000), gaps, NO_TAILS, fresh_share=1.0).happened_bp == pytest.approx(
        0.0, abs=1e-9
    )


def test_the_weekend_margin_holds_on_closures_only_and_binds_only_who_is_fresh() -> None:
    gaps = made([-0.08] * 2, closures=[True, False])
    asked = margins(50_000, weekend=80_000)
    of_fresh = bad_debt(asked, gaps, NO_TAILS, fresh_share=1.0).by_gap
    of_carried = bad_debt(asked, gaps, NO_TAILS, fresh_share=0.0).by_gap
    assert of_fresh.tolist() == pytest.approx([0.0, 0.03])
    assert of_carried.tolist() == pytest.approx([0.03, 0.03])


def test_a_carried_account_meets_the_gap_with_what_its_sessions_left_it() -> None:
    flat = made([-0.05])
    entry = np.full((1, OLDEST), np.nan)
    lowest, highest = entry.copy(), entry.copy()
    entry[0, :2], lowest[0, :2], highest[0, :2] = (1.02, 0.99), (0.995, 0.90), (1.03, 1.03)
    gaps = replace(flat, entry=entry, lowest=lowest, highest=highest)
    long, short = equities(margins(50_000, 25_000), gaps)
    # Entered at 1.02 with 5 %: 0.051 + 1 - 1.02. At the low of 0.995 it had 0.026 >= 0.0249, so it stayed.
    assert long[0, 0] == pytest.approx(0.031)
    # Entered at 0.99, it was gone at 0.90.
    assert np.isnan(long[0, 1])
    assert short[0, 0] == pytest.approx(0.071)
    found = bad_debt(margins(50_000, 25_000), gaps, NO_TAILS, fresh_share=0.0)
    assert found.by_gap[0] == pytest.approx(0.019)


def test_where_no_carried_account_is_left_the_book_is_fresh() -> None:
    gaps = made([-0.08])
    gone = replace(gaps, lowest=np.full((1, OLDEST), 0.5))
    found = bad_debt(margins(50_000, weekend=60_000), gone, NO_TAILS, fresh_share=0.0)
    assert found.by_gap[0] == pytest.approx(0.03)


@given(
    st.lists(st.floats(-0.9, 2.0), min_size=1, max_size=300),
    st.integers(1, 300),
    st.integers(1, 100),
)
@settings(max_examples=60, deadline=None)
def test_more_leverage_never_means_less_debt(moves: list[float], step: int, more: int) -> None:
    gaps = made(moves, closures=[at % 5 == 0 for at in range(len(moves))])
    tails = tails_of(gaps)
    low, high = margins(step * GRID), margins((step + more) * GRID)
    less, much = (bad_debt(each, gaps, tails, fresh_share=0.5) for each in (high, low))
    assert less.happened_bp <= much.happened_bp + 1e-6
    assert less.expected_bp <= much.expected_bp + 1e-6


def test_the_advised_margin_is_the_one_that_can_be_worked_out() -> None:
    # One night of -10 % a year: 25 bp are left at 9.75 %. Maintenance is half of it, on the grid.
    gaps = made([0.0] * 251 + [-0.10])
    found = advise(gaps, FRESH, FREE)
    assert (found.initial, found.maintenance) == (97_500, 50_000)
    assert advise(gaps, Target(bad_debt_bp=500.0, fresh_share=1.0), FREE).initial == 50_000


def test_the_weekend_margin_and_the_bound_hold_the_closures_they_are_made_for() -> None:
    moves = [0.0] * 200 + [0.02, -0.06] + [0.0] * 50
    gaps = made(moves, closures=[True] * len(moves))
    found = advise(gaps, Target(bad_debt_bp=10_000.0, closure_chance=1e-9), FREE)
    assert found.closure == found.weekend == 60_000
    assert found.bound is not None
    reach = 1 - (1 - found.bound / 1e6) ** (RESETS + 1)
    assert reach >= 0.06 - 1e-9
    assert 1 - (1 - (found.bound - GRID) / 1e6) ** (RESETS + 1) < 0.06


def test_a_target_that_no_margin_reaches_is_said_to_be_out_of_reach() -> None:
    gaps = made([0.0] * 251 + [2.5])
    found = advise(gaps, FRESH, FREE)
    assert found.margins is None
    assert found.initial is None


def test_maintenance_carries_what_a_liquidation_costs_and_a_pause() -> None:
    wild = replace(made([0.0] * 1_000), excursion=np.full(1_000, 0.10))
    costs = Costs(penalty_and_spread=Ppm(15_000), wait_seconds=234)
    # A hundredth of the session: a tenth of its way.
    assert least_maintenance(wild, costs) == pytest.approx(0.025)
    assert least_maintenance(wild, Costs(penalty_and_spread=Ppm(1), wait_seconds=234)) == (
        pytest.approx(0.02)
    )
    assert advise(wild, FRESH, costs).maintenance == 25_000


def test_the_same_seed_draws_the_same_years_and_another_one_others() -> None:
    random = np.random.default_rng(3)
    gaps = made((random.standard_t(4, 2_500) * 0.004).tolist(), closures=[False, True] * 1_250)
    one, same, other = (draws(gaps, FRESH, FREE, seed=seed, count=12) for seed in (7, 7, 8))
    assert one == same
    assert one != other
    low, high = one["initial"].low, one["initial"].high
    advised = advise(gaps, FRESH, FREE).initial
    assert low is not None
    assert high is not None
    assert advised is not None
    assert low < high
    assert low <= advised <= high


def test_the_split_advises_on_the_past_alone_and_plays_the_future() -> None:
    calm, wild = made([0.0, -0.05] * 126), made([0.0] * 251 + [-0.30], first=date(2008, 1, 1))
    played = split_check(pooled([calm, wild]), date(2008, 1, 1), FRESH, FREE)
    assert played is not None
    assert played.advice == advise(calm, FRESH, FREE)
    advised = played.advice.initial
    assert advised is not None
    assert advised <= 50_000
    assert played.bad_debt_bp == pytest.approx(3_000 - advised / 100)
    assert played.worst == -0.30
    assert split_check(calm, date(2008, 1, 1), FRESH, FREE) is None


def test_a_crisis_is_kept_from_its_own_advice_and_played_on_stand_ins_where_it_is_missing() -> None:
    calm = made([0.0, -0.05] * 126)
    crash = made([-0.30], first=date(2020, 3, 16))
    (own,) = crisis_checks(pooled([calm, crash]), None, FRESH, FREE, closes_only=False)
    (stood_in,) = crisis_checks(calm, crash, FRESH, FREE, closes_only=False)
    assert own.name == stood_in.name == "2020"
    assert own.advice == stood_in.advice == advise(calm, FRESH, FREE)
    assert (own.closes_only, stood_in.closes_only) == (False, True)
    assert own.advice.initial is not None
    assert own.bad_debt_bp == pytest.approx(3_000 - own.advice.initial / 100)


def test_the_wildest_nights_of_each_market_and_year_are_left_out_but_no_closure() -> None:
    one = made([0.01, -0.09, 0.02, 0.05, 0.03], closures=[False, True, False, False, False])
    kept = without_wildest_nights(pooled([one, made([0.07, 0.01], name="y")]), 1)
    assert sorted(kept.move.tolist()) == [-0.09, 0.01, 0.01, 0.02, 0.03]
