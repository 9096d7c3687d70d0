"""`make endurance`: size, time and crowds, as a keeper meets them in a year.

    python -m tests.endurance [--only journal,week,soak,connections] [--rows N] [--days D]
                              [--connections N] [--folder DIR] [--json FILE]

Each part tells what it measured; exit code 2 when one is not steady or kept somebody from working. Memory
stays below 3 GB, the large journal takes about two gigabytes of disk in `--folder`.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import uvloop

from tests.endurance.connections import crowd_port
from tests.endurance.journal_size import measure_journal
from tests.endurance.soak import soak
from tests.endurance.week import WeekPlan, play_week

PARTS: Final = ("journal", "week", "soak", "connections")
EXIT_UNSTEADY: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were asked for; give the exit code."""
    options = _options(arguments)
    # What a week of work has to say is not for a screen.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    report: dict[str, object] = {}
    is_good = True
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="bellkeeper-", dir=options.folder) as folder:
            _say(f"== {name}")
            started = time.monotonic()
            found = dict(_part(name, options, Path(folder))())
        found["seconds"] = round(time.monotonic() - started, 1)
        _say(json.dumps(found, indent=2))
        report[name] = found
        is_good &= bool(found.get("is_steady", True))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if is_good else EXIT_UNSTEADY


def _part(
    name: str, options: argparse.Namespace, folder: Path
) -> Callable[[], Mapping[str, object]]:
    match name:
        case "journal":
            return partial(measure_journal, folder, options.rows, _say)
        case "week":
            plan = WeekPlan(days=options.days)
            return lambda: asyncio.run(play_week(folder, plan, _say))
        case "soak":
            return lambda: uvloop.run(soak(folder, options.days, _say))
        case _:
            return partial(crowd_port, folder, options.connections)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance")
    parser.add_argument("--only", type=_parts, default=PARTS, help=f"of {','.join(PARTS)}")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=float, default=7.0, help="of the venue's clock")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where files go while they are needed")
    parser.add_argument("--json", type=Path, help="write a report")
    return parser.parse_args(arguments)


def _parts(text: str) -> tuple[str, ...]:
    named = tuple(text.split(","))
    if unknown := set(named) - set(PARTS):
        raise argparse.ArgumentTypeError(f"expected parts of {PARTS}, found {sorted(unknown)}")
    return named


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
