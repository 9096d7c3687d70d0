"""Pictures of a backtest: errors by year and method, and the path of two weekends.

Drawn with matplotlib, which is not one of our own packages: it is loaded when a picture is asked for,
and only then. Nothing is decided here.
"""

import importlib
import importlib.util
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol

from drills.backtest.book_model import draw_world
from drills.backtest.data import Weekend
from drills.backtest.replay import (
    ERRORS_PER_BP,
    KNOWLEDGE,
    Method,
    Moment,
    Outcome,
    ReplayRules,
    play,
)
from drills.backtest.table import TITLES
from drills.summary import percentile
from risk.units import PriceE8
from runtime.errors import OperatorError

COLORS: Final = {
    Method.INDEX: "#1f5fa8",
    Method.MARK: "#d1495b",
    Method.FROZEN: "#6b6b6b",
    Method.EMA: "#2a9d6f",
    Method.MID: "#e0a030",
}
"""Told apart by people who do not see red and green alike, in this order beside each other."""
_SLOT: Final = 0.16
"""Width of one method inside a year."""
_SAMPLE_KNOWLEDGE: Final = KNOWLEDGE[-1]
_SECONDS_PER_HOUR: Final = 3_600
_BP_PER_UNIT: Final = 10_000


class Axes(Protocol):
    """What is used of matplotlib's axes."""

    def plot(self, *args: object, **kwargs: object) -> object:
        """Draw a line."""

    def vlines(self, *args: object, **kwargs: object) -> object:
        """Draw upright lines."""

    def set(self, **kwargs: object) -> object:
        """Set titles, limits and labels."""

    def set_yscale(self, value: str, **kwargs: object) -> object:
        """Choose the scale of the upright axis."""

    def grid(self, *args: object, **kwargs: object) -> object:
        """Draw a grid."""

    def legend(self, **kwargs: object) -> object:
        """Name the lines."""

    def text(self, *args: object, **kwargs: object) -> object:
        """Write into the picture."""


def require_matplotlib() -> None:
    """Raise OperatorError unless pictures can be drawn; asked before the long work begins."""
    if importlib.util.find_spec("matplotlib") is None:
        raise OperatorError(
            "expected the package matplotlib for the pictures, found none: run `make backtest`,"
            " which installs it, or say --no-plots"
        )


def draw_errors(outcomes: Sequence[Outcome], path: Path, *, title: str) -> None:
    """Draw each year's errors by method: a panel for each knowledge."""
    figure = _figure().Figure(figsize=(15, 12), layout="constrained")
    panels = figure.subplots(len(KNOWLEDGE), 1, sharex=True, sharey=True)
    years = sorted({outcome.weekend.reopened_on.year for outcome in outcomes})
    for panel, knowledge in zip(panels, KNOWLEDGE, strict=True):
        of_knowledge = [outcome for outcome in outcomes if outcome.knowledge == knowledge]
        _errors_panel(panel, of_knowledge, years)
        panel.set(title=f"the book knows {knowledge:.0%} of the move", ylabel="error, bp")
    panels[0].legend(ncols=len(TITLES), loc="upper right", frameon=False)
    panels[-1].set(xticks=years, xlabel="year of the open")
    figure.suptitle(
        f"{title}: error at the open. Point: median; thick: middle half; thin: 5th to 95th percentile"
    )
    _save(figure.savefig, path)


def draw_weekends(
    weekends: Sequence[Weekend], path: Path, *, title: str, seed: int, rules: ReplayRules
) -> None:
    """Draw two weekends look by look: the one of the median move, and the one of the largest."""
    ordered = sorted(weekends, key=lambda each: (abs(each.open / each.close - 1), each.closed_on))
    chosen = {"median": ordered[len(ordered) >> 1], "largest": ordered[-1]}
    figure = _figure().Figure(figsize=(17, 7.5), layout="constrained")
    panels = figure.subplots(1, len(chosen))
    for panel, (name, weekend) in zip(panels, chosen.items(), strict=True):
        trace: list[Moment] = []
        world = draw_world(weekend, seed=seed, rules=rules.book)
        play(weekend, world, _SAMPLE_KNOWLEDGE, rules, trace)
        _weekend_panel(panel, weekend, trace)
        panel.set(
            title=f"{name} move: {weekend.closed_on} to {weekend.reopened_on}",
            xlabel="hours since the close",
            ylabel="bp from the close",
        )
        panel.legend(loc="best", frameon=True)
    figure.suptitle(
        f"{title}: drawn weekends between a real close and a real open; the book knows"
        f" {_SAMPLE_KNOWLEDGE:.0%} of the move"
    )
    _save(figure.savefig, path)


