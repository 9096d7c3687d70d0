"""What another keeper wrote becomes our own effort, within what an effort could have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.incentives.adoption import adopted
from risk.guard_rails import Parameter
from risk.incentive_write import funding_rate
from risk.incentives import IncentiveState, begin
from risk.units import PPM_SCALE, PpbPerHour, Ppm, Seconds
from tests.risk.incentive_world import RULES, WEEKEND

NOW = Seconds(1_000)
BASE = PpbPerHour(400_000)


def take(parameter: Parameter, value: int, **facts: object) -> IncentiveState:
    usual = {"levers": WEEKEND, "rate": (BASE, None), "now": NOW, "rules": RULES}
    return adopted(begin(NOW), parameter, value, **(usual | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fee", "boost", "effort"),
    [
        pytest.param(-100, 0, 0, id="as scheduled"),
        pytest.param(-175, 75, 500_000, id="half of the largest boost"),
        pytest.param(-250, 150, 1_000_000, id="all of it"),
        pytest.param(-400, 150, 1_000_000, id="beyond: only what an effort explains"),
        pytest.param(0, 0, 0, id="below the schedule"),
    ],
)
def test_a_rebate_becomes_effort(fee: int, boost: int, effort: int) -> None:
    state = take(Parameter.MAKER_FEE, fee)
    assert (state.rebate_boost, state.effort, state.integral) == (
        boost,
        effort * PPM_SCALE,
        effort * PPM_SCALE,
    )
    assert state.rebate_changed_at == NOW


@given(
    st.integers(0, 1_000_000), st.none() | st.integers(-(10**6), 10**6), st.sampled_from([-1, 1])
)
def test_a_funding_rate_becomes_the_multiplier_that_wrote_it(
    boost: int, skew: int | None, sign: int
) -> None:
    base = PpbPerHour(sign * BASE)
    known = None if skew is None else Ppm(skew)
    rate = funding_rate(
        base,
        multiplier=Ppm(WEEKEND.funding_multiplier + boost),
        slope=WEEKEND.skew_slope,
        skew=known,
    )
    state = take(Parameter.FUNDING_RATE, rate, rate=(base, known))
    # A ppb of the rate is 2.5 ppm of this multiplier.
    assert abs(state.multiplier_boost - boost) <= 3
    if state.multiplier_boost:
        assert state.effort > PPM_SCALE * PPM_SCALE


@pytest.mark.parametrize("rate", [None, (PpbPerHour(0), None)])
def test_without_a_base_rate_no_multiplier_can_be_told(rate: object) -> None:
    assert take(Parameter.FUNDING_RATE, 5, rate=rate) == begin(NOW)


def test_what_the_controller_never_moves_says_nothing_of_effort() -> None:
    assert take(Parameter.INITIAL_MARGIN, 70_000) == begin(NOW)
