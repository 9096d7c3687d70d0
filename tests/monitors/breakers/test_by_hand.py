"""Whose a status on chain is, seen second by second."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from monitors.breakers.by_hand import ADOPTION, Ownership, looked, resumed, wish
from risk.units import MarketStatus, Seconds

OPEN, LIMIT, REDUCE, HALTED = (MarketStatus(number) for number in range(4))
STATUSES = st.sampled_from([OPEN, LIMIT, REDUCE, HALTED])


def watch(steps: Iterable[tuple[MarketStatus, MarketStatus]], since: Ownership) -> Ownership:
    """Look once a second at (status on chain, status that our machines want)."""
    for second, (status, wanted) in enumerate(steps):
        since = looked(since, status, wanted, Seconds(second))
    return since


def test_a_halt_that_nobody_here_wants_is_somebody_elses_until_it_is_softened() -> None:
    halted = watch([(HALTED, OPEN)] * 60, Ownership())
    assert (wish(halted).status, halted.own) == (HALTED, OPEN)
    assert "somebody else set HALTED" in wish(halted).why
    # Ours, an hour later, does not make it ours.
    later = looked(halted, HALTED, HALTED, Seconds(3_600))
    assert wish(later).status is HALTED
    assert wish(looked(later, LIMIT, OPEN, Seconds(3_601))).status is LIMIT
    assert wish(looked(later, OPEN, OPEN, Seconds(3_601))).status is OPEN


def test_what_another_instance_set_a_moment_before_us_is_ours_too() -> None:
    faster = watch([(HALTED, OPEN)] * ADOPTION + [(HALTED, HALTED)], Ownership())
    assert (wish(faster).status, faster.own) == (OPEN, HALTED)
    too_late = watch([(HALTED, OPEN)] * (ADOPTION + 1) + [(HALTED, HALTED)], Ownership())
    assert wish(too_late).status is HALTED


def test_what_comes_after_our_own_was_lifted_is_not_ours() -> None:
    ours = Ownership(own=HALTED, seen=HALTED)
    lifted = looked(ours, OPEN, HALTED, Seconds(0))
    assert lifted.own is OPEN
    again = looked(lifted, HALTED, OPEN, Seconds(9))
    assert wish(again).status is HALTED


def test_our_own_is_ours_before_the_chain_shows_it() -> None:
    sent = Ownership(own=HALTED)
    waiting = watch([(OPEN, HALTED)] * 5, sent)
    assert waiting.own is HALTED
    assert wish(looked(waiting, HALTED, HALTED, Seconds(6))).status is OPEN


def test_a_resumption_makes_it_ours_to_lift_if_it_was_known() -> None:
    halted = watch([(HALTED, OPEN)] * 60, Ownership())
    assert resumed(halted, HALTED).own is HALTED
    # A stricter one that is only seen now may be younger than the word.
    limited = watch([(LIMIT, OPEN)] * 60, Ownership())
    assert resumed(limited, HALTED) == limited
    assert resumed(Ownership(), HALTED) == Ownership()


@given(steps=st.lists(st.tuples(STATUSES, STATUSES), max_size=40))
def test_a_status_on_chain_is_ours_or_is_asked_for(
    steps: list[tuple[MarketStatus, MarketStatus]],
) -> None:
    state = watch(steps, Ownership())
    if steps:
        status = steps[-1][0]
        assert max(state.own, wish(state).status) >= status
        assert wish(state).status in {OPEN, status}
