"""A window never forgets too early, remembers little, and rounds toward alarm."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.fact_windows import Window, WindowRules, fall, highest, lowest, rise, with_value
from risk.units import Seconds

RULES = WindowRules(span=Seconds(60), slices=6)


def fed(values: Sequence[tuple[int, int]], rules: WindowRules = RULES) -> Window:
    """Feed (seconds, value) pairs."""
    window = Window()
    for now, value in values:
        window = with_value(window, value, now=Seconds(now), rules=rules)
    return window


def test_a_window_without_values_knows_nothing() -> None:
    assert highest(Window(), now=Seconds(5), rules=RULES) is None
    assert lowest(Window(), now=Seconds(5), rules=RULES) is None
    assert fall(Window(), 5, now=Seconds(5), rules=RULES) is None
    assert rise(Window(), 5, now=Seconds(5), rules=RULES) is None


@pytest.mark.parametrize(
    ("now", "peak"),
    [(105, 900), (160, 900), (169, 900), (170, 500), (219, 500), (220, None)],
)
def test_a_peak_is_kept_for_the_span_and_at_most_a_slice_longer(now: int, peak: int | None) -> None:
    window = fed([(100, 900), (155, 500)])
    assert highest(window, now=Seconds(now), rules=RULES) == peak


@pytest.mark.parametrize(
    ("value", "ppm"),
    [(900, 0), (1_000, 0), (450, 500_000), (0, 1_000_000), (899, 1_112), (-90, 1_100_000)],
)
def test_tells_how_far_a_value_fell_from_its_peak_rounded_up(value: int, ppm: int) -> None:
    window = fed([(100, 700), (110, 900), (130, 800)])
    assert fall(window, value, now=Seconds(140), rules=RULES) == ppm


@pytest.mark.parametrize(
    ("value", "ppm"), [(700, 0), (600, 0), (1_050, 500_000), (1_400, 1_000_000), (701, 1_429)]
)
def test_tells_how_far_a_value_rose_from_its_lowest_rounded_up(value: int, ppm: int) -> None:
    window = fed([(100, 900), (110, 700), (130, 800)])
    assert rise(window, value, now=Seconds(140), rules=RULES) == ppm


def test_a_value_that_is_unknown_has_neither_fallen_nor_risen() -> None:
    window = fed([(100, 900)])
    assert fall(window, None, now=Seconds(101), rules=RULES) is None
    assert rise(window, None, now=Seconds(101), rules=RULES) is None


def test_what_was_never_much_cannot_fall_far() -> None:
    window = fed([(100, 99)])
    assert fall(window, 0, now=Seconds(101), rules=RULES, least_base=100) == 0
    assert fall(window, 0, now=Seconds(101), rules=RULES, least_base=99) == 1_000_000
    assert fall(fed([(100, 0)]), 0, now=Seconds(101), rules=RULES) == 0


def test_the_first_trades_of_a_young_market_are_no_jump() -> None:
    window = fed([(100, 0)])
    assert rise(window, 50, now=Seconds(101), rules=RULES, least_base=1_000) == 50_000
    assert rise(window, 50, now=Seconds(101), rules=RULES) == 50_000_000


def test_a_clock_that_goes_back_loses_nothing() -> None:
    window = fed([(100, 500), (70, 900), (100, 600)])
    assert highest(window, now=Seconds(100), rules=RULES) == 900
    assert len(window.slices) == 1


VALUES = st.lists(st.tuples(st.integers(0, 40), st.integers(-5, 2_000)), min_size=1, max_size=80)


@given(VALUES, st.integers(1, 90), st.integers(1, 90))
def test_agrees_with_a_memory_of_everything_and_never_forgets_too_early(
    steps: list[tuple[int, int]], span: int, slices: int
) -> None:
    rules = WindowRules(span=Seconds(max(span, slices)), slices=slices)
    now, window = 1_000, Window()
    history: list[tuple[int, int]] = []
    for wait, value in steps:
        now += wait
        history.append((now, value))
        window = with_value(window, value, now=Seconds(now), rules=rules)
        assert len(window.slices) <= slices + 1
        must = [each for then, each in history if now - then <= rules.span]
        may = [each for then, each in history if now - then < rules.span + rules.slice]
        peak, trough = (each(window, now=Seconds(now), rules=rules) for each in (highest, lowest))
        assert peak is not None
        assert trough is not None
        assert max(must) <= peak <= max(may)
        assert min(may) <= trough <= min(must)
        fell = fall(window, value, now=Seconds(now), rules=rules)
        assert fell is not None
        assert fell >= (Fraction(peak - value, peak) * 10**6 if peak > 0 else 0)


@pytest.mark.parametrize(("span", "slices"), [(60, 0), (5, 6), (0, 1)])
def test_a_window_that_cannot_be_cut_is_refused(span: int, slices: int) -> None:
    with pytest.raises(ValueError, match="expected 1 <= slices <= span"):
        WindowRules(span=Seconds(span), slices=slices)
