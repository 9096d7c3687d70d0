"""What the journal promises about intents and transactions."""

from dataclasses import replace

import pytest

from runtime.journal import (
    REVERTED,
    DuplicateIntentError,
    IllegalTransitionError,
    Intent,
    Journal,
    Purpose,
    State,
)
from tests.runtime.journal.conftest import MakeDraft, MakeIntent, StepClock


def states(journal: Journal, reference: str) -> list[State]:
    return [move.to_state for move in journal.history(reference)]


def mine(journal: Journal, tx_hash: str, *, status: int = 1) -> None:
    journal.mined(tx_hash, block=9, status=status, gas_used=50_000)


def test_an_intent_goes_from_plan_to_final(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    intent, draft = make_intent(), make_draft()
    assert journal.plan([intent]) == [intent]
    journal.sign([intent.key], draft)
    journal.sent(draft.hash)
    mine(journal, draft.hash)
    journal.settle(intent.key, "liquidated", {"reward_atoms": 5})
    journal.final(draft.hash)
    way = [State.PLANNED, State.SIGNED, State.SENT, State.MINED, State.FINAL]
    assert states(journal, intent.key) == way
    assert states(journal, draft.hash) == way[1:]
    record = journal.intent(intent.key)
    assert record is not None
    assert (record.outcome, record.outcome_detail) == ("liquidated", {"reward_atoms": 5})


def test_a_key_is_planned_once(journal: Journal, make_intent: MakeIntent) -> None:
    assert journal.plan([make_intent("a"), make_intent("a"), make_intent("b")]) == [
        make_intent("a"),
        make_intent("b"),
    ]
    assert journal.plan([make_intent("b"), make_intent("c")]) == [make_intent("c")]


def test_a_known_intent_undoes_the_whole_plan_and_sign(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan([make_intent("a")])
    with pytest.raises(DuplicateIntentError):
        journal.plan_and_sign([make_intent("b"), make_intent("a")], make_draft())
    assert journal.intent(make_intent("b").key) is None
    assert journal.transactions_at_or_above("urgent", 0) == []
    assert journal.lanes()[0].next_nonce is None


def test_plan_and_sign_raises_the_next_nonce(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent()], make_draft(4))
    assert journal.lanes()[0].next_nonce == 5
    assert journal.transactions_at_or_above("urgent", 5) == []
    (record,) = journal.transactions_at_or_above("urgent", 4)
    assert (record.raw, record.attempt, record.fence) == (b"4 first", 1, journal.fence)


def test_what_is_in_flight_is_what_is_not_settled(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent("a"), make_intent("b")], make_draft())
    mine(journal, make_draft().hash)
    journal.settle(make_intent("a").key, "lost_race")
    assert [intent.account for intent in journal.in_flight("liquidation")] == ["b"]
    assert journal.accounts_in_flight("liquidation") == {("TSLA", "b")}
    assert journal.in_flight("price") == []


def test_a_failure_does_not_lock_an_account_out(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent("a")], make_draft())
    mine(journal, make_draft().hash, status=0)
    assert journal.accounts_in_flight("liquidation") == frozenset()
    record = journal.intent(make_intent("a").key)
    assert record is not None
    assert record.outcome == REVERTED
    assert journal.plan([make_intent("a", judged_on="block 8")]) != []


def test_a_reverted_transaction_ends_as_failed(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent()], make_draft())
    mine(journal, make_draft().hash, status=0)
    journal.final(make_draft().hash)
    assert [intent.key for intent in journal.intents(state=State.FAILED)] == [make_intent().key]
    transaction = journal.transaction(make_draft().hash)
    assert transaction is not None
    assert (transaction.state, transaction.reason) == (State.FAILED, REVERTED)


