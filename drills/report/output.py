"""Reports as files: a page for each scenario, an index over all, and, if asked for, every chart as a PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from drills.report.index import Outcome, index_page, outcome
from drills.report.page import charts_of, scenario_page
from drills.report.picture import draw_png
from drills.report.record import DrillRecord
from runtime.errors import OperatorError

INDEX: Final = "index.html"


def write_scenario(
    records: Sequence[DrillRecord], folder: Path, *, pictures: bool = False
) -> Outcome:
    """Write `SCENARIO.html`, with pictures `SCENARIO/CHART.png` too; give what the index needs of it.

    Raises OperatorError where a file cannot be written or matplotlib is missing, ValueError for records of two scenarios.
    """
    summed = outcome(records)
    _write(folder / f"{summed.scenario}.html", scenario_page(records))
    if pictures:
        place = folder / summed.scenario
        _make(place)
        for charts in charts_of(records).values():
            for chart in (each for pair in charts for each in pair if each is not None):
                if not chart.is_blank:
                    draw_png(chart, place / f"{chart.name}.png")
    return summed


def write_index(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Write the index over scenarios whose pages lie in the same folder; raises OperatorError."""
    path = folder / INDEX
    _write(path, index_page(outcomes))
    return path


def _write(path: Path, text: str) -> None:
    _make(path.parent)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(
            f"expected to write the report to {path}, but {error.strerror}: name a folder that may be"
            " written"
        ) from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"expected a folder {folder} for the report, but {error.strerror}: name another"
        ) from error
