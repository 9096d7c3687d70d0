"""A keeper killed at every stage starts again: one transaction per nonce, with the same hash."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from keepers.sender import Lane, LaneSettings, Refusal
from keepers.sender.transaction import decode
from runtime.errors import OperatorError, TransientError
from runtime.journal import Journal, JournalReader, State
from tests.anvil import Anvil, JsonRpc
from tests.keepers.sender.rig import (
    ADDRESS,
    Rig,
    ShiftedClock,
    make_call,
    make_intent,
    make_tools,
    prepare_chain,
    running_rig,
    running_submitter,
)


def crash_at(stage: str, anvil: Anvil, folder: Path) -> None:
    command = [sys.executable, "-m", "tests.keepers.sender.crash"]
    command += [str(folder), str(anvil.port), stage]
    with JsonRpc(anvil.http_url) as rpc:
        prepare_chain(rpc, automine=False)
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def journaled(folder: Path) -> list[str]:
    with JournalReader.open_to_read(folder / "journal.sqlite") as reader:
        return [record.hash for record in reader.transactions_at_or_above("urgent", 0)]


async def test_killed_after_planning_nothing_is_sent_and_nobody_is_blocked(
    anvil: Anvil, tmp_path: Path
) -> None:
    crash_at("planned", anvil, tmp_path)
    async with running_rig(anvil, tmp_path) as rig:
        (intent,) = rig.journal.intents()
        assert intent.state is State.EXPIRED
        assert rig.journal.in_flight() == []
        assert rig.pool_nonces() == {}
        again = await rig.lane.submit([make_intent()], make_call(), expires_at=2**40)
        assert again.refusal is Refusal.DUPLICATE


async def test_killed_between_signing_and_sending_the_same_bytes_go_out(
    anvil: Anvil, tmp_path: Path
) -> None:
    crash_at("signed", anvil, tmp_path)
    (tx_hash,) = journaled(tmp_path)
    async with running_rig(anvil, tmp_path) as rig:
        assert rig.pool_nonces() == {}
        await rig.turn()
        assert rig.pool_nonces() == {0: tx_hash}
        await finish(rig, tx_hash)


async def test_killed_after_sending_nothing_is_doubled(anvil: Anvil, tmp_path: Path) -> None:
    crash_at("sent", anvil, tmp_path)
    (tx_hash,) = journaled(tmp_path)
    async with running_rig(anvil, tmp_path) as rig:
        assert rig.pool_nonces() == {0: tx_hash}
        await rig.turn()
        await finish(rig, tx_hash)


async def test_killed_after_sending_and_mined_meanwhile(anvil: Anvil, tmp_path: Path) -> None:
    crash_at("sent", anvil, tmp_path)
    (tx_hash,) = journaled(tmp_path)
    with JsonRpc(anvil.http_url) as rpc:
        rpc.call("evm_mine")
    async with running_rig(anvil, tmp_path) as rig:
        record = rig.journal.transaction(tx_hash)
        assert record is not None
        assert record.state is State.MINED
        assert rig.lane.next_nonce == 1


async def finish(rig: Rig, tx_hash: str) -> None:
    again = await rig.lane.submit([make_intent()], make_call(), expires_at=2**40)
    assert again.refusal is Refusal.DUPLICATE
    rig.mine()
    await rig.turn()
    assert rig.results() == ["mined"]
    assert rig.outcomes[0].transaction_hash == tx_hash
    assert rig.outcomes[0].intent_keys == (make_intent().key,)
    assert int(rig.rpc.call("eth_getTransactionCount", "0x" + ADDRESS.hex(), "latest"), 16) == 1
    await rig.submit(2)
    assert [decode(record.raw).nonce for record in rig.journal.open_transactions("urgent")] == [
        0,
        1,
    ]


async def test_a_mined_transaction_is_followed_to_its_end_after_a_restart(
    anvil: Anvil, tmp_path: Path
) -> None:
    async with running_rig(anvil, tmp_path) as rig:
        tx_hash = await rig.submit()
        rig.mine()
        await rig.turn()
    async with running_rig(anvil, tmp_path) as rig:
        rig.mine(2)
        await rig.turn()
        await rig.turn()
        # Nothing was made of the receipt in its first life, so it is told again.
        assert rig.results() == ["mined", "final"]
        assert rig.journal.open_transactions("urgent") == []
        assert rig.journal.history(tx_hash)[-1].to_state is State.FINAL


async def test_after_a_replacement_the_newest_attempt_is_taken_up(
    anvil: Anvil, tmp_path: Path
) -> None:
    async with running_rig(anvil, tmp_path) as rig:
        await rig.submit()
        await rig.turn(after_seconds=12.1)
        pool = rig.pool_nonces()
    async with running_rig(anvil, tmp_path) as rig:
        await rig.turn()
        assert rig.pool_nonces() == pool
        rig.mine()
        await rig.turn()
        assert rig.outcomes[0].transaction_hash == pool[0]


async def test_a_nonce_used_elsewhere_while_we_were_away_stops_the_lane(
    anvil: Anvil, tmp_path: Path
) -> None:
    async with running_rig(anvil, tmp_path) as rig:
        ours = await rig.submit()
        rig.rpc.call("anvil_dropTransaction", ours)
        send_foreign(rig.rpc)
        rig.mine()
    async with running_rig(anvil, tmp_path) as rig:
        assert "none of our transactions has a receipt" in rig.lane.why_halted
        assert rig.sample("bellkeeper_sender_foreign_nonces_total") == 1
    settings = LaneSettings(acknowledge_foreign=True)
    async with running_rig(anvil, tmp_path, settings=settings) as rig:
        assert rig.lane.why_halted == ""
        assert rig.results() == ["failed"]
        await rig.submit(2)


async def test_nonces_beyond_the_journal_stop_the_lane_until_acknowledged(
    anvil: Anvil, tmp_path: Path
) -> None:
    async with running_rig(anvil, tmp_path) as rig:
        await rig.submit()
        rig.mine()
        await rig.turn()
        send_foreign(rig.rpc)
    async with running_rig(anvil, tmp_path) as rig:
        assert "nonces 1 to 1" in rig.lane.why_halted
        assert "find out who has the key" in rig.lane.why_halted
        rig.mine()
    settings = LaneSettings(acknowledge_foreign=True)
    async with running_rig(anvil, tmp_path, settings=settings) as rig:
        assert rig.lane.next_nonce == 2
        await rig.submit(2)
        rig.mine()
        await rig.turn()
        assert rig.results()[-1] == "mined"


def send_foreign(rpc: JsonRpc) -> None:
    rpc.call("eth_sendTransaction", {"from": "0x" + ADDRESS.hex(), "to": "0x" + "77" * 20})


async def test_a_key_with_a_past_starts_from_the_chain(anvil: Anvil, tmp_path: Path) -> None:
    with JsonRpc(anvil.http_url) as rpc:
        send_foreign(rpc)
    async with running_rig(anvil, tmp_path) as rig:
        assert (rig.lane.why_halted, rig.lane.next_nonce) == ("", 1)


async def test_the_wrong_chain_is_an_operator_error(anvil: Anvil, tmp_path: Path) -> None:
    clock = ShiftedClock()
    with Journal.open(tmp_path / "journal.sqlite", clock) as journal:
        async with running_submitter(anvil) as chain:
            tools = make_tools(chain, journal, clock, CollectorRegistry())
            signer = tools.signer
            signer._policy = dataclasses.replace(signer._policy, chain_id=1)  # type: ignore[attr-defined]
            with pytest.raises(OperatorError, match="expected chain 1, was 31337"):
                await Lane("urgent", tools, LaneSettings()).start()


async def test_a_chain_behind_the_journal_is_not_written_to(anvil: Anvil, tmp_path: Path) -> None:
    async with running_rig(anvil, tmp_path) as rig:
        before = rig.rpc.call("evm_snapshot")
        await rig.submit()
        rig.mine(3)
        await rig.turn()
        await rig.turn()
        assert rig.results() == ["mined", "final"]
        rig.rpc.call("evm_revert", before)
        again = Lane("urgent", dataclasses.replace(rig.tools), LaneSettings())
        with pytest.raises(TransientError, match="needs another journal"):
            await again.start()
        refused = await again.submit([make_intent(3)], make_call(), expires_at=2**40)
        assert refused.refusal is Refusal.NOT_READY
