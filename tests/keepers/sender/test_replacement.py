"""What happens to a transaction that is not mined: again, dearer, cancelled, repaired."""

import dataclasses
from pathlib import Path

import pytest

from keepers.sender import Refusal
from keepers.sender.transaction import decode
from runtime.journal import Purpose, State
from tests.anvil import Anvil
from tests.keepers.sender.rig import (
    ADDRESS,
    GWEI,
    QUICK,
    Rig,
    make_call,
    make_intent,
    running_rig,
)


async def test_lost_bytes_are_sent_again_unchanged(rig: Rig) -> None:
    tx_hash = await rig.submit()
    rig.rpc.call("anvil_dropTransaction", tx_hash)
    await rig.turn(after_seconds=1.9)
    assert rig.pool_nonces() == {}
    await rig.turn(after_seconds=0.2)
    assert rig.pool_nonces() == {0: tx_hash}
    rig.rpc.call("anvil_dropTransaction", tx_hash)
    await rig.turn(after_seconds=3.0)
    assert rig.pool_nonces() == {0: tx_hash}
    assert rig.sample("bellkeeper_sender_transactions_total", event="rebroadcast") == 2
    assert len(rig.journal.transactions_at_or_above("urgent", 0)) == 1


async def test_a_stuck_transaction_is_replaced_at_its_own_nonce_by_a_dearer_one(rig: Rig) -> None:
    first = await rig.submit(1)
    second = await rig.submit(2)
    await rig.turn(after_seconds=12.1)
    pool = rig.pool_nonces()
    assert pool[0] != first
    assert pool[1] == second
    old, new = (
        decode(record.raw) for record in rig.journal.transactions_at_or_above("urgent", 0)[:2]
    )
    assert new == dataclasses.replace(old, max_fee=new.max_fee, tip=new.tip)
    assert new.max_fee * 1000 > old.max_fee * 1125
    assert new.tip * 1000 > old.tip * 1125
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined", "mined"]
    # Receipts are looked up side by side: either may be seen first.
    (told,) = [outcome for outcome in rig.outcomes if outcome.nonce == 0]
    assert told.transaction_hash == pool[0]
    assert told.intent_keys == (make_intent(1).key,)


async def test_the_first_attempt_may_win_after_all(rig: Rig) -> None:
    first = await rig.submit()
    raw = rig.journal.transactions_at_or_above("urgent", 0)[0].raw
    await rig.turn(after_seconds=12.1)
    (second,) = rig.pool_nonces().values()
    rig.rpc.call("anvil_dropTransaction", second)
    rig.rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"]
    assert rig.outcomes[0].transaction_hash == first
    beaten = rig.journal.transaction(second)
    assert beaten is not None
    assert beaten.state is State.REPLACED


async def test_no_replacement_costs_more_than_the_cap(anvil: Anvil, tmp_path: Path) -> None:
    policy = dataclasses.replace(QUICK, fee_cap=4 * GWEI, cancel_fee_cap=6 * GWEI)
    async with running_rig(anvil, tmp_path, policy=policy) as rig:
        await rig.submit()
        for _ in range(8):
            await rig.turn(after_seconds=12.1)
        fees = [record.max_fee for record in rig.journal.transactions_at_or_above("urgent", 0)]
        assert fees == sorted(fees)
        assert fees[-1] <= 4 * GWEI
        assert len(fees) < 9
        rig.mine()
        await rig.turn()
        assert rig.results() == ["mined"]


