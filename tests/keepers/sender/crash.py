"""A keeper that is killed: run as a program by the recovery tests.

`python -m tests.keepers.sender.crash FOLDER PORT STAGE`. At the stages planned, signed and sent it kills
itself; at the stage stream it submits one intent after the other until somebody kills it.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry

from keepers.sender import Lane, LaneSettings, Refusal
from runtime.journal import Journal
from runtime.rpc.submit import SubmissionFuture
from tests.anvil import Anvil
from tests.keepers.sender.rig import (
    LOGGER,
    SELECTOR,
    ShiftedClock,
    make_call,
    make_intent,
    make_tools,
    running_submitter,
)
from venues.port import Call


def die() -> None:
    """End as a power cut would: no handler, no flush, no close."""
    os.kill(os.getpid(), signal.SIGKILL)


async def stream(lane: Lane) -> None:
    """Submit the same numbered intents in every life; those of an earlier life are refused."""
    running = asyncio.create_task(lane.run(asyncio.Event()))
    for number in range(10_000):
        call = Call(to=LOGGER, data=SELECTOR + number.to_bytes(32), gas=100_000)
        while True:
            ticket = await lane.submit([make_intent(number)], call, expires_at=2**40)
            if ticket.refusal in {None, Refusal.DUPLICATE}:
                break
            await asyncio.sleep(0.02)
    await running


async def main(folder: Path, port: int, stage: str) -> None:
    """Do the work up to the stage, then die."""
    clock = ShiftedClock()
    journal = Journal.open(folder / "journal.sqlite", clock)
    async with running_submitter(Anvil(port=port, process_id=0)) as chain:
        tools = make_tools(chain, journal, clock, CollectorRegistry())
        lane = Lane("urgent", tools, LaneSettings())
        await lane.start()
        if stage == "planned":
            journal.plan([make_intent()])
            die()
        if stage == "signed":

            def refuse_to_write(raw: bytes, *, tx_hash: str) -> SubmissionFuture:
                die()
                raise AssertionError(raw, tx_hash)

            chain.start = refuse_to_write  # type: ignore[method-assign]
        if stage == "stream":
            await stream(lane)
        await lane.submit([make_intent()], make_call(), expires_at=2**40)
        await lane._care.drain()
        die()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
