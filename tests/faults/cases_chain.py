"""A chain that takes blocks back, goes back, stops, and has another time than ours."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from tests.faults.keeper import Keeper, wait_until
from tests.faults.stage import Stage

DEEPEST: Final = 20
STOP_SECONDS: Final = 300
STALE_SECONDS: Final = 60
"""After which the market's price counts as stale, in the case of a chain that stops."""
LEAP_DAY: Final = int(datetime(2028, 2, 28, 23, 59, 50, tzinfo=UTC).timestamp())
CLOCKS_GO_FORWARD: Final = int(datetime(2027, 3, 14, 6, 59, 50, tzinfo=UTC).timestamp())
"""Ten seconds before 02:00 in New York becomes 03:00."""
CLOCKS_GO_BACK: Final = int(datetime(2027, 11, 7, 5, 59, 50, tzinfo=UTC).timestamp())


def reorganised(stage: Stage, times: int) -> None:
    """Take back 1 to 20 blocks around our own transactions: all of them come again."""
    _take_back(stage, times, lambda depth: stage.rpc.call("anvil_reorg", depth, []))


def rolled_back(stage: Stage, times: int) -> None:
    """Put the node back to an older state, height and all, as a restored backup would be."""
    _take_back(stage, times, lambda depth: stage.rpc.call("anvil_rollback", depth))


def reorganised_and_killed(stage: Stage, times: int) -> None:
    """Take blocks back while the keeper is dead: it finds another chain than it left."""

    def back(depth: int) -> None:
        stage.keepers[0].kill()
        stage.rpc.call("anvil_reorg", depth, [])
        stage.keepers[0].start()

    _take_back(stage, times, back)


def chain_stops(stage: Stage, times: int) -> None:
    """Stop the chain for five minutes of its own clock, with transactions under way."""
    keeper = _ready(stage)
    for _ in range(times):
        stage.wave(2)
        with stage.blocks.stopped():
            stage.faults += 1
            # A little while of ours, until the keeper has noticed; the chain's clock makes the jump.
            wait_until(lambda: not keeper.is_ready(), "the keeper sees that no block comes")
            stage.rpc.call("evm_increaseTime", STOP_SECONDS)
        stage.wait_blocks(stage.random.randrange(1, 20))
        stage.healed()
        stage.finish()
        stage.settle()
    assert keeper.stop() == 0


def waves_at_another_time(stage: Stage, times: int) -> None:
    """Just live, over a moment or with a clock that is not ours."""
    began = stage.exchange.chain.now()
    keeper = _ready(stage)
    for _ in range(times):
        stage.wave(2)
        stage.faults += 1
        stage.finish()
    wait_until(lambda: stage.exchange.chain.now() > began + 10, "the moment is over")
    stage.wave(2)
    stage.finish()
    stage.settle()
    stage.notes.append(f"chain's clock {began - int(time.time()):+d} s from ours")
    assert keeper.stop() == 0


def _ready(stage: Stage) -> Keeper:
    keeper = stage.keeper().start()
    keeper.wait_ready()
    return keeper


def _take_back(stage: Stage, times: int, back: Callable[[int], object]) -> None:
    keeper = _ready(stage)
    finals = 0
    stage.wait_blocks(DEEPEST)
    for number in range(times):
        stage.open_positions(2)
        # So that a shallow one takes back what we did, a deep one also what it was about.
        stage.wait_blocks(stage.random.randrange(DEEPEST))
        wave = stage.move()
        stage.wait(partial(stage.done, wave), "the wave is liquidated")
        if number % 2:
            stage.settle()
            finals += 1
            last = max(event.block for event in stage.liquidations(wave.block))
            depth = stage.head() - last + stage.random.randrange(1, 4)
        else:
            depth = stage.random.randrange(1, DEEPEST + 1)
        with stage.blocks.stopped():
            back(min(depth, stage.head() - 1))
        stage.faults += 1
        stage.mend_wave()
        stage.healed()
        stage.finish()
        stage.settle()
    stage.notes.append(f"{finals} of them took back what the keeper held final")
    assert keeper.stop() == 0
