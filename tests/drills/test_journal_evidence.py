"""The journal against the chain."""

from drills.journal_evidence import Reason, evidence, reasons_of
from runtime.journal.records import IntentRecord, Purpose, State, TransactionRecord


def signed(nonce: int, tx_hash: str, *, attempt: int = 0, sent: bool = True) -> TransactionRecord:
    return TransactionRecord(
        id=nonce * 10 + attempt,
        lane="urgent",
        nonce=nonce,
        attempt=attempt,
        purpose=Purpose.CALL,
        raw=b"",
        hash=tx_hash,
        gas=1,
        max_fee=1,
        tip=0,
        expires_at=0,
        fence=1,
        state=State.SENT,
        reason="",
        decided_at=None,
        signing_at=None,
        signed_at=0.0,
        sent_at=1.0 if sent else None,
        updated_at=1.0,
        mined_block=None,
        status=None,
        gas_used=None,
    )


def test_a_replaced_attempt_is_one_whose_nonce_another_took() -> None:
    found = evidence([signed(0, "a"), signed(0, "b", attempt=1)], {"b": 1})
    assert (found.sent, found.mined, found.replaced, found.failed) == (2, 1, 1, 0)
    assert found.is_each_nonce_mined_once("urgent", 1)


def test_a_nonce_that_nothing_of_the_journal_took_is_noticed() -> None:
    assert not evidence([signed(0, "a")], {}).is_each_nonce_mined_once("urgent", 1)
    assert not evidence([signed(0, "a")], {"a": 1}).is_each_nonce_mined_once("urgent", 2)


def test_two_mined_attempts_at_one_nonce_are_noticed() -> None:
    found = evidence([signed(0, "a"), signed(0, "b", attempt=1)], {"a": 1, "b": 1})
    assert not found.is_each_nonce_mined_once("urgent", 1)


def test_a_lane_that_never_signed_is_in_order_when_the_chain_saw_nothing_of_it() -> None:
    assert evidence([], {}).is_each_nonce_mined_once("housekeeping", 0)
    assert not evidence([], {}).is_each_nonce_mined_once("housekeeping", 1)


def test_a_reverted_transaction_is_mined_and_failed() -> None:
    found = evidence([signed(0, "a")], {"a": 0})
    assert (found.mined, found.failed) == (1, 1)


def test_what_was_signed_but_left_only_by_the_chains_word_counts_as_sent() -> None:
    assert evidence([signed(0, "a", sent=False)], {"a": 1}).sent == 1
    assert evidence([signed(0, "a", sent=False)], {}).sent == 0


def written(market: str, transaction_id: int | None, **payload: object) -> IntentRecord:
    return IntentRecord(
        key=f"control|{market}||1",
        kind="control",
        market=market,
        account="",
        judged_on="1",
        expires_at=0,
        payload=payload,
        state=State.SENT,
        reason="",
        transaction_id=transaction_id,
        outcome=None,
        outcome_detail=None,
        planned_at=0.0,
        updated_at=0.0,
        settled_at=None,
    )


def test_a_status_has_its_reason_under_every_attempt_at_its_nonce() -> None:
    records = [signed(3, "a"), signed(3, "b", attempt=1), signed(4, "c")]
    halt = written("SPY", 30, what="status", by="market_wide", why="level 1")
    band = written("SPY", 40, what="band", by="band", why="moved")
    unsent = written("QQQ", None, what="status", by="band", why="never")
    reason = Reason(by="market-wide", why="level 1")
    assert reasons_of([halt, band, unsent], records) == {
        ("a", "SPY"): reason,
        ("b", "SPY"): reason,
    }
