"""Many runs: which there are, which of them lie in the folder already, and the rest played one process each.

A record is written when its run ends, whole or not at all. So what Ctrl-C leaves is what was done, and the same
command goes on with what is missing; a run that was cut short begins anew, which costs minutes and is exact.
"""

import asyncio
import itertools
import multiprocessing
import queue
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final

import uvloop

from drills.drill.chain_play import play_on_chain
from drills.drill.plan import Progress, RunPlan
from drills.drill.play import play
from drills.report.record import DrillRecord, Ground, Variant
from drills.report.record_file import read_record, write_record
from keepers.cli import EXIT_INTERRUPTED
from runtime.errors import OperatorError
from runtime.logging import configure_logging

RECORDS: Final = "records"
POLL_SECONDS: Final = 0.25

Told = tuple[str, Progress | str]
"""A run's name, and how far it is, or why it cannot be played."""


class RunFailedError(Exception):
    """A run ended by a bug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is to be played, and where records lie."""

    plans: tuple[RunPlan, ...]
    folder: Path
    jobs: int = 1
    anew: bool = False
    """Play what lies in the folder again."""

    def path(self, plan: RunPlan) -> Path:
        """Give where a run's record lies."""
        return self.folder / RECORDS / f"{plan.name}.json"

    def missing(self) -> tuple[RunPlan, ...]:
        """Give the runs whose record is not there."""
        return tuple(each for each in self.plans if self.anew or not self.path(each).is_file())

    def records(self) -> list[DrillRecord]:
        """Read the records that are there, in the order of the runs; raises OperatorError for a bad one."""
        return [read_record(self.path(each)) for each in self.plans if self.path(each).is_file()]


def every_record(folder: Path) -> list[DrillRecord]:
    """Read every record of a folder, by name; raises OperatorError for none, or a bad one."""
    paths = sorted((folder / RECORDS).glob("*.json"))
    if not paths:
        raise OperatorError(
            f"expected records in {folder / RECORDS}, found none: play a drill, or name another folder"
            " with --report"
        )
    return [read_record(path) for path in paths]


def plans_of(
    scenarios: Sequence[str],
    *,
    accounts: int,
    ground: Ground,
    variants: Sequence[Variant],
    seeds: Sequence[int],
) -> tuple[RunPlan, ...]:
    """Give a run for each scenario, seed and variant; the base case of a scenario first."""
    return tuple(
        RunPlan(scenario=name, accounts=accounts, seed=seed, variant=variant, ground=ground)
        for name, seed, variant in itertools.product(scenarios, seeds, variants)
    )


def carry_out(
    campaign: Campaign,
    *,
    on_progress: Callable[[str, Progress], None],
    on_done: Callable[[RunPlan, DrillRecord], None],
) -> None:
    """Play what is missing. Raises OperatorError as a run did, RunFailedError for a bug in one."""
    plans = campaign.missing()
    if not plans:
        return
    _make(campaign.folder / RECORDS)
    # SIGTERM ends it as Ctrl-C does: everything it started is stopped.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    running: dict[BaseProcess, RunPlan] = {}
    try:
        _play_all(campaign, list(plans), running, on_progress=on_progress, on_done=on_done)
    finally:
        for process in running:
            process.terminate()
        for process in running:
            # It ends what it started itself: a node, a keeper.
            process.join()
        signal.signal(signal.SIGTERM, before)


def _play_all(
    campaign: Campaign,
    waiting: list[RunPlan],
    running: dict[BaseProcess, RunPlan],
    *,
    on_progress: Callable[[str, Progress], None],
    on_done: Callable[[RunPlan, DrillRecord], None],
) -> None:
    # A new process each: what a run took of memory is its own, and no run inherits another's.
    context = multiprocessing.get_context("spawn")
    told: Queue[Told] = context.Queue()
    while waiting or running:
        while waiting and len(running) < campaign.jobs:
            plan = waiting.pop(0)
            arguments = (plan, str(campaign.path(plan)), str(campaign.folder), told)
            process = context.Process(target=_run, args=arguments, name=plan.name)
            process.start()
            running[process] = plan
        ended = wait([each.sentinel for each in running], timeout=POLL_SECONDS)
        words = _hear(told, on_progress)
        for over in [each for each in running if each.sentinel in ended]:
            plan = running.pop(over)
            over.join()
            _check(plan, over.exitcode, words)
            on_done(plan, read_record(campaign.path(plan)))


def _hear(told: "Queue[Told]", on_progress: Callable[[str, Progress], None]) -> dict[str, str]:
    """Pass on how far runs are; give what a run said of its end."""
    words: dict[str, str] = {}
    while True:
        try:
            name, news = told.get_nowait()
        except queue.Empty:
            return words
        if isinstance(news, str):
            words[name] = news
        else:
            on_progress(name, news)


def _check(plan: RunPlan, code: int | None, words: Mapping[str, str]) -> None:
    if code == OperatorError.exit_code:
        raise OperatorError(
            words.get(plan.name, f"{plan.name} could not be played: see the log in its folder")
        )
    if code != 0:
        raise RunFailedError(f"{plan.name} ended with exit code {code}: its traceback is above")


# --- in the run's own process ------------------------------------------------------------------------


def _run(plan: RunPlan, path: str, folder: str, told: "Queue[Told]") -> None:
    """Play one run and write its record."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    configure_logging(level="CRITICAL")
    try:
        write_record(_played(plan, Path(folder), told), Path(path))
    except OperatorError as error:
        told.put((plan.name, str(error)))
        sys.exit(OperatorError.exit_code)
    except KeyboardInterrupt:
        # Whoever interrupted it knows.
        sys.exit(EXIT_INTERRUPTED)


def _played(plan: RunPlan, folder: Path, told: "Queue[Told]") -> DrillRecord:
    def tell(progress: Progress) -> None:
        told.put((plan.name, progress))

    if plan.ground is Ground.CHAIN:
        return uvloop.run(play_on_chain(plan, folder=folder, on_progress=tell))
    return asyncio.run(play(plan, on_progress=tell))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"expected a folder for records at {folder}, but {error.strerror}: name another with --report"
        ) from error
