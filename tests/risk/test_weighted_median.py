"""The weighted median equals that of a list in which each value stands as often as it weighs."""

from statistics import median_high, median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.weighted_median import weighted_median

PAIRS = st.lists(
    st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 9)), min_size=1, max_size=12
).filter(lambda pairs: any(weight for _, weight in pairs))


@given(PAIRS)
def test_equals_the_median_of_the_repeated_values(pairs: list[tuple[int, int]]) -> None:
    repeated = [value for value, weight in pairs for _ in range(weight)]
    middle = (median_low(repeated) + median_high(repeated)) // 2
    assert weighted_median(pairs) == middle


@given(PAIRS, st.integers(-(10**15), 10**15))
def test_less_than_half_of_the_weight_cannot_leave_the_range_of_the_others(
    pairs: list[tuple[int, int]], lie: int
) -> None:
    total = sum(weight for _, weight in pairs)
    heard = [value for value, weight in pairs if weight]
    lied = weighted_median([*pairs, (lie, (total - 1) // 2)])
    assert min(heard) <= lied <= max(heard)


@pytest.mark.parametrize(
    ("pairs", "middle"),
    [([(5, 1)], 5), ([(1, 1), (2, 1)], 1), ([(1, 1), (9, 3)], 9), ([(1, 2), (9, 2)], 5)],
)
def test_named_cases(pairs: list[tuple[int, int]], middle: int) -> None:
    assert weighted_median(pairs) == middle


@pytest.mark.parametrize("pairs", [[], [(1, 0)], [(1, 2), (2, -1)]])
def test_without_weight_there_is_no_median(pairs: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="weight"):
        weighted_median(pairs)
