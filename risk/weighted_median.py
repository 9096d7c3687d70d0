"""The weighted median: the middle of what is said, which no minority of the weight can move far."""

from collections.abc import Sequence

from risk.units import div_floor


def weighted_median(values: Sequence[tuple[int, int]]) -> int:
    """Give the median of (value, weight) pairs, as if each value were repeated weight times.

    With an even number of repetitions it is the mean of the two in the middle, rounded down.
    Raises ValueError without any weight, or for a negative one.
    """
    if any(weight < 0 for _, weight in values):
        raise ValueError("expected no negative weight in a weighted median")
    total = sum(weight for _, weight in values)
    if total == 0:
        raise ValueError("expected some weight in a weighted median, found none")
    ordered = sorted(values)
    lower = _at(ordered, div_floor(total - 1, 2))
    upper = lower if total % 2 else _at(ordered, div_floor(total, 2))
    return div_floor(lower + upper, 2)


def _at(ordered: Sequence[tuple[int, int]], place: int) -> int:
    passed = 0
    for value, weight in ordered:
        passed += weight
        if passed > place:
            return value
    raise AssertionError("the place lies within the total weight")
