"""`bellkeeper observe`: a real Prometheus and Alertmanager beside a real keeper, in calm and in faults.

Exit code 0 when nothing fires in the calm and every fault raises exactly its alerts, 2 when not, 1 for a
bug, 78 when a person must act (a tool that is missing).
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from drills.anvil import ROOT, find_anvil
from keepers.commands.reporting import add_json_argument, write_report
from runtime.errors import OperatorError
from runtime.logging import configure_logging

if TYPE_CHECKING:
    from drills.observe.episode import Episode

EXIT_GOOD: Final = 0
EXIT_CHECK_FAILED: Final = 2
LARGEST_FACTOR: Final = 20
"""Beyond it Prometheus would have to scrape more often than four times a second."""
MOST_TOGETHER: Final = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("faults", nargs="*", metavar="FAULT", help="which faults (default: all, and a calm)")
    add("--factor", type=int, default=LARGEST_FACTOR, metavar="N", help="divide durations by N")
    add("--together", type=int, default=2, metavar="N", help="episodes at the same time")
    add("--seed", type=int, default=1, metavar="S", help="of traders and prices (default: 1)")
    add("--folder", type=Path, default=None, metavar="DIR", help="for logs, keys and journals")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play the episodes; print what was seen."""
    _check(arguments)
    # The drills' own rooms need the monitoring's code, which an installed program does not carry.
    from deploy.monitoring.build import severities  # noqa: PLC0415
    from drills.observe.run import FOLDER, ObserveOptions, chosen, observe  # noqa: PLC0415
    from drills.observe.table import as_report, as_text  # noqa: PLC0415
    from drills.observe.tools import alertmanager_words, tool  # noqa: PLC0415

    for name in ("prometheus", "promtool"):
        tool(name)
    alertmanager_words()
    find_anvil()
    options = ObserveOptions(
        faults=chosen(arguments.faults),
        with_calm=not arguments.faults,
        factor=arguments.factor,
        together=arguments.together,
        seed=arguments.seed,
        folder=arguments.folder or FOLDER,
    )
    configure_logging(level="error")
    began = time.monotonic()
    episodes = uvloop.run(_interruptible(observe(options, on_end=_say)))
    known = severities()
    report = as_report(episodes, known, factor=options.factor, seconds=time.monotonic() - began)
    write_report(arguments, report, [*as_text(episodes, known, factor=options.factor)])
    return EXIT_GOOD if report["is_as_expected"] else EXIT_CHECK_FAILED


def _say(episode: "Episode", seconds: float) -> None:
    fired = ", ".join(sorted(episode.fired)) or "nothing"
    sys.stderr.write(f"{episode.name}: {fired} fired, {seconds:.0f} s\n")


async def _interruptible(work: Coroutine[None, None, "list[Episode]"]) -> "list[Episode]":
    """Run such that SIGTERM ends it as Ctrl-C does: everything it started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _check(arguments: argparse.Namespace) -> None:
    for name, most in (("factor", LARGEST_FACTOR), ("together", MOST_TOGETHER)):
        found = getattr(arguments, name)
        if not 1 <= found <= most:
            raise OperatorError(
                f"expected --{name} from 1 to {most}, found {found}: choose another"
            )
    if not (ROOT / "deploy" / "monitoring").is_dir():
        raise OperatorError(
            "expected deploy/monitoring beside the program, found none: run it from a checkout"
        )
