"""Transactions that get stuck, nonces that somebody else uses, gas that runs out, a market closed under way."""

from typing import Final

import coincurve

from keepers.sender.transaction import Transaction, assemble, signing_hash
from runtime.journal.records import TransactionRecord
from tests.faults.cases_kill import acknowledge
from tests.faults.journals import read_journal
from tests.faults.keeper import Keeper, wait_until
from tests.faults.stage import Stage
from tests.venues.exchange.contracts.harness import HALTED, OPEN, ROLES, STATUS

CHAIN_ID: Final = 31337
DEARER: Final = 100
GWEI: Final = 10**9
_A_LITTLE_WEI: Final = 10**9
"""Less than any transaction costs."""


def base_fee_jumps(stage: Stage, times: int) -> None:
    """Let the base fee jump a hundredfold as a wave comes, and stay until it is done."""
    keeper = _ready(stage)
    for number in range(times):
        stage.open_positions(2)
        # The keeper offers twice what it saw last; below its cap a replacement must do.
        stage.blocks.base_fee = GWEI // 100
        stage.wait_blocks(40)
        wave = stage.move()
        stage.blocks.base_fee = DEARER * GWEI // 100 if number % 2 else 20 * GWEI
        stage.faults += 1
        if number % 2 == 0:
            # Above the cap nothing can be mined: it must wait, expire, and be done later.
            stage.wait_blocks(40)
            stage.blocks.base_fee = GWEI // 100
            stage.healed()
        stage.finish(wave)
        stage.settle()
    stage.blocks.base_fee = None
    assert keeper.stop() == 0


def base_fee_jumps_and_killed(stage: Stage, times: int) -> None:
    """The same, with the keeper killed at a commit of a replacement."""
    keeper = stage.keeper()
    met: set[str] = set()
    for number in range(times):
        moment = ("before", "inside", "after")[number % 3]
        stage.blocks.base_fee = GWEI // 100
        keeper.kill()
        keeper.start(die_at=f"replaced:{moment}:1")
        keeper.wait_ready()
        stage.open_positions(2)
        stage.wait_blocks(40)
        with stage.blocks.stopped():
            pass
        wave = stage.move()
        stage.blocks.base_fee = DEARER * GWEI // 100
        stage.wait(lambda: not keeper.is_alive or stage.done(wave), "it dies or is done")  # noqa: B023
        keeper.kill()
        stage.faults += 1
        if keeper.last_lines(1).startswith("died"):
            met.add(keeper.last_lines(1))
        keeper.start()
        stage.healed()
        stage.finish(wave)
        stage.settle()
    stage.notes.append(f"{len(met)} of 3 commits of a replacement met")
    stage.blocks.base_fee = None
    assert keeper.stop() == 0


def pool_is_stuck(stage: Stage, times: int) -> None:
    """Let no block come after the keeper has sent: it sends again, replaces, and one is mined late."""
    keeper = _ready(stage)
    for _ in range(times):
        stage.open_positions(2)
        before = len(_transactions(keeper))
        with stage.blocks.stopped():
            wave = stage.move(alone=True)
            stage.faults += 1
            wait_until(
                lambda: len(_transactions(keeper)) > before + 1,  # noqa: B023 - used at once
                "it replaces what is stuck",
            )
        stage.healed()
        stage.finish(wave)
        stage.settle()
    assert keeper.stop() == 0


def nonce_used_elsewhere(stage: Stage, times: int) -> None:
    """Let somebody else with the key take the nonce of a transaction under way, or the next one."""
    keeper = _ready(stage)
    for number in range(times):
        stage.open_positions(2)
        nonce = int(stage.rpc.call("eth_getTransactionCount", keeper.key.address, "latest"), 16)
        before = len(_transactions(keeper))
        with stage.blocks.stopped():
            if number % 2:
                stage.move(alone=True)
                wait_until(lambda: len(_transactions(keeper)) > before, "it has sent")  # noqa: B023
            _steal(stage, keeper, nonce)
            stage.faults += 1
        stage.wait(lambda: _is_foreign(keeper), "the lane halts for a foreign nonce")
        if number % 2 == 0:
            stage.move()
        assert not stage.done(stage.waves[-1]), "expected a halted lane to leave accounts alone"
        acknowledge(stage, keeper, already=[nonce])
        stage.healed()
        stage.finish()
        stage.settle()
    assert keeper.stop() == 0


def empty_wallet(stage: Stage, times: int) -> None:
    """Let the key run out of gas as a wave comes; then it is topped up."""
    keeper = _ready(stage)
    for _ in range(times):
        stage.open_positions(2)
        stage.rpc.call("anvil_setBalance", keeper.key.address, hex(_A_LITTLE_WEI))
        wave = stage.move()
        stage.faults += 1
        stage.wait(lambda: "cannot pay" in keeper.halted(), "the lane halts for want of gas")
        stage.rpc.call("anvil_setBalance", keeper.key.address, hex(10**20))
        stage.healed()
        stage.finish(wave)
        stage.settle()
    assert keeper.stop() == 0


def market_halted_under_way(stage: Stage, times: int) -> None:
    """Halt the market in the block that the keeper's transaction waits for, and open it again."""
    stage.exchange.limit(STATUS)
    keeper = _ready(stage)
    for _ in range(times):
        stage.open_positions(2)
        before = len(_transactions(keeper))
        halt = {
            "from": stage.exchange.chain.actors["guardian"],
            "to": stage.exchange.address,
            "data": stage.exchange.abi.call_data("restrict", 0, HALTED),
            "gas": hex(10**6),
            "maxFeePerGas": hex(100 * GWEI),
            "maxPriorityFeePerGas": hex(50 * GWEI),
        }
        with stage.blocks.stopped():
            wave = stage.move(alone=True)
            stage.faults += 1
            wait_until(lambda: len(_transactions(keeper)) > before, "it has sent")  # noqa: B023
            # It pays more, so it comes first in the block.
            stage.rpc.call("eth_sendTransaction", halt)
        stage.wait_blocks(20)
        assert not stage.done(wave), "expected nobody to be liquidated in a halted market"
        epoch = stage.exchange.view("epoch", 0, ROLES["breaker"])
        stage.exchange.send("breaker", "set_status", 0, OPEN, epoch)
        stage.healed()
        stage.finish(wave)
        stage.settle()
    assert keeper.stop() == 0


def _ready(stage: Stage) -> Keeper:
    keeper = stage.keeper().start()
    keeper.wait_ready()
    return keeper


def _transactions(keeper: Keeper) -> tuple[TransactionRecord, ...]:
    return read_journal(keeper.journal).transactions


def _is_foreign(keeper: Keeper) -> bool:
    return any(word in keeper.halted() for word in ("acknowledge", "none of our transactions"))


def _steal(stage: Stage, keeper: Keeper, nonce: int) -> None:
    """Use a nonce with the keeper's own key, behind its back."""
    to = bytes.fromhex(stage.exchange.chain.actors["stranger"][2:])
    key = coincurve.PrivateKey(keeper.key.secret)
    transaction = Transaction(
        chain_id=CHAIN_ID,
        nonce=nonce,
        tip=50 * GWEI,
        max_fee=100 * GWEI,
        gas=21_000,
        to=to,
        value=1,
        data=b"",
    )
    signature = key.sign_recoverable(signing_hash(transaction), hasher=None)
    raw = assemble(transaction, signature).raw
    stage.rpc.call("eth_sendRawTransaction", f"0x{raw.hex()}")
