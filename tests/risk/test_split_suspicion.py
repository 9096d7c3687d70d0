"""A split that nobody announced is noticed; an ordinary crash is not taken for one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.corporate_values import Ratio
from risk.split_suspicion import (
    KNOWN_RATIOS,
    Move,
    SuspicionRules,
    nearest_ratio,
    suspected_split,
)
from risk.units import Ppm, PriceE8
from tests.builders import price

RULES = SuspicionRules()


def move(
    before: int | str, after: int | str, source: str = "pyth", *, closed: bool = False
) -> Move:
    return Move(source=source, before=price(before), after=price(after), is_over_closure=closed)


@given(st.sampled_from(KNOWN_RATIOS), st.integers(10**6, 10**12), st.integers(-19_000, 19_000))
def test_every_known_ratio_is_noticed_with_some_noise(
    ratio: Ratio, before: int, noise: int
) -> None:
    after = before * ratio.denominator * (10**6 + noise) // (ratio.numerator * 10**6)
    moved = Move(source="pyth", before=PriceE8(before), after=PriceE8(after))
    suspicion = suspected_split([moved], rules=RULES)
    assert suspicion is not None
    assert suspicion.ratio == ratio


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 100_000))
def test_a_move_that_is_small_is_near_no_ratio(before: int, after: int, tolerance: int) -> None:
    rules = SuspicionRules(tolerance=Ppm(tolerance), closure_tolerance=Ppm(100_000))
    moved = Move(source="pyth", before=PriceE8(before), after=PriceE8(after))
    near = [
        ratio
        for ratio in KNOWN_RATIOS
        if abs(after * ratio.numerator - before * ratio.denominator) * 10**6
        <= before * ratio.denominator * tolerance
    ]
    found = nearest_ratio(moved, rules)
    assert (found is not None) == bool(near)
    assert found is None or found in near


@given(st.integers(10**6, 10**12), st.integers(-300_000, 420_000), st.booleans())
def test_a_fall_below_30_percent_or_a_rise_below_42_is_never_suspected(
    before: int,
    moved: int,
    closed: bool,  # noqa: FBT001 - drawn
) -> None:
    after = before + before * moved // 10**6 + 1
    one = Move(source="pyth", before=PriceE8(before), after=PriceE8(after), is_over_closure=closed)
    assert suspected_split([one], rules=RULES) is None


@pytest.mark.parametrize(
    ("after", "closed", "ratio"),
    [
        pytest.param("50", False, "2:1", id="half"),
        pytest.param("49", False, "2:1", id="the edge below"),
        pytest.param("51", False, "2:1", id="the edge above"),
        pytest.param("48.99", False, None, id="beyond, within an update"),
        pytest.param("48.99", True, "2:1", id="the same over a closure"),
        pytest.param("52.5", True, "2:1", id="the edge over a closure"),
        pytest.param("52.51", True, None, id="beyond it"),
        pytest.param("57", True, None, id="a crash between two ratios"),
        pytest.param("66.67", False, "3:2", id="three for two"),
        pytest.param("4", False, "25:1", id="25:1"),
        pytest.param("1000", False, "1:10", id="a reverse split"),
        pytest.param("150", False, "2:3", id="two for three, or a take-over"),
        pytest.param("100", False, None, id="nothing"),
    ],
)
def test_how_near_is_near(after: str, *, closed: bool, ratio: str | None) -> None:
    found = nearest_ratio(move(100, after, closed=closed), RULES)
    assert (None if found is None else str(found)) == ratio


def test_a_crash_that_takes_several_updates_is_no_split() -> None:
    path = [100, 82, 71, 60, 52, 50]
    moves = [move(before, after) for before, after in itertools.pairwise(path)]
    assert all(suspected_split([each], rules=RULES) is None for each in moves)


@pytest.mark.parametrize(
    ("halved", "others", "is_suspected"),
    [(1, 0, True), (1, 1, True), (1, 2, False), (2, 2, True), (2, 3, False), (3, 0, True)],
)
def test_half_of_the_sources_must_say_so(halved: int, others: int, *, is_suspected: bool) -> None:
    moves = [move(100, 50, f"halved{n}") for n in range(halved)]
    moves += [move(100, 99, f"other{n}") for n in range(others)]
    assert (suspected_split(moves, rules=RULES) is not None) == is_suspected


def test_what_an_action_explains_is_no_suspicion_and_another_ratio_still_is() -> None:
    expected = Ratio(numerator=2, denominator=1)
    assert suspected_split([move(100, 50)], rules=RULES, expected=expected) is None
    assert suspected_split([move(100, 25)], rules=RULES, expected=expected) is not None


def test_the_sentence_tells_prices_ratio_and_sources() -> None:
    moves = [move(240, 24, "pyth"), move(240, "24.1", "chainlink"), move(240, 239, "slow")]
    suspicion = suspected_split(moves, rules=RULES)
    assert suspicion is not None
    assert suspicion.sources == ("chainlink", "pyth")
    assert suspicion.why == (
        "the price went from 240.00 to 24.10 within one update, as after a split 10:1 that nobody"
        " announced, says chainlink and pyth of 3 sources"
    )


@pytest.mark.parametrize(("before", "after"), [(0, 100), (100, 0)])
def test_a_price_that_is_none_is_no_move(before: int, after: int) -> None:
    assert suspected_split([move(before, after)], rules=RULES) is None


def test_without_sources_nothing_is_suspected() -> None:
    assert suspected_split([], rules=RULES) is None


def test_tolerances_in_which_ratios_run_together_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 < tolerance"):
        SuspicionRules(closure_tolerance=Ppm(150_000))
    with pytest.raises(ValueError, match="expected 0 < tolerance"):
        SuspicionRules(tolerance=Ppm(60_000))
