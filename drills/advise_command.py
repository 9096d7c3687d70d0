"""`bellkeeper advise`: margins, bounds and weekend leverage that would have carried the gaps of the past.

From daily prices of real markets, by a stated model of a book at the largest leverage. It advises; it
changes nothing that is shipped. Exit code 0 when it was found, whatever came out; 78 when a person must act.
"""

import argparse
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Final

from drills.advice.plot import draw, require_matplotlib
from drills.advice.report import Answer, Question, answer
from drills.advice.search import Target
from drills.advice.shipped import load_shipped
from drills.advice.sources import NO_SERIES, SOURCES, Series, load_class, own_series
from drills.advice.table import as_markdown
from drills.advice.written import require_known, text_for, write
from keepers.commands.reporting import add_json_argument, write_report
from risk.units import PPM_SCALE, Ppm
from runtime.errors import OperatorError

EXIT_GOOD: Final = 0
CLASSES: Final = (*SOURCES, *NO_SERIES)
SPLIT: Final = date(2008, 1, 1)
DRAWS: Final = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    target = Target()
    add("--class", dest="classes", action="append", choices=CLASSES, help="only this (repeatable)")
    add(
        "--series",
        type=Path,
        metavar="FILE.csv",
        help="your own days (date,open,high,low,close and perhaps adj close) for the one --class",
    )
    add(
        "--target-bp",
        type=float,
        default=target.bad_debt_bp,
        metavar="BP",
        help="bad debt a year, of open interest that is all at the largest leverage (default: 25)",
    )
    add(
        "--closure-ppm",
        type=int,
        default=round(target.closure_chance * PPM_SCALE),
        metavar="PPM",
        help="chance of a fresh account to go bankrupt in one weekend or holiday (default: 1000)",
    )
    add(
        "--maintenance-ppm",
        type=int,
        default=target.maintenance_part,
        metavar="PPM",
        help="maintenance margin as a part of initial margin (default: 500000)",
    )
    add(
        "--split",
        type=date.fromisoformat,
        default=SPLIT,
        metavar="DATE",
        help=f"first day that the out-of-sample check does not advise on (default: {SPLIT})",
    )
    add("--seed", type=int, default=1, metavar="S", help="of the draws of years (default: 1)")
    add("--draws", type=int, default=DRAWS, metavar="N", help=f"for intervals (default: {DRAWS})")
    add(
        "--out",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.toml",
        help="write a market's file (aapl.toml) or a class's incentives (etf.toml) as advised (repeatable)",
    )
    add("--plot", type=Path, metavar="DIR", help="draw a picture of each class into this folder")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Find, print and write the advice."""
    target = _target(arguments)
    question = Question(
        target=target, split=arguments.split, seed=arguments.seed, draws=arguments.draws
    )
    shipped = load_shipped()
    answers = [
        answer(name, series, shipped, question) for name, series in _series(arguments).items()
    ]
    report: dict[str, object] = {
        "target": asdict(target),
        "split": arguments.split.isoformat(),
        "seed": arguments.seed,
        "draws": arguments.draws,
        "classes": {each.asset_class: each.values for each in answers},
        "no_advice": {
            name: why
            for name, why in NO_SERIES.items()
            if not arguments.classes or (name in arguments.classes and arguments.series is None)
        },
    }
    _write_files(arguments, answers)
    if arguments.plot is not None:
        for each in answers:
            draw(each, arguments.plot / f"advice_{each.asset_class}.png", target=target)
    write_report(arguments, report, as_markdown(report))
    return EXIT_GOOD


def _target(arguments: argparse.Namespace) -> Target:
    """Refuse what could only fail after a minute of work."""
    if arguments.series is not None and len(arguments.classes or ()) != 1:
        raise OperatorError(
            "expected one --class with --series, to know whose advice it is, found"
            f" {len(arguments.classes or ())}: name the class that the file stands for"
        )
    if not 0 < arguments.target_bp <= 10_000 or not 0 < arguments.closure_ppm < PPM_SCALE:
        raise OperatorError(
            "expected --target-bp above 0 and up to 10000 and --closure-ppm from 1 to 999999, found"
            f" {arguments.target_bp:g} and {arguments.closure_ppm}: choose other numbers"
        )
    if not 0 < arguments.maintenance_ppm < PPM_SCALE:
        raise OperatorError(
            f"expected --maintenance-ppm from 1 to 999999, found {arguments.maintenance_ppm}:"
            " maintenance margin is a part of initial margin"
        )
    if arguments.seed < 0 or arguments.draws < 1:
        raise OperatorError(
            f"expected --seed of at least 0 and --draws of at least 1, found {arguments.seed} and"
            f" {arguments.draws}: choose other numbers"
        )
    for path in arguments.out:
        require_known(path.stem)
    if arguments.plot is not None:
        require_matplotlib()
        _make_folder(arguments.plot)
    return Target(
        bad_debt_bp=arguments.target_bp,
        closure_chance=arguments.closure_ppm / PPM_SCALE,
        maintenance_part=Ppm(arguments.maintenance_ppm),
    )


def _series(arguments: argparse.Namespace) -> dict[str, list[Series]]:
    if arguments.series is not None:
        return {arguments.classes[0]: own_series(arguments.series)}
    chosen = [name for name in SOURCES if not arguments.classes or name in arguments.classes]
    return {name: load_class(name) for name in chosen}


def _write_files(arguments: argparse.Namespace, answers: list[Answer]) -> None:
    advised = {
        each.asset_class: margins
        for each in answers
        if (margins := each.advice.margins) is not None
    }
    texts = {path: text_for(path.stem, advised) for path in arguments.out}
    for path, text in texts.items():
        write(path, text)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"expected a folder for --plot at {path}, but {error.strerror}: name another"
        ) from error
