"""`bellkeeper incentives simulate --weekend`: what the incentives would have done, and whether it helped.

Weekends are played in memory with makers who quote where it pays: on weekday levers, on the schedule,
and on the schedule with the controller. Prices are drawn, or recorded ones are followed.
Exit code 0 when it was measured, whatever came out; 78 when a person must act.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from drills.incentives.data import load_recorded
from drills.incentives.figures import Played
from drills.incentives.plot import draw_levers, draw_liquidity, require_matplotlib
from drills.incentives.results import summed_up
from drills.incentives.seeds import play_seeds
from drills.incentives.setting import load_setting
from drills.incentives.table import as_markdown
from keepers.commands.reporting import add_json_argument, write_report
from risk.incentive_terms import Lever
from runtime.errors import OperatorError

EXIT_GOOD: Final = 0
DEFAULT_MARKET: Final = "NVDA"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--weekend", action="store_true", help="from Friday 15:00 to Monday 10:10 in New York")
    add("--market", default=DEFAULT_MARKET, metavar="SYMBOL", help="(default: NVDA)")
    add("--seeds", type=int, default=10, metavar="N", help="weekends to play (default: 10)")
    add("--data", type=Path, metavar="FILE.csv", help="outside prices, time,price (default: drawn)")
    add("--budget", type=int, metavar="USD", help="of the week (default: the market's)")
    add(
        "--hold",
        action="append",
        default=[],
        choices=[lever.value for lever in Lever],
        metavar="LEVER",
        help="leave this lever at its weekday level in every arm, to see what the others do; may be repeated",
    )
    add("--report", type=Path, metavar="DIR", help="write tables and pictures into this folder")
    add("--no-plots", action="store_true", help="draw no pictures")
    add(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes; the result is the same with any number (default: one a core)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play the weekends; print and write the tables."""
    _check(arguments)
    held = tuple(Lever(name) for name in dict.fromkeys(arguments.hold))
    setting = load_setting(
        arguments.market.upper(),
        budget_usd=arguments.budget,
        recorded=() if arguments.data is None else load_recorded(arguments.data),
        held=held,
    )
    played = play_seeds(setting, range(1, arguments.seeds + 1), jobs=arguments.jobs)
    report = summed_up(setting, played, held=held)
    text = as_markdown(report)
    if arguments.report is not None:
        name = f"incentives_{setting.market.symbol.lower()}"
        _write_folder(arguments.report, name, report, text)
        if not arguments.no_plots:
            _draw(arguments.report, name, setting.market.symbol, played)
    write_report(arguments, report, text)
    return EXIT_GOOD


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what could only fail after a minute of work."""
    if not arguments.weekend:
        raise OperatorError(
            "expected --weekend, found nothing to simulate: only weekends can be simulated so far"
        )
    if arguments.seeds < 1 or arguments.jobs < 1 or (arguments.budget or 0) < 0:
        raise OperatorError(
            "expected --seeds and --jobs of at least 1 and --budget of at least 0, found"
            f" {arguments.seeds}, {arguments.jobs} and {arguments.budget}: choose other numbers"
        )
    if arguments.report is None:
        return
    if not arguments.no_plots:
        require_matplotlib()
    try:
        arguments.report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"expected a folder for --report at {arguments.report}, but {error.strerror}:"
            " name another"
        ) from error


def _write_folder(
    folder: Path, name: str, report: Mapping[str, object], text: Sequence[str]
) -> None:
    documents = {
        f"{name}.md": "\n".join(text) + "\n",
        f"{name}.json": json.dumps(report, indent=2, sort_keys=True) + "\n",
    }
    for file, document in documents.items():
        try:
            (folder / file).write_text(document, encoding="utf-8")
        except OSError as error:
            raise OperatorError(
                f"expected to write {file} into {folder}, but {error.strerror}:"
                " name another folder with --report"
            ) from error


def _draw(folder: Path, name: str, symbol: str, played: Sequence[Played]) -> None:
    draw_liquidity(played, folder / f"{name}_liquidity.png", title=symbol)
    draw_levers(played, folder / f"{name}_levers.png", title=symbol)
