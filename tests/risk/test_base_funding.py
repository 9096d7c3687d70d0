"""The base funding rate: a table by hand, and what holds for every path of premiums."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.base_funding import (
    FundingRules,
    PremiumState,
    base_rate,
    mean_premium,
    observe,
    premium_of,
)
from risk.units import PpbPerHour, Ppm, PriceE8, Seconds
from tests.builders import price

RULES = FundingRules()
STEPS = st.lists(
    st.tuples(st.integers(0, 400), st.none() | st.integers(-(10**8), 10**8)), max_size=60
)


def walked(steps: list[tuple[int, int | None]], rules: FundingRules = RULES) -> PremiumState:
    state = PremiumState(seen_at=Seconds(10_000))
    for wait, premium in steps:
        state = observe(state, premium, Seconds(state.seen_at + wait), rules)
    return state


@pytest.mark.parametrize(
    ("premium_ppm", "ppb_per_hour"),
    [
        # Within 500 ppm of r the pull takes it to r = 100 ppm: 100 000 ppb / 8 h.
        pytest.param(0, 12_500, id="at the index"),
        pytest.param(100, 12_500, id="at r"),
        pytest.param(600, 12_500, id="as far above as the clamp reaches"),
        pytest.param(-400, 12_500, id="as far below as the clamp reaches"),
        pytest.param(1_600, 137_500, id="beyond it by 1000 ppm"),
        pytest.param(-1_400, -112_500, id="below it by 1000 ppm"),
        pytest.param(320_500, 40_000_000, id="at the cap"),
        pytest.param(900_000, 40_000_000, id="beyond the cap"),
        pytest.param(-900_000, -40_000_000, id="beyond the cap below"),
    ],
)
def test_the_rate_by_hand(premium_ppm: int, ppb_per_hour: int) -> None:
    assert base_rate(premium_ppm * 1_000, RULES) == ppb_per_hour


def test_interest_and_cap_are_settings() -> None:
    rules = FundingRules(interest=Ppm(0), cap=PpbPerHour(1_000))
    assert base_rate(400_000, rules) == 0
    assert base_rate(600_000, rules) == 1_000


def test_premium_is_a_share_of_the_index_and_truncates() -> None:
    assert premium_of(price(101), price(100)) == 10_000_000
    assert premium_of(PriceE8(2), PriceE8(3)) == -333_333_333
    with pytest.raises(ValueError, match="index above 0, found 0"):
        premium_of(price(1), PriceE8(0))


def test_the_mean_is_weighted_by_time() -> None:
    state = walked([(0, 1_000), (300, 4_000), (100, None)])
    # 300 s at 1 000 and 100 s at 4 000.
    assert mean_premium(state, RULES) == 1_750


def test_too_little_was_seen_to_say_anything() -> None:
    assert mean_premium(walked([(0, 5), (299, 5)]), RULES) is None
    assert mean_premium(walked([(0, 5), (300, 5)]), RULES) == 5
    assert mean_premium(walked([(0, None), (3_000, None)]), RULES) is None


def test_a_sample_does_not_speak_for_a_long_silence() -> None:
    state = walked([(0, 9_000), (3_000, 0), (300, 0)])
    # 300 s of 9 000 were held, then nothing was known, then 300 s of 0.
    assert mean_premium(state, RULES) == 4_500


def test_what_is_older_than_the_window_is_forgotten() -> None:
    steps: list[tuple[int, int | None]] = [(0, 10**6), (300, 0), *[(300, 0)] * 12]
    assert mean_premium(walked(steps), RULES) == 0


@given(STEPS)
def test_memory_is_bounded(steps: list[tuple[int, int | None]]) -> None:
    state = walked(steps)
    assert len(state.slices) <= RULES.window // RULES.slice_length + 1
    assert all(0 < each.seconds <= RULES.slice_length for each in state.slices)


@given(STEPS)
def test_the_mean_is_that_of_the_samples_second_by_second(
    steps: list[tuple[int, int | None]],
) -> None:
    state = walked(steps)
    now, held, seconds = 10_000, None, {}
    for wait, premium in steps:
        for second in range(now, now + min(wait, RULES.longest_hold)):
            if held is not None:
                seconds[second] = held
        now, held = now + wait, premium
    first = state.slices[0].start if state.slices else now
    inside = [value for second, value in seconds.items() if second >= first]
    found = mean_premium(state, RULES)
    if len(inside) < RULES.least_observed:
        assert found is None
        return
    assert found is not None
    assert abs(found - Fraction(sum(inside), len(inside))) < 1
    assert now - RULES.window < first + RULES.slice_length


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_a_higher_premium_never_has_a_lower_rate(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert base_rate(low, RULES) <= base_rate(high, RULES)
    assert abs(base_rate(high, RULES)) <= RULES.cap


@given(STEPS, st.integers(0, 10**6))
def test_time_that_goes_back_counts_as_none(steps: list[tuple[int, int | None]], back: int) -> None:
    state = walked(steps)
    again = observe(state, state.premium, Seconds(state.seen_at - back), RULES)
    assert again == state


@pytest.mark.parametrize(
    "facts",
    [
        {"clamp": Ppm(-1)},
        {"cap": PpbPerHour(-1)},
        {"slice_length": Seconds(0)},
        {"window": Seconds(299)},
        {"least_observed": Seconds(3_301)},
    ],
)
def test_refuses_rules_that_cannot_hold_together(facts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        FundingRules(**facts)  # type: ignore[arg-type]
