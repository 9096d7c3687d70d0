"""Interpolation: through all facts, inside what was recorded, the same for a seed."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drills.scenario.series import Between, Bound, Fact, Series, SeriesPath, bridge, folded
from risk.units import PriceE8, Seconds

START = 1_800_000_000


def make_series(
    gaps: list[int], values: list[int], *, noise: float = 80.0, **facts: object
) -> Series:
    times = np.cumsum([0, *gaps]).tolist()
    return Series(
        name="s",
        unit="USD",
        between=Between(str(facts.get("between", "bridge"))),
        facts=tuple(
            Fact(at=Seconds(START + at), value=PriceE8(value), noise_bp=noise)
            for at, value in zip(times, values, strict=True)
        ),
        bounds=tuple(facts.get("bounds", ())),  # type: ignore[arg-type]
    )


def draw(series: Series, seed: int = 1) -> SeriesPath:
    return SeriesPath(
        series, start=series.facts[0].at, end=Seconds(series.facts[-1].at + 10), seed=seed
    )


@st.composite
def courses(draws: st.DrawFn) -> Series:
    count = draws(st.integers(min_value=1, max_value=8))
    gaps = draws(st.lists(st.integers(1, 400), min_size=count, max_size=count))
    values = draws(st.lists(st.integers(1, 10**15), min_size=count + 1, max_size=count + 1))
    between = draws(st.sampled_from([each.value for each in Between]))
    noise = draws(st.floats(0, 2_000))
    return make_series(gaps, values, noise=noise, between=between)


@settings(max_examples=60, deadline=None)
@given(series=courses(), seed=st.integers(0, 2**32))
def test_every_course_passes_through_all_its_facts(series: Series, seed: int) -> None:
    path = draw(series, seed)
    for fact in series.facts:
        assert path.at(fact.at) == fact.value
        # The drawn logarithm meets the fact too, not only the exact answer.
        assert path.logs[fact.at - START] == pytest.approx(math.log(fact.value), abs=1e-9)
    assert path.at(series.facts[-1].at + 5) == pytest.approx(
        series.facts[-1].value, rel=1e-9, abs=1
    )


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-5, 5), min_size=1, max_size=50),
    low=st.floats(-1, 0),
    width=st.floats(0.01, 2),
)
def test_folding_ends_inside_and_leaves_what_is_inside(
    values: list[float], low: float, width: float
) -> None:
    given_values = np.array(values)
    low_edge, high_edge = np.full(len(values), low), np.full(len(values), low + width)
    found = folded(given_values, low_edge, high_edge)
    assert (found >= low - 1e-9).all()
    assert (found <= low + width + 1e-9).all()
    inside = (given_values >= low) & (given_values <= low + width)
    assert np.allclose(found[inside], given_values[inside])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), falls=st.booleans())
def test_a_level_is_touched_first_where_the_fact_says_so(seed: int, falls: bool) -> None:  # noqa: FBT001
    level = 93 if falls else 107
    series = Series(
        name="s",
        unit="USD",
        between=Between.BRIDGE,
        facts=(
            Fact(at=Seconds(START), value=PriceE8(100), noise_bp=0),
            Fact(at=Seconds(START + 300), value=PriceE8(99 if falls else 101), noise_bp=2_000),
            Fact(at=Seconds(START + 600), value=PriceE8(level), noise_bp=2_000, first_touch=True),
            Fact(at=Seconds(START + 900), value=PriceE8(100), noise_bp=2_000),
        ),
        bounds=(),
    )
    logs = draw(series, seed).logs[:601]
    touched = logs <= math.log(level) if falls else logs >= math.log(level)
    assert touched.argmax() == 600
    assert touched[600]


def test_a_range_holds_the_path_and_stays_continuous() -> None:
    bound = Bound(start=Seconds(START), stop=Seconds(START + 3_600), low=98.0, high=102.0)
    series = make_series([3_600], [10_000, 10_000], noise=3_000)
    free = draw(series)
    scaled = Bound(start=bound.start, stop=bound.stop, low=9_800.0, high=10_200.0)
    held = draw(make_series([3_600], [10_000, 10_000], noise=3_000, bounds=(scaled,)))
    assert free.logs.min() < math.log(9_800) or free.logs.max() > math.log(10_200)
    assert held.logs.min() >= math.log(9_800) - 1e-9
    assert held.logs.max() <= math.log(10_200) + 1e-9
    assert np.abs(np.diff(held.logs)).max() <= np.abs(np.diff(free.logs)).max() + 1e-12


def test_a_bridge_has_the_volatility_that_is_stated() -> None:
    walks = np.array([bridge(3_600, 60.0, seed) for seed in range(400)])
    assert walks[:, 0] == pytest.approx(0)
    assert walks[:, -1] == pytest.approx(0)
    # In the middle a bridge has half of the deviation of the hour.
    assert walks[:, 1_800].std() * 10_000 == pytest.approx(30.0, rel=0.1)


def test_a_step_holds_and_a_line_is_straight_in_the_logarithm() -> None:
    step = draw(make_series([100], [1_000_000, 4_000_000], between="step"))
    assert {step.at(START + each) for each in range(100)} == {1_000_000}
    assert step.at(START + 100) == 4_000_000
    line = draw(make_series([100], [1_000_000, 4_000_000], between="line"))
    assert line.at(START + 50) == 2_000_000
    assert all(early < late for early, late in pairwise(line.logs[:101].tolist()))
