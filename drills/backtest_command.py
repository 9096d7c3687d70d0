"""`bellkeeper backtest-mark`: how well would our weekend mark have predicted the open, honestly.

Real closes and opens, a drawn weekend between them: what the book knew is assumed, and said.
Exit code 0 when it was measured, whatever came out; 78 when a person must act.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from drills.backtest.data import SHIPPED, SHORTEST_HISTORY, Weekend, load, weekends
from drills.backtest.plot import draw_errors, draw_weekends, require_matplotlib
from drills.backtest.replay import Outcome, ReplayRules, replay
from drills.backtest.table import as_markdown, bound_facts, facts, rows
from keepers.commands.reporting import add_json_argument, write_report
from runtime.errors import OperatorError

EXIT_GOOD: Final = 0
FIRST_YEAR: Final = 1
LAST_YEAR: Final = 9999


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    names = "|".join(SHIPPED)
    add(
        "--series",
        default="nasdaq",
        metavar=f"{names}|FILE.csv",
        help="the market: one that `make backtest` brings, or a file with date,open,close (default: nasdaq)",
    )
    add("--from", dest="first", type=int, default=FIRST_YEAR, metavar="YEAR", help="of the open")
    add("--to", dest="last", type=int, default=LAST_YEAR, metavar="YEAR", help="of the open")
    add("--seed", type=int, default=1, metavar="S", help="of the drawn weekends (default: 1)")
    add("--out", type=Path, metavar="DIR", help="write the table and pictures into this folder")
    add("--no-plots", action="store_true", help="write no pictures")
    add(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes; the result is the same with any number (default: one a core)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play the weekends; print and write the table."""
    _check(arguments)
    days = load(arguments.series)
    first, last = arguments.first, arguments.last
    chosen = [each for each in weekends(days) if first <= each.reopened_on.year <= last]
    if not chosen:
        raise OperatorError(
            f"expected weekends in {arguments.series} with {SHORTEST_HISTORY} nights before them and"
            f" an open in {first} to {last}, found none: choose other years or a longer series"
        )
    rules = ReplayRules()
    played = replay(chosen, seed=arguments.seed, rules=rules, jobs=arguments.jobs)
    report: dict[str, object] = {
        "series": _title(arguments.series),
        "from": chosen[0].reopened_on.year,
        "to": chosen[-1].reopened_on.year,
        "seed": arguments.seed,
        "data": facts(days, chosen, first, last),
        "bound": bound_facts(played, rules),
        "rules": asdict(rules),
        "rows": rows(played),
    }
    text = as_markdown(report)
    if arguments.out is not None:
        _write_folder(arguments, report, text)
        if not arguments.no_plots:
            _draw(arguments, chosen, played, rules)
    write_report(arguments, report, text)
    return EXIT_GOOD


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what could only fail after minutes of work."""
    if arguments.first > arguments.last:
        raise OperatorError(
            f"expected --from at or before --to, found {arguments.first} and {arguments.last}:"
            " exchange them"
        )
    if arguments.seed < 0 or arguments.jobs < 1:
        raise OperatorError(
            f"expected --seed of at least 0 and --jobs of at least 1, found {arguments.seed} and"
            f" {arguments.jobs}: choose other numbers"
        )
    if arguments.out is None:
        return
    if not arguments.no_plots:
        require_matplotlib()
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"expected a folder for --out at {arguments.out}, but {error.strerror}: name another"
        ) from error


def _write_folder(
    arguments: argparse.Namespace, report: Mapping[str, object], text: Sequence[str]
) -> None:
    name = f"backtest_{_title(arguments.series)}"
    documents = {
        f"{name}.md": "\n".join(text) + "\n",
        f"{name}.json": json.dumps(report, indent=2, sort_keys=True) + "\n",
    }
    for file, document in documents.items():
        try:
            (arguments.out / file).write_text(document, encoding="utf-8")
        except OSError as error:
            raise OperatorError(
                f"expected to write {file} into {arguments.out}, but {error.strerror}:"
                " name another folder with --out"
            ) from error


def _draw(
    arguments: argparse.Namespace,
    chosen: Sequence[Weekend],
    played: Sequence[Outcome],
    rules: ReplayRules,
) -> None:
    title = _title(arguments.series)
    draw_errors(played, arguments.out / f"backtest_{title}_errors.png", title=title)
    draw_weekends(
        chosen,
        arguments.out / f"backtest_{title}_weekends.png",
        title=title,
        seed=arguments.seed,
        rules=rules,
    )


def _title(series: str) -> str:
    return series if series in SHIPPED else Path(series).stem
