"""What was held final and the chain has taken back is on its way again, with the same bytes."""

from dataclasses import replace
from pathlib import Path

from keepers.sender import Lane, LaneSettings
from runtime.journal import State
from tests.anvil import Anvil
from tests.keepers.sender.rig import ADDRESS, Rig, make_intent, running_rig


async def make_final(rig: Rig, number: int = 0, **facts: int) -> str:
    """Submit, and go on until it is final; gives the hash."""
    tx_hash = await rig.submit(number, **facts)
    rig.mine(3)
    await rig.turn()
    await rig.turn()
    assert rig.results()[-2:] == ["mined", "final"]
    return tx_hash


async def test_the_same_bytes_go_out_again(rig: Rig) -> None:
    rig.mine()
    before = rig.rpc.call("evm_snapshot")
    tx_hash = await make_final(rig)
    rig.rpc.call("evm_revert", before)
    # As high as before and past what was believed: this is no endpoint that lags.
    rig.mine(6)
    await rig.turn()
    assert rig.results() == ["mined", "final", "taken_back"]
    assert [each.key for each in rig.journal.in_flight()] == [make_intent().key]
    assert list(rig.pool_nonces().values()) == [tx_hash]
    rig.mine(4)
    await rig.turn()
    await rig.turn()
    assert rig.results() == ["mined", "final", "taken_back", "mined", "final"]
    states = [move.to_state for move in rig.journal.history(tx_hash)]
    assert states[-4:] == [State.FINAL, State.SENT, State.MINED, State.FINAL]


async def test_the_next_transaction_is_not_held_up(rig: Rig) -> None:
    before = rig.rpc.call("evm_snapshot")
    await make_final(rig)
    rig.rpc.call("evm_revert", before)
    rig.mine(6)
    await rig.submit(1)
    await rig.turn()
    rig.mine()
    await rig.turn()
    count = rig.rpc.call("eth_getTransactionCount", "0x" + ADDRESS.hex(), "latest")
    assert int(count, 16) == 2


async def test_an_endpoint_that_is_behind_changes_nothing(rig: Rig) -> None:
    rig.mine()
    before = rig.rpc.call("evm_snapshot")
    await make_final(rig)
    rig.rpc.call("evm_revert", before)
    await rig.turn()
    await rig.turn()
    assert rig.results() == ["mined", "final"]
    assert rig.pool_nonces() == {}


async def test_what_has_expired_meanwhile_is_cancelled(rig: Rig) -> None:
    before = rig.rpc.call("evm_snapshot")
    now = int(rig.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    tx_hash = await make_final(rig, expires_at=now + 60)
    rig.rpc.call("evm_revert", before)
    rig.rpc.call("evm_increaseTime", 100)
    rig.mine(6)
    await rig.turn()
    await rig.turn()
    (waiting,) = rig.pool_nonces().values()
    assert waiting != tx_hash
    rig.mine()
    await rig.turn()
    assert rig.results()[-2:] == ["taken_back", "expired"]


async def test_a_keeper_that_was_away_finds_it_at_its_start(anvil: Anvil, tmp_path: Path) -> None:
    async with running_rig(anvil, tmp_path) as rig:
        before = rig.rpc.call("evm_snapshot")
        tx_hash = await make_final(rig)
        rig.rpc.call("evm_revert", before)
        rig.mine(6)
        again = Lane("urgent", replace(rig.tools), LaneSettings())
        again.subscribe(rig.outcomes.append)
        await again.start()
        assert again.in_flight == 1
        await again.run_once()
        await again._care.drain()
        assert list(rig.pool_nonces().values()) == [tx_hash]


async def test_a_receipt_is_told_again_unless_something_was_made_of_it(
    anvil: Anvil, tmp_path: Path
) -> None:
    async with running_rig(anvil, tmp_path) as rig:
        for number in range(2):
            await rig.submit(number)
        rig.mine()
        await rig.turn()
        assert rig.results() == ["mined", "mined"]
        # The process ends between the receipt of the second and what a duty makes of it.
        rig.journal.settle(make_intent(0).key, "liquidated")
    async with running_rig(anvil, tmp_path) as rig:
        (told,) = rig.outcomes
        assert told.intent_keys == (make_intent(1).key,)
        assert told.receipt is not None
