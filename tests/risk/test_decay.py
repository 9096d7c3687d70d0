"""What is kept after a while is exp(−dt/τ), to a part in 10^9."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.decay import PPB_SCALE, kept
from risk.units import Seconds


@given(elapsed=st.integers(0, 10**6), tau=st.integers(1, 10**6))
def test_is_the_exponential(elapsed: int, tau: int) -> None:
    real = math.exp(-elapsed / tau) * PPB_SCALE
    assert -2 <= kept(Seconds(elapsed), Seconds(tau)) - real <= 1


@pytest.mark.parametrize(
    ("elapsed", "tau", "left"),
    [(0, 150, 10**9), (150, 150, 367_879_441), (3, 1_800, 998_334_721), (10**9, 1, 0)],
)
def test_named_cases(elapsed: int, tau: int, left: int) -> None:
    assert kept(Seconds(elapsed), Seconds(tau)) == left


@pytest.mark.parametrize(("elapsed", "tau"), [(1, 0), (-1, 10)])
def test_a_time_that_is_none_is_refused(elapsed: int, tau: int) -> None:
    with pytest.raises(ValueError, match="expected tau > 0"):
        kept(Seconds(elapsed), Seconds(tau))