def test_a_replacement_carries_the_intents_on(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    first, second = make_draft(), make_draft(tag="second")
    journal.plan_and_sign([make_intent()], first)
    journal.sent(first.hash)
    journal.replaced(first.hash, second, "not mined for 12 s")
    assert [record.attempt for record in journal.open_transactions("urgent")] == [1, 2]
    mine(journal, second.hash)
    assert states(journal, first.hash)[-1] is State.REPLACED
    record, winner = journal.intent(make_intent().key), journal.transaction(second.hash)
    assert record is not None
    assert winner is not None
    assert (record.state, record.transaction_id) == (State.MINED, winner.id)


def test_a_replaced_attempt_may_still_win(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    first, second = make_draft(), make_draft(tag="second")
    journal.plan_and_sign([make_intent()], first)
    journal.replaced(first.hash, second, "not mined for 12 s")
    journal.sent(second.hash)
    mine(journal, first.hash)
    assert states(journal, second.hash)[-1] is State.REPLACED
    journal.final(first.hash)
    assert journal.open_transactions("urgent") == []
    assert journal.in_flight() == []


def test_a_mined_cancel_expires_the_intents(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    call, cancel = make_draft(), make_draft(tag="cancel", purpose=Purpose.CANCEL_EXPIRED)
    journal.plan_and_sign([make_intent()], call)
    journal.replaced(call.hash, cancel, "expired at 2000")
    journal.sent(cancel.hash)
    mine(journal, cancel.hash)
    assert states(journal, call.hash)[-1] is State.CANCELLED
    assert states(journal, make_intent().key)[-1] is State.EXPIRED
    assert journal.in_flight() == []


@pytest.mark.parametrize("purpose", [Purpose.CALL, Purpose.CANCEL_EXPIRED])
def test_a_reorganisation_puts_intents_back_in_flight(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft, purpose: Purpose
) -> None:
    call, other = make_draft(), make_draft(tag="other", purpose=purpose)
    journal.plan_and_sign([make_intent()], call)
    journal.sent(call.hash)
    journal.replaced(call.hash, other, "too slow")
    journal.sent(other.hash)
    mine(journal, other.hash)
    journal.settle(make_intent().key, "liquidated")
    journal.reorged(other.hash, "its receipt is gone")
    (intent,) = journal.in_flight()
    assert (intent.state, intent.outcome) == (State.SENT, None)
    mine(journal, call.hash)
    assert states(journal, make_intent().key)[-1] is State.MINED


def test_mining_again_in_another_block_keeps_the_state(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent()], make_draft())
    mine(journal, make_draft().hash)
    journal.mined(make_draft().hash, block=10, status=1, gas_used=1)
    transaction = journal.transaction(make_draft().hash)
    assert transaction is not None
    assert (transaction.state, transaction.mined_block) == (State.MINED, 10)


def test_a_foreign_nonce_fails_every_attempt(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    first, second = make_draft(), make_draft(tag="second")
    journal.plan_and_sign([make_intent()], first)
    journal.replaced(first.hash, second, "too slow")
    journal.failed(second.hash, "nonce 0 was used elsewhere")
    assert states(journal, first.hash)[-1] is State.FAILED
    assert [intent.reason for intent in journal.intents(state=State.FAILED)] == [
        "nonce 0 was used elsewhere"
    ]
    assert journal.in_flight() == []


def test_an_illegal_move_raises_and_changes_nothing(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent()], make_draft())
    with pytest.raises(IllegalTransitionError, match="to be mined, was signed"):
        journal.final(make_draft().hash)
    with pytest.raises(IllegalTransitionError, match="to be mined, was signed"):
        journal.reorged(make_draft().hash, "never was")
    mine(journal, make_draft().hash)
    journal.final(make_draft().hash)
    with pytest.raises(IllegalTransitionError, match="final -> mined"):
        mine(journal, make_draft().hash)
    with pytest.raises(IllegalTransitionError, match="final -> expired"):
        journal.expired([make_intent().key], "too late")
    assert states(journal, make_intent().key)[-1] is State.FINAL


def test_planned_intents_expire_or_are_cancelled(journal: Journal, make_intent: MakeIntent) -> None:
    journal.plan([make_intent("a"), make_intent("b"), make_intent("c")])
    journal.expired([make_intent("a").key], "too late")
    journal.cancelled([make_intent("b").key], "the market was halted")
    assert [intent.account for intent in journal.in_flight()] == ["c"]


def test_a_replacement_keeps_its_nonce(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent()], make_draft(0))
    with pytest.raises(ValueError, match="at its own nonce"):
        journal.replaced(make_draft(0).hash, make_draft(1), "why")


def test_an_unknown_key_or_hash_is_a_bug(journal: Journal, make_draft: MakeDraft) -> None:
    with pytest.raises(KeyError):
        journal.sign(["liquidation|TSLA|x|y"], make_draft())
    with pytest.raises(KeyError):
        journal.sent("0xdead")


def test_keys_cannot_be_forged_with_a_separator(make_intent: MakeIntent) -> None:
    with pytest.raises(ValueError, match="expected no"):
        make_intent("0xbb|0")


def test_sending_the_same_bytes_again_is_no_move(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent()], make_draft())
    journal.sent(make_draft().hash)
    journal.sent(make_draft().hash)
    assert states(journal, make_draft().hash) == [State.SIGNED, State.SENT]


