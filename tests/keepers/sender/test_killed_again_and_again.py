"""A stream of intents through a keeper that is killed at any moment: each is on the chain once."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from keepers.sender.transaction import address_text
from runtime.journal import JournalError, JournalReader, State
from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.keepers.sender.rig import LOGGER, Rig, prepare_chain, running_rig

LIVES = 3
INTENTS_PER_LIFE = 25


def live_and_die(anvil: Anvil, rpc: JsonRpc, folder: Path, *, until: int) -> None:
    command = [sys.executable, "-m", "tests.keepers.sender.crash"]
    keeper = subprocess.Popen(
        [*command, str(folder), str(anvil.port), "stream"], stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while journaled(folder) < until and time.monotonic() < deadline:
        assert keeper.poll() is None
        rpc.call("evm_mine")
        time.sleep(0.01)
    keeper.kill()
    assert keeper.wait() == -signal.SIGKILL


def journaled(folder: Path) -> int:
    try:
        with JournalReader.open_to_read(folder / "journal.sqlite") as reader:
            return reader.lanes()[0].next_nonce or 0
    except (JournalError, IndexError, sqlite3.OperationalError):
        # There is no file yet, or no table, or no lane.
        return 0


async def until_all_is_mined(rig: Rig) -> None:
    for _ in range(200):
        rig.mine()
        await rig.turn()
        if rig.lane.in_flight == 0:
            return
    raise AssertionError(f"{rig.lane.in_flight} are still in flight: {rig.lane.why_halted}")


def on_chain(rpc: JsonRpc) -> Counter[bytes]:
    """How often each call was mined."""
    found: Counter[bytes] = Counter()
    for number in range(int(rpc.call("eth_blockNumber"), 16) + 1):
        for transaction in rpc.call("eth_getBlockByNumber", hex(number), True)["transactions"]:
            if transaction["to"] == address_text(LOGGER):
                found[bytes.fromhex(transaction["input"][2:])] += 1
    return found


async def test_each_intent_is_on_the_chain_exactly_once(tmp_path: Path) -> None:
    with running_anvil(accounts=2) as anvil:
        with JsonRpc(anvil.http_url) as rpc:
            prepare_chain(rpc, automine=False)
            for life in range(1, LIVES + 1):
                live_and_die(anvil, rpc, tmp_path, until=life * INTENTS_PER_LIFE)
        async with running_rig(anvil, tmp_path) as rig:
            await until_all_is_mined(rig)
            counted = on_chain(rig.rpc)
            intents = rig.journal.intents()
            assert len(intents) >= LIVES * INTENTS_PER_LIFE
            assert set(counted.values()) == {1}
            assert len(counted) == len(intents)
            assert {intent.state for intent in intents} <= {State.MINED, State.FINAL}
            records = rig.journal.transactions_at_or_above("urgent", 0)
            assert sorted({record.nonce for record in records}) == list(range(len(intents)))
