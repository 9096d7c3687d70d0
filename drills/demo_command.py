"""`bellkeeper demo`: a weekend on a real chain, Friday 15:00 to Monday 10:00, in at most two minutes.

Exit code 0 when every invariant holds, 2 when one does not, 1 for a bug, 78 when a person must act.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvloop

from drills.demo import FOLDER, Demo, DemoOptions
from drills.screen import Screen
from drills.summary import as_json, as_text, is_good
from drills.weekend_prices import Shape
from runtime.errors import OperatorError

EXIT_GOOD: Final = 0
EXIT_CHECK_FAILED: Final = 2
FEWEST_ACCOUNTS: Final = 20
MOST_ACCOUNTS: Final = 5_000
STEEPEST_FALL: Final = 40.0
"""Percent; a deeper fall takes longer than two minutes, because prices are clamped."""
SHORTEST_PACE: Final = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--accounts", type=int, default=2_000, metavar="N", help="traders (default: 2000)")
    add("--seed", type=int, default=1, metavar="S", help="of traders and prices (default: 1)")
    add("--serve", action="store_true", help="keep all running after the report, until Ctrl-C")
    add("--json", metavar="FILE", help="write the report as JSON; - for standard output alone")
    add("--crash-percent", type=float, default=12.0, metavar="P", help="fall of the first stock")
    add("--pace", type=float, default=1.0, metavar="X", help="length of the weekend, times X")
    add(
        "--kill-keeper-at",
        type=float,
        action="append",
        default=[],
        metavar="SECONDS",
        help="SIGKILL the keeper so long after the weekend began, and start it again (repeatable)",
    )
    add(
        "--kill-keeper-in-flight",
        type=int,
        default=0,
        metavar="N",
        help="SIGKILL the keeper N times while a transaction of its is in flight",
    )
    add("--metrics-port", type=int, default=None, metavar="PORT", help="of the keeper's /metrics")
    add("--folder", type=Path, default=FOLDER, metavar="DIR", help="for logs, keys and journal")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    _check(arguments)
    screen = Screen(is_quiet=arguments.json == "-")

    def show(report: dict[str, object]) -> None:
        if arguments.json == "-":
            sys.stdout.write(as_json(report))
            sys.stdout.flush()
            return
        for line in as_text(report):
            screen.console.print(line, markup=False, highlight=False)
        if arguments.json is not None:
            _write(Path(arguments.json), as_json(report))

    options = DemoOptions(
        accounts=arguments.accounts,
        seed=arguments.seed,
        shape=Shape(fall=arguments.crash_percent / 100),
        pace=arguments.pace,
        kill_keeper_at=arguments.kill_keeper_at,
        kill_keeper_in_flight=arguments.kill_keeper_in_flight,
        metrics_port=arguments.metrics_port,
        folder=arguments.folder,
        serve=(lambda: _until_interrupted(screen)) if arguments.serve else None,
    )
    return rehearse(options, screen, show)


def rehearse(
    options: DemoOptions, screen: Screen, on_report: Callable[[dict[str, object]], None]
) -> int:
    """Run a demo; give the exit code."""
    report = uvloop.run(_interruptible(Demo(options, screen, on_report)))
    return EXIT_GOOD if is_good(report) else EXIT_CHECK_FAILED


async def _interruptible(demo: Demo) -> dict[str, object]:
    """Run the demo such that SIGTERM ends it as Ctrl-C does: everything it started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await demo.run()
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _until_interrupted(screen: Screen) -> None:
    screen.say("serving: Ctrl-C ends it")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _check(arguments: argparse.Namespace) -> None:
    if not FEWEST_ACCOUNTS <= arguments.accounts <= MOST_ACCOUNTS:
        raise OperatorError(
            f"expected --accounts from {FEWEST_ACCOUNTS} to {MOST_ACCOUNTS}, "
            f"found {arguments.accounts}: choose a number between them"
        )
    if not 0 < arguments.crash_percent <= STEEPEST_FALL:
        raise OperatorError(
            f"expected --crash-percent above 0 and at most {STEEPEST_FALL:g}, found "
            f"{arguments.crash_percent:g}: choose a smaller fall"
        )
    if not SHORTEST_PACE <= arguments.pace <= 2:
        raise OperatorError(
            f"expected --pace from {SHORTEST_PACE} to 2, found {arguments.pace:g}: choose another"
        )
    if arguments.json not in (None, "-") and not Path(arguments.json).parent.is_dir():
        raise OperatorError(
            f"expected --json to name a file in a folder that exists, found {arguments.json}: "
            "make the folder or choose another"
        )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(
            f"expected to write the report to {path}, but {error.strerror}: name another file"
        ) from error
