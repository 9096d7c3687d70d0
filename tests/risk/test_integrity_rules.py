"""No rule may say that a breach heals by itself, or wait on a clock that stands still."""

from dataclasses import replace

import pytest

from risk.integrity_rules import (
    Action,
    Cause,
    CauseRule,
    IntegrityRules,
    LadderStage,
    is_beyond,
    staged,
)
from risk.units import Ppm, Seconds

HALT_AT_ONCE = LadderStage(after=Seconds(0), action=Action.HALT)
REDUCE_LATER = LadderStage(after=Seconds(9), action=Action.REDUCE_ONLY)
RULE = CauseRule(limit=10, ladder=(HALT_AT_ONCE,), clear_for=Seconds(0), warm_up=1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ladder": ()}, "at least one stage in the ladder"),
        (
            {"ladder": (HALT_AT_ONCE, REDUCE_LATER)},
            "found HALT after 0 s, then REDUCE_ONLY after 9 s",
        ),
        ({"unknown": (HALT_AT_ONCE, REDUCE_LATER)}, "rise in time and action"),
        ({"ladder": (HALT_AT_ONCE, HALT_AT_ONCE)}, "rise in time and action"),
        ({"ladder": (replace(HALT_AT_ONCE, action=Action.NONE),)}, "stages that act"),
        ({"unknown": (replace(HALT_AT_ONCE, after=Seconds(-1)),)}, "stages that act"),
        ({"clear_for": Seconds(-1)}, "clear_for >= 0"),
        ({"warm_up": 0}, "warm_up >= 1"),
        (
            {"ladder": (replace(HALT_AT_ONCE, action=Action.CLOSE_WITHDRAWALS),)},
            "needs_operator where withdrawals are closed",
        ),
        (
            {"unknown": (replace(HALT_AT_ONCE, action=Action.CLOSE_WITHDRAWALS),)},
            "needs_operator where withdrawals are closed",
        ),
    ],
)
def test_a_rule_that_cannot_be_trusted_is_refused(change: dict[str, object], sentence: str) -> None:
    good = {"limit": 10, "ladder": (HALT_AT_ONCE,), "clear_for": Seconds(0), "warm_up": 1}
    with pytest.raises(ValueError, match=sentence):
        CauseRule(**(good | change))  # type: ignore[arg-type]


@pytest.mark.parametrize("cause", [Cause.SOLVENCY_BREACH, Cause.ROLE_CHANGED])
def test_a_breach_or_a_changed_role_never_clears_by_itself(cause: Cause) -> None:
    with pytest.raises(ValueError, match=f"needs_operator for {cause}"):
        IntegrityRules(causes={cause: RULE}, longest_gap=Seconds(1), tighter_band=Ppm(1))


def test_a_stalled_chain_does_not_wait_on_its_own_clock() -> None:
    slow = replace(RULE, ladder=(replace(HALT_AT_ONCE, after=Seconds(5)),))
    soft = replace(HALT_AT_ONCE, action=Action.TIGHTER_BAND)
    two = replace(RULE, ladder=(soft, REDUCE_LATER))
    for rule in (slow, two):
        with pytest.raises(ValueError, match="one stage after 0 s for chain_stalled"):
            IntegrityRules(
                causes={Cause.CHAIN_STALLED: rule}, longest_gap=Seconds(1), tighter_band=Ppm(1)
            )


@pytest.mark.parametrize(("gap", "band"), [(0, 1), (1, 0)])
def test_a_gap_or_a_band_of_nothing_is_refused(gap: int, band: int) -> None:
    with pytest.raises(ValueError, match="longest_gap >= 1 and tighter_band >= 1"):
        IntegrityRules(causes={}, longest_gap=Seconds(gap), tighter_band=Ppm(band))


def test_fewer_inputs_are_worse_and_more_of_everything_else() -> None:
    beyond = {cause: (is_beyond(cause, 9, 10), is_beyond(cause, 11, 10)) for cause in Cause}
    assert beyond.pop(Cause.BELOW_QUORUM) == (True, False)
    assert set(beyond.values()) == {(False, True)}
    assert not any(is_beyond(cause, 10, 10) for cause in Cause)


@pytest.mark.parametrize(
    ("lasted", "action"), [(0, Action.TIGHTER_BAND), (8, Action.TIGHTER_BAND), (9, Action.HALT)]
)
def test_a_stage_begins_with_its_own_second(lasted: int, action: Action) -> None:
    stages = (
        LadderStage(after=Seconds(0), action=Action.TIGHTER_BAND),
        LadderStage(after=Seconds(9), action=Action.HALT),
    )
    assert staged(stages, Seconds(lasted)) is action
    assert staged((), Seconds(lasted)) is Action.NONE
