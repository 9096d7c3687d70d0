"""Pictures of an advice: the tails of a class, and bad debt against margin.

Drawn with matplotlib, which is not one of our own packages: it is loaded when a picture is asked for,
and only then. Nothing is decided here.
"""

import importlib
import importlib.util
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol

import numpy as np

from drills.advice.account import Margins, bad_debt
from drills.advice.gaps import Floats
from drills.advice.report import Answer
from drills.advice.search import Target
from drills.advice.tails import Tail
from risk.units import PPM_SCALE, Ppm, div_ceil
from runtime.errors import OperatorError

COLORS: Final = {"night": "#1f5fa8", "closure": "#d1495b"}
NAMES: Final = {"night": "nights", "closure": "weekends and holidays"}
_MARGINS: Final = tuple(range(20_000, 600_001, 20_000))
_LEAST_BP: Final = 0.01
"""Less is not drawn: a logarithm has no zero."""


class Axes(Protocol):
    """What is used of matplotlib's axes."""

    def plot(self, *args: object, **kwargs: object) -> object:
        """Draw a line."""

    def axvline(self, *args: object, **kwargs: object) -> object:
        """Draw an upright line."""

    def axhline(self, *args: object, **kwargs: object) -> object:
        """Draw a level line."""

    def set(self, **kwargs: object) -> object:
        """Set titles, limits, scales and labels."""

    def grid(self, *args: object, **kwargs: object) -> object:
        """Draw a grid."""

    def legend(self, **kwargs: object) -> object:
        """Name the lines."""


def require_matplotlib() -> None:
    """Raise OperatorError unless pictures can be drawn; asked before the long work begins."""
    if importlib.util.find_spec("matplotlib") is None:
        raise OperatorError(
            "expected the package matplotlib for the pictures, found none: run `make advise`,"
            " which installs it, or leave --plot out"
        )


def draw(answer: Answer, path: Path, *, target: Target) -> None:
    """Draw a class: how often gaps go how far, and what each margin would have cost."""
    figure = _figure().Figure(figsize=(15, 6.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _tails_panel(left, answer)
    _debt_panel(right, answer, target)
    figure.suptitle(
        f"{answer.asset_class}: {len(answer.gaps):,} gaps, {answer.gaps.series_years:.0f} years of one market"
    )
    _save(figure.savefig, path)


def _tails_panel(panel: Axes, answer: Answer) -> None:
    gaps, tails = answer.gaps, answer.tails
    of_kind: Sequence[tuple[str, Floats, Tail | None]] = (
        ("night", gaps.loss[~gaps.is_closure], tails.night),
        ("closure", gaps.loss[gaps.is_closure], tails.closure),
    )
    for name, losses, tail in of_kind:
        if len(losses) == 0:
            continue
        ordered = np.sort(losses)[::-1]
        ordered = ordered[ordered > 0]
        chances = (np.arange(len(ordered)) + 1.0) / len(losses)
        color, title = COLORS[name], NAMES[name]
        panel.plot(ordered * 100, chances, "o", color=color, markersize=3, alpha=0.5, label=title)
        if tail is not None:
            drawn = np.linspace(tail.threshold, max(float(ordered[0]) * 1.6, 0.02), 200)
            fitted = [tail.exceeds(float(level)) for level in drawn]
            panel.plot(
                drawn * 100, fitted, color=color, label=f"{title}: tail, shape {tail.shape:.2f}"
            )
    if answer.advice.weekend is not None:
        at = answer.advice.weekend / PPM_SCALE * 100
        panel.axvline(at, color="#2a9d6f", linestyle="--", label=f"weekend margin {at:g} %")
    panel.set(xscale="log", yscale="log", xlim=(0.1, 100), ylim=(1e-5, 1.0))
    panel.set(xlabel="size of the gap, %", ylabel="share of gaps that are larger")
    panel.grid(alpha=0.3)
    panel.legend(loc="lower left", frameon=False)


def _debt_panel(panel: Axes, answer: Answer, target: Target) -> None:
    happened: list[float] = []
    expected: list[float] = []
    for margin in _MARGINS:
        half = Ppm(div_ceil(margin * target.maintenance_part, PPM_SCALE))
        margins = Margins(initial=Ppm(margin), maintenance=half, weekend=Ppm(margin))
        found = bad_debt(margins, answer.gaps, answer.tails, fresh_share=target.fresh_share)
        happened.append(found.happened_bp if found.happened_bp > _LEAST_BP else math.nan)
        expected.append(found.expected_bp if found.expected_bp > _LEAST_BP else math.nan)
    at = [margin / PPM_SCALE * 100 for margin in _MARGINS]
    panel.plot(at, happened, "o-", color="#6b6b6b", markersize=3, label="as it happened")
    panel.plot(at, expected, color="#1f5fa8", label="expected by the tails")
    panel.axhline(target.bad_debt_bp, color="#d1495b", label=f"target {target.bad_debt_bp:g} bp")
    if answer.advice.initial is not None:
        advised = answer.advice.initial / PPM_SCALE * 100
        panel.axvline(
            advised, color="#2a9d6f", linestyle="--", label=f"initial margin {advised:g} %"
        )
    panel.set(yscale="log", ylim=(_LEAST_BP, 20_000), xlabel="initial margin, %")
    panel.set(ylabel="bad debt, bp of open interest a year")
    panel.grid(alpha=0.3)
    panel.legend(loc="upper right", framealpha=1.0)


def _figure() -> ModuleType:
    return importlib.import_module("matplotlib.figure")


def _save(save: Callable[..., object], path: Path) -> None:
    try:
        save(path, dpi=110)
    except OSError as error:
        raise OperatorError(
            f"expected to write a picture to {path}, but {error.strerror}:"
            " name a folder that may be written with --plot"
        ) from error
