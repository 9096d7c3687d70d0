"""`bellkeeper attack-drills`: what known attacks on the price would do to the mark and to accounts.

Each is played through the code that makes the price, beside the same history without it.
Exit code 0 when it was measured, whatever came out; 78 when a person must act.
"""

import argparse
from collections.abc import Sequence
from typing import Final

from drills.attacks.crowd import draw_crowd
from drills.attacks.outcome import play_all
from drills.attacks.play import Ground
from drills.attacks.scenarios import SCENARIOS, Scenario
from drills.attacks.setting import default_setting
from drills.attacks.table import as_markdown, as_report
from keepers.commands.reporting import add_json_argument, write_report
from runtime.errors import OperatorError
from runtime.logging import configure_logging

EXIT_GOOD: Final = 0
FEWEST_ACCOUNTS: Final = 2
"""A trade has two sides."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    names = ", ".join(each.name for each in SCENARIOS)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"which attacks (default: all): {names}")
    add("--accounts", type=int, default=2_000, metavar="N", help="traders (default: 2000)")
    add("--seed", type=int, default=1, metavar="S", help="of prices and crowd (default: 1)")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play the attacks; print what they did."""
    chosen = _chosen(arguments.names)
    if arguments.accounts < FEWEST_ACCOUNTS or arguments.seed < 0:
        raise OperatorError(
            f"expected --accounts of at least {FEWEST_ACCOUNTS} and --seed of at least 0, found"
            f" {arguments.accounts} and {arguments.seed}: choose other numbers"
        )
    # The desk's own lines say in venue time what the tables sum up; only what is broken is told.
    configure_logging(level="error")
    setting = default_setting()
    ground = Ground(
        setting=setting,
        crowd=draw_crowd(arguments.accounts, arguments.seed, setting.markets),
        seed=arguments.seed,
    )
    report = as_report(ground, play_all(ground, chosen))
    write_report(arguments, report, as_markdown(report))
    return EXIT_GOOD


def _chosen(names: Sequence[str]) -> Sequence[Scenario]:
    known = {each.name: each for each in SCENARIOS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OperatorError(
            f"expected names of attacks among {', '.join(known)}, found {unknown[0]}: choose from"
            " these, or name none to play all"
        )
    return [known[name] for name in dict.fromkeys(names)] or SCENARIOS