def _errors_panel(panel: Axes, outcomes: Sequence[Outcome], years: Sequence[int]) -> None:
    for place, (method, name) in enumerate(TITLES.items()):
        at = [year + (place - (len(TITLES) - 1) / 2) * _SLOT for year in years]
        parts = [_spread_of(outcomes, method, year) for year in years]
        low, lower, middle, upper, high = zip(*parts, strict=True)
        color = COLORS[method]
        panel.vlines(at, low, high, color=color, linewidth=1)
        panel.vlines(at, lower, upper, color=color, linewidth=4, alpha=0.55)
        panel.plot(at, middle, "o", color=color, markersize=4, label=name)
    # Linear up to 1 bp: stale opens make errors of exactly zero, which no logarithm has.
    panel.set_yscale("symlog", linthresh=1)
    panel.set(yticks=[0, 1, 10, 100, 1000], yticklabels=["0", "1", "10", "100", "1000"])
    panel.set(ylim=(0, 1500))
    panel.grid(axis="y", alpha=0.3)
    panel.vlines([year + 0.5 for year in years[:-1]], 0, 1500, color="#dddddd", linewidth=0.8)


def _spread_of(outcomes: Sequence[Outcome], method: Method, year: int) -> list[float]:
    errors = sorted(
        outcome.errors[method] for outcome in outcomes if outcome.weekend.reopened_on.year == year
    )
    parts = (percentile(errors, part) for part in (0.05, 0.25, 0.50, 0.75, 0.95))
    return [(error or 0) / ERRORS_PER_BP for error in parts]


def _weekend_panel(panel: Axes, weekend: Weekend, trace: Sequence[Moment]) -> None:
    hours = [moment.at / _SECONDS_PER_HOUR for moment in trace]

    def line(prices: Sequence[PriceE8], **how: object) -> list[float]:
        moves = [(price / weekend.close - 1) * _BP_PER_UNIT for price in prices]
        panel.plot(hours, moves, **how)
        return moves

    index, mark, mid = COLORS[Method.INDEX], COLORS[Method.MARK], COLORS[Method.MID]
    shown = line(
        [each.mid for each in trace], color=mid, linewidth=0.8, alpha=0.8, label="book's mid"
    )
    shown += line(
        [each.latent for each in trace], color="black", linewidth=1.1, label="latent value"
    )
    shown += line([each.mark for each in trace], color=mark, linewidth=1.2, label="our mark")
    shown += line([each.index for each in trace], color=index, linewidth=2.2, label="our index")
    opened = (weekend.open / weekend.close - 1) * _BP_PER_UNIT
    shown.append(opened)
    panel.plot([weekend.length / _SECONDS_PER_HOUR], [opened], "k*", markersize=14, label="open")
    panel.plot([0], [0], "ks", markersize=7, label="close")
    room = (max(shown) - min(shown)) * 0.25
    low, high = min(shown) - room, max(shown) + room
    bounds = [(moment.low / weekend.close - 1, moment.high / weekend.close - 1) for moment in trace]
    if all(below * _BP_PER_UNIT < low and above * _BP_PER_UNIT > high for below, above in bounds):
        note = (
            f"discovery bound: {bounds[-1][0]:+.1%} and {bounds[-1][1]:+.1%}, outside the picture"
        )
        panel.text(0.02, 0.03, note, transform=getattr(panel, "transAxes", None))
    else:
        _draw_bounds(panel, hours, bounds)
    panel.set(ylim=(low, high))
    panel.grid(alpha=0.3)


def _draw_bounds(
    panel: Axes, hours: Sequence[float], bounds: Sequence[tuple[float, float]]
) -> None:
    """Draw the bound as level pieces: where it moves its reference it jumps."""
    label: str | None = "discovery bound"
    for level, run in itertools.groupby(zip(hours, bounds, strict=True), lambda each: each[1]):
        times = [hour for hour, _ in run]
        ends = [times[0], times[-1]]
        for side in level:
            height = side * _BP_PER_UNIT
            panel.plot(ends, [height, height], color="#777777", linestyle="--", label=label)
            label = None


def _figure() -> ModuleType:
    return importlib.import_module("matplotlib.figure")


def _save(save: Callable[..., object], path: Path) -> None:
    try:
        save(path, dpi=110)
    except OSError as error:
        raise OperatorError(
            f"expected to write a picture to {path}, but {error.strerror}:"
            " name a folder that may be written with --out"
        ) from error
