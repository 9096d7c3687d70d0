"""A lane on a real chain: the fast path, receipts, refusals, and what blocks nobody."""

import asyncio
from pathlib import Path

import pytest

from keepers.sender import LaneSettings, Refusal
from runtime.errors import TransientError
from runtime.journal import State
from tests.anvil import Anvil, running_anvil
from tests.keepers.sender.rig import (
    ADDRESS,
    REVERTER,
    Rig,
    make_call,
    make_intent,
    running_rig,
)


async def test_a_transaction_is_mined_and_becomes_final(rig: Rig) -> None:
    tx_hash = await rig.submit()
    assert rig.lane.in_flight == 1
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"]
    receipt = rig.outcomes[0].receipt
    assert receipt is not None
    assert receipt["status"] == "0x1"
    assert len(receipt["logs"]) == 1  # type: ignore[arg-type]
    rig.mine(2)
    await rig.turn()
    await rig.turn()
    assert rig.results() == ["mined", "final"]
    way = [move.to_state for move in rig.journal.history(tx_hash)]
    assert way == [State.SIGNED, State.SENT, State.MINED, State.FINAL]
    assert rig.sample("bellkeeper_sender_transactions_total", event="mined") == 1
    assert rig.sample("bellkeeper_sender_in_flight") == 0


async def test_a_sync_reply_brings_the_receipt_at_once(anvil: Anvil, tmp_path: Path) -> None:
    async with running_rig(anvil, tmp_path, automine=True, sync=True) as rig:
        await rig.submit()
        assert rig.results() == ["mined"]


async def test_a_noted_log_brings_the_receipt(rig: Rig) -> None:
    tx_hash = await rig.submit()
    rig.mine()
    rig.lane.note_mined(tx_hash, 1)
    rig.lane.note_mined("0xunknown", 1)
    await rig.turn()
    assert rig.results() == ["mined"]


async def test_a_revert_is_no_success(rig: Rig) -> None:
    await rig.lane.submit([make_intent()], make_call(REVERTER), expires_at=2**40)
    await rig.lane._care.drain()
    rig.mine()
    await rig.turn()
    assert rig.results() == ["reverted"]
    assert rig.journal.in_flight() == []
    assert rig.sample("bellkeeper_sender_transactions_total", event="reverted") == 1


async def test_a_known_intent_is_not_sent_again(rig: Rig) -> None:
    await rig.submit(1)
    ticket = await rig.lane.submit([make_intent(1)], make_call(), expires_at=2**40)
    assert ticket.refusal is Refusal.DUPLICATE
    both = [make_intent(1), make_intent(2)]
    partly = await rig.lane.submit(both, make_call(), expires_at=2**40)
    assert partly.refusal is Refusal.DUPLICATE
    assert rig.journal.intent(make_intent(2).key) is None
    built = await rig.lane.submit(
        both, lambda new: make_call(gas=50_000 + len(new)), expires_at=2**40
    )
    assert built.intents == (make_intent(2),)
    assert rig.sample("bellkeeper_sender_refusals_total", refusal="duplicate") == 2


async def test_the_window_bounds_what_is_in_flight(anvil: Anvil, tmp_path: Path) -> None:
    async with running_rig(anvil, tmp_path, settings=LaneSettings(window=3)) as rig:
        for number in range(3):
            await rig.submit(number)
        refused = await rig.lane.submit([make_intent(9)], make_call(), expires_at=2**40)
        assert refused.refusal is Refusal.LANE_FULL
        rig.mine()
        await rig.turn()
        assert rig.results() == ["mined"] * 3
        await rig.submit(9)


async def test_what_has_expired_is_not_signed(rig: Rig) -> None:
    ticket = await rig.lane.submit([make_intent()], make_call(), expires_at=1)
    assert ticket.refusal is Refusal.EXPIRED
    assert rig.journal.intents() == []


