"""A price comes down the ladder slowly, and climbs back one rung at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.price_support import STARTING, Rung, Support, SupportRules, after_round, widened
from risk.units import PriceE8, Seconds

RULES = SupportRules(
    wanted=4,
    minimum=2,
    reduce_only_after=Seconds(30),
    silent_after=Seconds(120),
    recovery_rounds=3,
)


def walk(rounds: list[tuple[int, int]], before: Support = STARTING) -> list[Rung]:
    """Give the rung after each (seconds, inputs) round."""
    rungs = []
    for now, inputs in rounds:
        before = after_round(before, inputs, now=Seconds(now), rules=RULES)
        rungs.append(before.rung)
    return rungs


@pytest.mark.parametrize(
    ("inputs", "rung"),
    [(6, Rung.FULL), (4, Rung.FULL), (3, Rung.WIDENED), (2, Rung.WIDENED), (1, Rung.SILENT)],
)
def test_the_first_round_is_judged_at_once(inputs: int, rung: Rung) -> None:
    assert walk([(100, inputs)]) == [rung]


def test_too_few_inputs_lead_down_as_time_passes() -> None:
    assert walk([(0, 4), (1, 1), (30, 1), (31, 1), (120, 1), (121, 1)]) == [
        Rung.FULL,
        Rung.WIDENED,
        Rung.WIDENED,
        Rung.REDUCE_ONLY,
        Rung.REDUCE_ONLY,
        Rung.SILENT,
    ]


def test_a_round_without_inputs_silences_nothing_until_it_lasts() -> None:
    assert walk([(0, 4), (1, 0), (4, 4), (7, 4), (10, 4)]) == [
        Rung.FULL,
        *[Rung.WIDENED] * 3,
        Rung.FULL,
    ]


def test_after_a_restart_too_few_inputs_open_nothing_however_long() -> None:
    assert set(walk([(second, 1) for second in range(60)])) == {Rung.SILENT}


SILENCED = [(0, 4), (1, 0), (121, 0)]


def test_good_rounds_lead_back_one_rung_at_a_time() -> None:
    rungs = walk([*SILENCED, *((122 + second, 4) for second in range(9))])
    assert rungs[2:] == [
        *[Rung.SILENT] * 3,
        *[Rung.REDUCE_ONLY] * 3,
        *[Rung.WIDENED] * 3,
        Rung.FULL,
    ]


def test_a_source_that_flaps_does_not_lead_back() -> None:
    flapping = [(122 + second, 4 if second % 3 else 0) for second in range(30)]
    assert set(walk([*SILENCED, *flapping])[2:]) == {Rung.SILENT}


def test_the_clock_of_a_shortage_starts_anew_after_enough_inputs() -> None:
    assert walk([(0, 4), (1, 1), (29, 2), (30, 1), (59, 1), (60, 1)])[-2:] == [
        Rung.WIDENED,
        Rung.REDUCE_ONLY,
    ]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6)), min_size=1, max_size=60))
def test_never_climbs_more_than_one_rung_or_without_good_rounds(
    rounds: list[tuple[int, int]],
) -> None:
    now, before = 0, after_round(STARTING, 4, now=Seconds(0), rules=RULES)
    rounds_since_a_climb = RULES.recovery_rounds
    for elapsed, inputs in rounds:
        now += elapsed
        after = after_round(before, inputs, now=Seconds(now), rules=RULES)
        rounds_since_a_climb += 1
        if after.rung < before.rung:
            assert after.rung == before.rung - 1
            assert rounds_since_a_climb >= RULES.recovery_rounds
            rounds_since_a_climb = 0
        if after.short_since is not None and now - after.short_since >= RULES.silent_after:
            assert after.rung is Rung.SILENT
        before = after


@pytest.mark.parametrize(
    ("confidence", "inputs", "wide"),
    [(1_000, 4, 1_000), (1_000, 8, 1_000), (1_000, 2, 2_000), (1_000, 3, 1_334), (0, 1, 0)],
)
def test_fewer_inputs_widen_the_confidence(confidence: int, inputs: int, wide: int) -> None:
    assert widened(PriceE8(confidence), inputs, RULES) == wide


def test_without_an_input_there_is_nothing_to_widen() -> None:
    with pytest.raises(ValueError, match="at least one input, found 0"):
        widened(PriceE8(1), 0, RULES)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"minimum": 5}, "1 <= minimum <= wanted"),
        ({"minimum": 0}, "1 <= minimum <= wanted"),
        ({"reduce_only_after": 121}, "reduce_only_after <= silent_after"),
        ({"recovery_rounds": 0}, "recovery_rounds >= 1"),
    ],
)
def test_rules_that_cannot_stand_together_are_refused(facts: dict[str, int], sentence: str) -> None:
    good = {
        "wanted": 4,
        "minimum": 2,
        "reduce_only_after": 30,
        "silent_after": 120,
        "recovery_rounds": 3,
    }
    with pytest.raises(ValueError, match=sentence):
        SupportRules(**(good | facts))
