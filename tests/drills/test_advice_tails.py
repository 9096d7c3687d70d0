"""Tails against laws that are known: what was put in must come out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drills.advice.gaps import Floats
from drills.advice.tails import FEWEST_EXCESSES, fit


def pareto(shape: float, scale: float, count: int = 20_000) -> Floats:
    """Give the quantiles of a generalised Pareto law, evenly spaced: a sample without luck."""
    odds = (np.arange(count) + 0.5) / count
    if shape == 0:
        light: Floats = -scale * np.log(odds)
        return light
    heavy: Floats = scale / shape * (odds**-shape - 1.0)
    return heavy


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.1, 0.3])
def test_a_known_law_is_found_again(shape: float) -> None:
    tail = fit(pareto(shape, 0.01))
    assert tail is not None
    assert tail.shape == pytest.approx(shape, abs=0.03)
    # Beyond a threshold u the law is one of its own kind, of scale 0.01 + shape u.
    assert tail.scale == pytest.approx(0.01 + shape * tail.threshold, rel=0.04)
    assert tail.beyond == pytest.approx(0.1, rel=0.001)


@pytest.mark.parametrize("level", [0.002, 0.03, 0.08])
def test_the_mean_excess_of_a_known_law_is_the_analytic_one(level: float) -> None:
    tail = fit(pareto(0.2, 0.01))
    assert tail is not None
    survives = (1 + 0.2 * level / 0.01) ** (-1 / 0.2)
    analytic = survives * (0.01 + 0.2 * level) / (1 - 0.2)
    assert tail.mean_excess(np.array([level]))[0] == pytest.approx(analytic, rel=0.05)
    assert tail.exceeds(level) == pytest.approx(survives, rel=0.05)


@pytest.mark.parametrize("chance", [0.5, 0.05, 0.001, 0.0001])
def test_a_quantile_is_exceeded_with_its_chance(chance: float) -> None:
    tail = fit(pareto(0.25, 0.01))
    assert tail is not None
    assert tail.exceeds(tail.quantile(chance)) == pytest.approx(chance, rel=0.01)


def test_a_light_tail_ends_where_it_ends() -> None:
    tail = fit(np.linspace(0.0, 0.05, 5_000))
    assert tail is not None
    assert tail.shape == pytest.approx(-1.0, abs=0.02)
    assert tail.exceeds(0.06) == 0.0
    assert tail.mean_excess(np.array([0.06]))[0] == 0.0


@given(st.lists(st.floats(0.0, 0.5), min_size=300, max_size=400))
@settings(max_examples=50, deadline=None)
def test_more_margin_never_expects_more_debt(losses: list[float]) -> None:
    tail = fit(np.array(losses))
    if tail is None:
        return
    excess = tail.mean_excess(np.linspace(0.0, 1.0, 101))
    assert (np.diff(excess) <= 1e-12).all()
    assert excess[0] == pytest.approx(
        float(np.minimum(losses, tail.threshold).mean())
        + tail.beyond * tail.scale / (1 - tail.shape),
        abs=1e-9,
    )


@pytest.mark.parametrize(
    "losses",
    [
        pytest.param(np.array([]), id="none"),
        pytest.param(np.full(1_000, 0.01), id="all one"),
        pytest.param(np.arange(1, 10 * FEWEST_EXCESSES - 10) / 1_000, id="too few"),
    ],
)
def test_no_tail_is_made_up(losses: Floats) -> None:
    assert fit(losses) is None


def test_a_heavy_tail_still_has_a_mean() -> None:
    tail = fit(pareto(1.5, 0.01, 2_000))
    assert tail is not None
    assert tail.shape < 1.0
    assert math.isfinite(tail.mean_excess(np.array([1.0]))[0])
