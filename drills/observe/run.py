"""All episodes, several at a time, and what the run comes to.

Two at a time by default: an episode mostly waits, and each has its own chain, keeper and servers.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drills.anvil import ROOT
from drills.folder import own_folder
from drills.observe.episode import Episode, play
from drills.observe.faults import FAULTS, Fault
from runtime.errors import OperatorError

FOLDER: Final = ROOT / "build" / "observe"
FACTOR: Final = 20
CALM_SECONDS: Final = 50.0
"""Longer than any alert's `for` but half an hour's, divided by 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveOptions:
    """What the person wants."""

    faults: Sequence[Fault] = FAULTS
    with_calm: bool = True
    factor: int = FACTOR
    together: int = 2
    seed: int = 1
    folder: Path = FOLDER


def chosen(names: Sequence[str]) -> tuple[Fault, ...]:
    """Give the faults of these names, all without a name; raises OperatorError."""
    known = {fault.name: fault for fault in FAULTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OperatorError(
            f"expected faults among {', '.join(known)}, found {unknown[0]}: choose from these, or"
            " name none to play all"
        )
    return tuple(known[name] for name in dict.fromkeys(names)) or FAULTS


async def observe(
    options: ObserveOptions, *, on_end: Callable[[Episode, float], None]
) -> list[Episode]:
    """Play every episode; `on_end` is told of each with how long it took. In the order of the list."""
    wanted: list[Fault | None] = [*([None] if options.with_calm else []), *options.faults]
    free = asyncio.Semaphore(options.together)

    async def one(fault: Fault | None) -> Episode:
        async with free:
            began = time.monotonic()
            folder = options.folder / ("calm" if fault is None else fault.name.replace(" ", "-"))
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            episode = await play(
                folder,
                fault,
                factor=options.factor,
                seed=options.seed,
                calm_seconds=CALM_SECONDS * FACTOR / options.factor,
            )
            on_end(episode, time.monotonic() - began)
            return episode

    with own_folder(options.folder):
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(fault)) for fault in wanted]
        except BaseExceptionGroup as errors:
            # One cause is what a person needs; the others are its consequences.
            raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
