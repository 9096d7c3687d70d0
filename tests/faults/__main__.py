"""`python -m tests.faults`: play the matrix and judge it. Exit code 0 good, 2 something was found.

`--runs` multiplies the stages of each case, `--seed` is the first seed (each further stage takes the
next), `--only` names cases, `--json` takes every finding, `--write` puts the table into a page.
`--keep` leaves the logs and journals of what was found in a folder.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from tests.faults.case import Outcome
from tests.faults.cases_kill import can_mount
from tests.faults.matrix import CASES, named
from tests.faults.run import play
from tests.faults.table import as_json, from_json, table, write_between_marks

EXIT_FOUND: Final = 2
_NEEDS_MOUNT: Final = "disk-read-only"


def main() -> int:
    """Play."""
    arguments = _arguments()
    cases = named(arguments.only)
    if not can_mount():
        sys.stdout.write(f"{_NEEDS_MOUNT} is left out: this machine lets nobody mount\n")
        cases = [case for case in cases if case.name != _NEEDS_MOUNT]
    outcomes: list[Outcome] = []
    for earlier in arguments.with_earlier:
        outcomes += from_json(earlier.read_text(encoding="utf-8"))
    for case in [] if arguments.table_only else cases:
        for run in range(arguments.runs * case.stages):
            seed = arguments.seed + run
            keep = None
            if arguments.keep is not None:
                keep = arguments.keep / f"{case.name}-{seed}"
                keep.mkdir(parents=True)
            outcome = play(case, seed, times=arguments.times, keep=keep)
            outcomes.append(outcome)
            _say(outcome)
            if arguments.json is not None:
                arguments.json.write_text(as_json(outcomes), encoding="utf-8")
    if arguments.write is not None:
        write_between_marks(arguments.write, table(CASES, outcomes))
    return 0 if all(outcome.is_good for outcome in outcomes) else EXIT_FOUND


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="stages per case")
    parser.add_argument("--times", type=int, help="faults per stage, in place of each case's own")
    parser.add_argument("--seed", type=int, default=1, help="of the first stage")
    parser.add_argument("--only", nargs="+", default=[], metavar="CASE", help="these cases alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every finding")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="the page with the table")
    parser.add_argument(
        "--with-earlier",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="outcomes of earlier runs (their --json), for the same table",
    )
    parser.add_argument("--table-only", action="store_true", help="play nothing more")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="logs and journals")
    return parser.parse_args()


def _say(outcome: Outcome) -> None:
    verdict = outcome.verdict
    sys.stdout.write(
        f"{outcome.case:<20} seed {outcome.seed:<5} {outcome.faults:>4} faults  "
        f"lost {len(verdict.lost)}  doubled {len(verdict.doubled)}  "
        f"unbalanced {len(verdict.unbalanced)}  recovery {outcome.blocks} blocks "
        f"{outcome.milliseconds} ms  {'; '.join(outcome.notes)}\n"
    )
    for finding in (*verdict.lost, *verdict.doubled, *verdict.unbalanced, outcome.error):
        if finding:
            sys.stdout.write(f"    {finding}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