async def test_a_burst_keeps_the_order_of_nonces(rig: Rig) -> None:
    await asyncio.gather(
        *(rig.lane.submit([make_intent(n)], make_call(), expires_at=2**40) for n in range(20))
    )
    await rig.lane._care.drain()
    assert sorted(rig.pool_nonces()) == list(range(20))
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"] * 20


async def test_run_looks_after_everything_until_stop(rig: Rig) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(rig.lane.run(stop))
    await rig.lane.submit([make_intent()], make_call(), expires_at=2**40)
    await asyncio.sleep(0.05)
    rig.mine(3)
    await rig.hear("mined", "final")
    stop.set()
    await running
    late = await rig.lane.submit([make_intent(2)], make_call(), expires_at=2**40)
    assert late.refusal is Refusal.NOT_READY


async def test_without_funds_the_lane_stops_and_goes_on_when_topped_up(rig: Rig) -> None:
    rig.rpc.call("anvil_setBalance", "0x" + ADDRESS.hex(), "0x1")
    await rig.submit(1)
    assert "cannot pay" in rig.lane.why_halted
    assert rig.sample("bellkeeper_sender_halted", reason="funds") == 1
    refused = await rig.lane.submit([make_intent(2)], make_call(), expires_at=2**40)
    assert refused.refusal is Refusal.LANE_HALTED
    await rig.turn()
    rig.rpc.call("anvil_setBalance", "0x" + ADDRESS.hex(), hex(10**18))
    await rig.turn()
    assert rig.lane.why_halted == ""
    assert rig.sample("bellkeeper_sender_balance_ether") == 1.0
    await rig.turn(after_seconds=2.1)
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"]


async def test_a_key_topped_up_before_the_lane_looked_goes_on(rig: Rig) -> None:
    rig.rpc.call("anvil_setBalance", "0x" + ADDRESS.hex(), "0x1")
    await rig.submit(1)
    assert "cannot pay" in rig.lane.why_halted
    rig.rpc.call("anvil_setBalance", "0x" + ADDRESS.hex(), hex(10**18))
    await rig.turn()
    assert rig.lane.why_halted == ""


async def test_a_reorganisation_broadcasts_the_same_bytes_again(rig: Rig) -> None:
    tx_hash = await rig.submit()
    before = rig.rpc.call("evm_snapshot")
    rig.mine()
    await rig.turn()
    rig.rpc.call("evm_revert", before)
    rig.rpc.call("anvil_dropTransaction", tx_hash)
    rig.mine(1)
    for _ in range(4):
        await rig.turn()
    assert rig.results() == ["mined", "taken_back"]
    assert [intent.key for intent in rig.journal.in_flight()] == [make_intent().key]
    assert list(rig.pool_nonces().values()) == [tx_hash]
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined", "taken_back", "mined"]


async def test_a_call_the_node_refuses_is_cancelled_and_blocks_nobody(tmp_path: Path) -> None:
    with running_anvil(gas_limit=500_000) as small:
        async with running_rig(small, tmp_path) as rig:
            too_big = make_call(gas=900_000)
            await rig.lane.submit([make_intent(1)], too_big, expires_at=2**40)
            await rig.submit(2)
            await rig.turn()
            rig.mine()
            await rig.turn()
            assert sorted(rig.results()) == ["cancelled", "mined"]
            (refused,) = rig.journal.intents(state=State.CANCELLED)
            assert refused.key == make_intent(1).key
            assert "gas" in refused.reason


async def test_nobody_answers_is_waited_out(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.submit()

    async def silent(*_: object, **__: object) -> int:
        raise TransientError("no endpoint answered")

    stop = asyncio.Event()
    with monkeypatch.context() as patch:
        patch.setattr(rig.tools.chain, "newest_block", silent)
        running = asyncio.create_task(rig.lane.run(stop))
        await asyncio.sleep(0.1)
        assert not running.done()
    rig.mine()
    await rig.hear("mined")
    stop.set()
    await running