def test_show_tells_the_newest_first(
    journal: Journal, clock: StepClock, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan([make_intent("a")])
    clock.seconds += 1
    journal.plan_and_sign([make_intent("b")], make_draft())
    journal.settle(make_intent("b").key, "liquidated", {"size_e8": 1})
    newest, oldest = journal.show()
    assert (newest["account"], newest["nonce"], newest["outcome"]) == ("b", 0, "liquidated")
    assert newest["outcome_detail"] == {"size_e8": 1}
    assert (oldest["account"], oldest["transaction_hash"]) == ("a", None)
    assert [line["account"] for line in journal.show(account="a")] == ["a"]


def test_counts_are_by_lane_and_state(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent("a")], make_draft(0))
    journal.plan_and_sign([make_intent("b")], make_draft(1))
    journal.sent(make_draft(1).hash)
    assert journal.counts() == {"urgent": {State.SIGNED: 1, State.SENT: 1}}


def test_prune_forgets_only_what_is_over(
    journal: Journal, clock: StepClock, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    for nonce, account in enumerate("abc"):
        journal.plan_and_sign([make_intent(account)], make_draft(nonce))
    for nonce in (0, 1):
        mine(journal, make_draft(nonce).hash)
    journal.final(make_draft(0).hash)
    clock.seconds += 100
    assert journal.prune(clock.seconds - 50) == 2
    assert [intent.account for intent in journal.intents()] == ["b", "c"]
    assert journal.history(make_draft(0).hash) == []
    assert journal.history(make_draft(1).hash) != []
    assert journal.lanes()[0].next_nonce == 3
    assert journal.prune(clock.seconds - 50) == 0


def test_prune_of_one_kind_leaves_the_others(
    journal: Journal, clock: StepClock, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    price = replace(make_intent("p"), kind="publish")
    for nonce, intent in enumerate((make_intent("a"), price)):
        journal.plan_and_sign([intent], make_draft(nonce))
        mine(journal, make_draft(nonce).hash)
        journal.final(make_draft(nonce).hash)
    clock.seconds += 100
    assert journal.prune(clock.seconds - 50, kind="publish") == 2
    assert [intent.account for intent in journal.intents()] == ["a"]
    assert journal.transaction(make_draft(0).hash) is not None
    assert journal.transaction(make_draft(1).hash) is None


def test_the_newest_intent_of_a_market_is_found(
    journal: Journal, clock: StepClock, make_intent: MakeIntent
) -> None:
    older, newer = make_intent("a"), make_intent("b")
    for intent in (older, newer, replace(make_intent("c"), market="OTHER")):
        journal.plan([intent])
        clock.seconds += 1
    found = journal.newest_intent(kind=older.kind, market=older.market)
    assert found is not None
    assert found.account == "b"
    assert found.payload == newer.payload
    assert journal.newest_intent(kind="publish", market=older.market) is None


def test_a_note_is_the_newest_value_alone(journal: Journal) -> None:
    assert journal.noted("breaker/NVDA") is None
    journal.note("breaker/NVDA", "paused")
    journal.note("breaker/AAPL", "normal")
    journal.note("breaker/NVDA", "reopening")
    assert journal.noted("breaker/NVDA") == "reopening"
    assert journal.noted("breaker/AAPL") == "normal"


def test_history_cannot_be_rewritten(journal: Journal, make_intent: MakeIntent) -> None:
    journal.plan([make_intent()])
    with pytest.raises(Exception, match="history is not rewritten"):
        journal._db.execute("UPDATE transitions SET reason = 'other'")


def test_payloads_keep_integers_of_any_size(journal: Journal) -> None:
    wei = 12_345_678_901_234_567_890_123
    intent = Intent(
        kind="k", market="m", account="a", judged_on="j", expires_at=1,
        payload={"z": wei, "a": b"\x01\xff", "s": frozenset({"y", "x"})},
    )  # fmt: skip
    journal.plan([intent])
    record = journal.intent(intent.key)
    assert record is not None
    assert record.payload == {"z": wei, "a": "0x01ff", "s": ["x", "y"]}
