"""Write reports of records that were played before.

    python -m drills.report RECORD.json... --out DIR [--pictures]

Records of one scenario make one page; with several scenarios there is an index too.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from drills.report.output import write_index, write_scenario
from drills.report.picture import require_matplotlib
from drills.report.record import DrillRecord
from drills.report.record_file import read_record
from runtime.errors import OperatorError

EXIT_GOOD: Final = 0
EXIT_OPERATOR: Final = 78


def main(argv: Sequence[str] | None = None) -> int:
    """Read records, write pages; give the exit code: 0, or 78 when a person must act."""
    parser = argparse.ArgumentParser(prog="python -m drills.report", description=__doc__)
    parser.add_argument("records", type=Path, nargs="+", metavar="RECORD.json")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--pictures", action="store_true", help="every chart as a PNG too")
    chosen = parser.parse_args(argv)
    try:
        if chosen.pictures:
            require_matplotlib()
        _report(chosen.records, chosen.out, pictures=chosen.pictures)
    except OperatorError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_OPERATOR
    return EXIT_GOOD


def _report(paths: Sequence[Path], folder: Path, *, pictures: bool) -> None:
    by_scenario: dict[str, list[DrillRecord]] = {}
    for path in paths:
        record = read_record(path)
        by_scenario.setdefault(record.played.scenario, []).append(record)
    outcomes = [
        write_scenario(records, folder, pictures=pictures) for records in by_scenario.values()
    ]
    if len(outcomes) > 1:
        write_index(outcomes, folder)


if __name__ == "__main__":
    sys.exit(main())
