"""Several keepers with keys of their own on the same accounts: no double, little wasted, and an heir."""

from typing import Final

from tests.faults.keeper import Keeper
from tests.faults.keys import DevKey
from tests.faults.stage import Stage

DELAY_BLOCKS: Final = 10
"""Half a second at the stage's pace: what a busy machine may take from a price to a block."""
WASTE_PPM: Final = 250_000
"""Of all liquidation items mined, those that may find the account done: the stated bound."""


def two_keepers(stage: Stage, times: int) -> None:
    """Two keepers, taking turns."""
    _share(stage, times, count=2)


def five_keepers(stage: Stage, times: int) -> None:
    """Five keepers, taking turns."""
    _share(stage, times, count=5)


def five_strangers(stage: Stage, times: int) -> None:
    """Five keepers that know nothing of each other: what taking turns saves."""
    keepers = [stage.keeper() for _ in range(5)]
    _play(stage, keepers, times)
    stage.notes.append(_words(*_waste(stage)))


def first_dies(stage: Stage, times: int) -> None:
    """Kill one of two keepers as a wave comes: the other does its accounts too, a delay later."""
    keepers = _ring(stage, 2)
    _start(keepers)
    for number in range(times):
        stage.open_positions(6)
        dead = keepers[number % 2]
        dead.kill()
        wave = stage.move()
        stage.faults += 1
        stage.finish(wave)
        dead.start()
        dead.wait_ready()
    stage.settle()
    stage.notes.append(f"the delay is {DELAY_BLOCKS} blocks")
    for keeper in keepers:
        assert keeper.stop() == 0


def _share(stage: Stage, times: int, *, count: int) -> None:
    _play(stage, _ring(stage, count), times)
    useful, wasted, gas = _waste(stage)
    stage.notes.append(_words(useful, wasted, gas))
    assert wasted * 1_000_000 <= WASTE_PPM * (useful + wasted), _words(useful, wasted, gas)


def _ring(stage: Stage, count: int) -> list[Keeper]:
    addresses = [DevKey.of(f"keeper-{number}").address for number in range(count)]
    turns = {"known_keepers": addresses, "rank_delay_blocks": DELAY_BLOCKS}
    return [stage.keeper(sections={"liquidation": turns}) for _ in range(count)]


def _start(keepers: list[Keeper]) -> None:
    for keeper in keepers:
        keeper.start()
    for keeper in keepers:
        keeper.wait_ready()


def _play(stage: Stage, keepers: list[Keeper], times: int) -> None:
    _start(keepers)
    for _ in range(times):
        wave = stage.wave(6)
        stage.faults += 1
        stage.finish(wave)
    # Whoever was late has its answer by then.
    stage.wait_blocks(40)
    stage.settle()
    for keeper in keepers:
        assert keeper.stop() == 0


def _waste(stage: Stage) -> tuple[int, int, int]:
    """Count items that closed something, items that found nothing to do, and gas of only such."""
    results = [event for event in stage.events() if event.name == "LiquidationResult"]
    useful = [event for event in results if event.values["code"] == 0]
    done_by = {event.transaction for event in useful}
    in_vain = {event.transaction for event in results} - done_by
    gas = sum(
        int(stage.rpc.call("eth_getTransactionReceipt", name)["gasUsed"], 16) for name in in_vain
    )
    return len(useful), len(results) - len(useful), gas


def _words(useful: int, wasted: int, gas: int) -> str:
    return f"{useful} items liquidated, {wasted} lost races, {gas:,} gas in vain"