async def test_what_expires_unmined_is_cancelled(rig: Rig) -> None:
    now = int(rig.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    call_hash = await rig.submit(expires_at=now + 30)
    rig.rpc.call("anvil_dropTransaction", call_hash)
    rig.rpc.call("evm_setNextBlockTimestamp", now + 31)
    rig.mine()
    await rig.turn()
    (cancel_hash,) = rig.pool_nonces().values()
    cancel = rig.journal.transaction(cancel_hash)
    assert cancel is not None
    assert cancel.purpose is Purpose.CANCEL_EXPIRED
    transaction = decode(cancel.raw)
    assert (transaction.to, transaction.value, transaction.data) == (ADDRESS, 0, b"")
    rig.mine()
    await rig.turn()
    assert rig.results() == ["expired"]
    (intent,) = rig.journal.intents(state=State.EXPIRED)
    assert f"expired at {now + 30}" in intent.reason
    assert rig.journal.in_flight() == []
    await rig.submit(2)


async def test_a_gap_is_repaired_with_the_journaled_bytes(rig: Rig) -> None:
    first = await rig.submit(1)
    second = await rig.submit(2)
    rig.rpc.call("anvil_dropTransaction", first)
    await rig.turn(after_seconds=2.1)
    assert rig.pool_nonces() == {0: first, 1: second}
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined", "mined"]


async def test_a_gap_nothing_of_ours_can_fill_is_used_up(rig: Rig) -> None:
    rig.journal.adopt_nonce("urgent", 1)
    rig.lane._book.next_nonce = 1
    above = await rig.submit()
    await rig.turn()
    assert rig.pool_nonces() == {1: above}
    await rig.turn(after_seconds=2.1)
    assert sorted(rig.pool_nonces()) == [0, 1]
    rig.mine()
    await rig.turn()
    assert sorted(rig.results()) == ["cancelled", "mined"]


async def test_too_low_a_fee_is_raised_at_once(rig: Rig) -> None:
    rig.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(5 * GWEI))
    await rig.submit()
    rig.mine()
    await rig.turn()
    await rig.turn(after_seconds=12.1)
    fees = [record.max_fee for record in rig.journal.transactions_at_or_above("urgent", 0)]
    assert fees[-1] >= 5 * GWEI
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"]


async def test_a_foreign_transaction_at_our_nonce_stops_the_lane(rig: Rig) -> None:
    ours = await rig.submit()
    rig.rpc.call("anvil_dropTransaction", ours)
    rig.rpc.call(
        "eth_sendTransaction",
        {"from": "0x" + ADDRESS.hex(), "to": "0x" + "77" * 20, "nonce": "0x0"},
    )
    rig.mine()
    for _ in range(3):
        await rig.turn()
    assert "nonce 0 is used and none of our transactions has a receipt" in rig.lane.why_halted
    assert rig.sample("bellkeeper_sender_foreign_nonces_total") == 1
    refused = await rig.lane.submit([make_intent(5)], make_call(), expires_at=2**40)
    assert refused.refusal is Refusal.LANE_HALTED
    await rig.turn(after_seconds=30)
    assert len(rig.journal.transactions_at_or_above("urgent", 0)) == 1
    await rig.lane.acknowledge_foreign_nonces()
    assert rig.results() == ["failed"]
    assert rig.journal.in_flight() == []
    await rig.submit(5)
    rig.mine()
    await rig.turn()
    assert rig.results() == ["failed", "mined"]


async def test_a_receipt_that_was_only_late_lets_the_lane_go_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.submit()
    rig.mine()

    async def late(_: str) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(rig.tools.chain, "receipt", late)
        for _ in range(4):
            await rig.turn()
    assert "none of our transactions has a receipt" in rig.lane.why_halted
    await rig.turn()
    assert rig.lane.why_halted == ""
    assert rig.results() == ["mined"]


async def test_a_foreign_transaction_beyond_our_nonces_stops_the_lane(rig: Rig) -> None:
    rig.rpc.call("eth_sendTransaction", {"from": "0x" + ADDRESS.hex(), "to": "0x" + "77" * 20})
    rig.mine()
    await rig.turn()
    assert "this lane only signed for 0" in rig.lane.why_halted
    await rig.lane.acknowledge_foreign_nonces()
    assert rig.lane.why_halted == ""
    assert rig.lane.next_nonce == 1
