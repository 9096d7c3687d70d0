"""Every branch of what to do next, without a chain."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepers.sender.policy import (
    Broadcast,
    Cancel,
    DeclareForeign,
    Fees,
    Finalise,
    Head,
    LookUp,
    Mined,
    Policy,
    Replace,
    Send,
    Settled,
    Signed,
    TakeBack,
    Wait,
    bumped,
    is_gap,
    next_step,
)
from runtime.journal import Purpose

POLICY = Policy(fee_cap=1_000, cancel_fee_cap=1_500)
FEES = Fees(max_fee=100, tip=10)
HEAD = Head(number=50, timestamp=900, nonce=7, nonce_since=0.0, suggested=FEES)
SENT = Broadcast(
    nonce=7, purpose=Purpose.CALL, fees=FEES, expires_at=1_000, attempt_at=0.0, sent_at=0.0
)
MINED = Mined(nonce=6, block=45, verified_at=45)


def broadcast(**facts: object) -> Broadcast:
    return dataclasses.replace(SENT, **facts)  # type: ignore[arg-type]


def head(**facts: object) -> Head:
    return dataclasses.replace(HEAD, **facts)  # type: ignore[arg-type]


def mined(**facts: object) -> Mined:
    return dataclasses.replace(MINED, **facts)  # type: ignore[arg-type]


def test_signed_bytes_are_sent() -> None:
    state = Signed(nonce=7, purpose=Purpose.CALL, fees=FEES, expires_at=1_000)
    assert isinstance(next_step(state, HEAD, 0.0, POLICY), Send)


def test_settled_is_left_alone() -> None:
    assert isinstance(next_step(Settled(nonce=7), HEAD, 0.0, POLICY), Wait)


@pytest.mark.parametrize(
    ("sends", "now", "expected"),
    [(1, 1.9, Wait), (1, 2.0, Send), (2, 4.9, Wait), (2, 5.0, Send), (3, 11.9, Wait)],
)
def test_the_same_bytes_go_out_again_on_schedule(sends: int, now: float, expected: type) -> None:
    assert isinstance(next_step(broadcast(sends=sends), HEAD, now, POLICY), expected)


def test_after_the_schedule_bytes_go_out_at_the_pace_of_replacements() -> None:
    behind = broadcast(nonce=9, sends=3, sent_at=5.0)
    assert isinstance(next_step(behind, HEAD, 16.9, POLICY), Wait)
    assert isinstance(next_step(behind, HEAD, 17.0, POLICY), Send)


def test_the_next_in_line_is_replaced_after_a_while() -> None:
    step = next_step(broadcast(sends=3), HEAD, 12.0, POLICY)
    assert isinstance(step, Replace)
    assert step.fees == Fees(max_fee=116, tip=13)


def test_whoever_is_behind_is_not_made_dearer() -> None:
    assert isinstance(next_step(broadcast(nonce=8, sends=3), HEAD, 11.9, POLICY), Wait)
    assert isinstance(next_step(broadcast(nonce=8, sends=3), HEAD, 99.0, POLICY), Send)


def test_waiting_counts_from_being_next_in_line() -> None:
    advanced = head(nonce_since=10.0)
    assert not isinstance(next_step(broadcast(sends=3), advanced, 21.9, POLICY), Replace)
    assert isinstance(next_step(broadcast(sends=3), advanced, 22.0, POLICY), Replace)


def test_at_the_cap_the_bytes_go_out_again_instead() -> None:
    dear = broadcast(fees=Fees(max_fee=950, tip=10), sends=3)
    assert isinstance(next_step(dear, HEAD, 12.0, POLICY), Send)
    assert isinstance(
        next_step(dataclasses.replace(dear, is_underpriced=True), HEAD, 1.0, POLICY), Wait
    )


def test_an_underpriced_one_is_raised_at_once() -> None:
    assert isinstance(next_step(broadcast(is_underpriced=True), HEAD, 0.1, POLICY), Replace)


def test_expiry_is_at_its_very_second() -> None:
    assert isinstance(next_step(SENT, head(timestamp=999), 0.1, POLICY), Wait)
    step = next_step(SENT, head(timestamp=1_000), 0.1, POLICY)
    assert isinstance(step, Cancel)
    assert step.purpose is Purpose.CANCEL_EXPIRED


def test_a_refused_call_is_cancelled_with_its_reason() -> None:
    step = next_step(broadcast(refusal="gas too low"), HEAD, 0.1, POLICY)
    assert isinstance(step, Cancel)
    assert (step.purpose, step.reason) == (
        Purpose.CANCEL_REFUSED,
        "a node refused it: gas too low",
    )


def test_a_call_at_its_cap_can_still_be_cancelled() -> None:
    expired = head(timestamp=2_000)
    step = next_step(broadcast(fees=Fees(max_fee=1_000, tip=0)), expired, 0.1, POLICY)
    assert isinstance(step, Cancel)
    assert step.fees == Fees(max_fee=1_151, tip=10)
    full = broadcast(fees=Fees(max_fee=1_400, tip=0))
    assert isinstance(next_step(full, expired, 0.1, POLICY), Wait)


def test_a_cancel_does_not_expire_and_is_raised_to_its_own_cap() -> None:
    cancel = broadcast(purpose=Purpose.CANCEL_EXPIRED, fees=Fees(max_fee=1_200, tip=1), sends=3)
    assert isinstance(next_step(cancel, head(timestamp=2_000), 0.1, POLICY), Wait)
    step = next_step(cancel, head(timestamp=2_000), 12.0, POLICY)
    assert isinstance(step, Replace)
    assert step.fees.max_fee == 1_381


def test_what_was_found_in_the_journal_is_sent_first() -> None:
    assert isinstance(next_step(broadcast(sends=0), HEAD, 0.0, POLICY), Send)


def test_what_a_node_waits_for_is_sent_at_once() -> None:
    assert isinstance(next_step(broadcast(is_wanted_again=True), HEAD, 0.3, POLICY), Send)


def test_a_used_nonce_is_looked_up_then_foreign() -> None:
    used = head(nonce=8)
    assert isinstance(next_step(SENT, used, 0.0, POLICY), LookUp)
    assert isinstance(next_step(broadcast(misses=1, looked_up_at=0.0), used, 0.4, POLICY), Wait)
    assert isinstance(next_step(broadcast(misses=1, looked_up_at=0.0), used, 0.5, POLICY), LookUp)
    assert isinstance(next_step(broadcast(misses=6), used, 0.0, POLICY), DeclareForeign)
    assert isinstance(next_step(broadcast(misses=7), used, 0.0, POLICY), LookUp)


def test_a_mined_one_is_believed_when_deep_and_looked_at_again() -> None:
    assert isinstance(next_step(MINED, head(number=54), 0.0, POLICY), Wait)
    assert isinstance(next_step(MINED, head(number=55), 0.0, POLICY), LookUp)
    assert isinstance(next_step(mined(verified_at=55), head(number=55), 0.0, POLICY), Finalise)


def test_a_mined_one_whose_nonce_is_free_again_is_taken_back_after_two_looks() -> None:
    free = head(nonce=6)
    assert isinstance(next_step(MINED, free, 0.0, POLICY), LookUp)
    assert isinstance(next_step(MINED, head(nonce=6, number=44), 0.0, POLICY), Wait)
    once = mined(misses=1, looked_up_at=0.0)
    assert isinstance(next_step(once, free, 0.1, POLICY), Wait)
    assert isinstance(next_step(once, HEAD, 0.6, POLICY), LookUp)
    assert isinstance(next_step(mined(misses=2), free, 0.0, POLICY), TakeBack)


def test_a_gap_needs_patience() -> None:
    assert is_gap(HEAD, frozenset({8}), 9, 2.0, POLICY)
    assert not is_gap(HEAD, frozenset({8}), 9, 1.9, POLICY)
    assert not is_gap(HEAD, frozenset({7}), 9, 2.0, POLICY)
    assert not is_gap(HEAD, frozenset(), 7, 2.0, POLICY)


def test_a_policy_that_nodes_would_refuse_is_refused_here() -> None:
    with pytest.raises(ValueError, match="bump above 10 %"):
        Policy(bump_ppm=100_000)
    with pytest.raises(ValueError, match="expected cancel_fee_cap more than 10 %"):
        Policy(fee_cap=1_000, cancel_fee_cap=1_100)


@settings(deadline=None)
@given(
    max_fee=st.integers(1, 10**13),
    tip=st.integers(0, 10**13),
    suggested=st.integers(0, 10**13),
    cap=st.integers(1, 10**13),
)
def test_bumped_fees_are_such_as_nodes_accept(
    max_fee: int, tip: int, suggested: int, cap: int
) -> None:
    tip = min(tip, max_fee)
    new = bumped(
        Fees(max_fee=max_fee, tip=tip),
        Fees(max_fee=suggested, tip=suggested // 2),
        cap=cap,
        policy=POLICY,
    )
    if new is None:
        assert cap * 100 <= max_fee * 110
        return
    assert max_fee * 110 < new.max_fee * 100
    assert new.max_fee <= cap
    assert new.tip <= new.max_fee
    assert tip == 0 or tip * 110 < new.tip * 100
