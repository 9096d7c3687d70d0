"""Pictures of simulated weekends: what the book was like, and where the levers and the budget stood.

Drawn with matplotlib, which is not one of our own packages: it is loaded when a picture is asked for,
and only then. Lines are medians over the seeds at each moment, bands the middle half; what jumps from
look to look is averaged over an hour. Nothing is decided here.
"""

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from drills import weekend
from drills.backtest.plot import Axes, require_matplotlib
from drills.incentives.figures import Played, Sample
from drills.incentives.policy import Arm
from drills.incentives.table import NAMES
from drills.summary import percentile
from risk.units import ATOMS_PER_USD, Seconds
from runtime.errors import OperatorError

__all__ = ["draw_levers", "draw_liquidity", "require_matplotlib"]

COLORS: Final = {Arm.WEEKDAY: "#6b6b6b", Arm.SCHEDULE: "#e0a030", Arm.KEEPER: "#1f5fa8"}
"""Told apart by people who do not see red and green alike."""
SMOOTHED: Final = 3
"""Samples before and after that are averaged: an hour in all."""
HOUR: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One panel."""

    label: str
    read: Callable[[Sample], float | None]
    is_smooth: bool = False
    """Averaged over an hour; a lever is drawn as it stood."""
    is_log: bool = False


LIQUIDITY: Final = (
    Row(
        label="depth within 25 bp of\nthe mark, 1,000 USD a side",
        read=lambda at: at.depth / ATOMS_PER_USD / 1e3,
        is_smooth=True,
        is_log=True,
    ),
    Row(
        label="quoted spread, bp",
        read=lambda at: None if at.spread is None else at.spread / 100,
        is_smooth=True,
    ),
    Row(label="makers quoting", read=lambda at: float(at.makers), is_smooth=True),
)
LEVERS: Final = (
    Row(label="maker rebate, bp", read=lambda at: at.rebate / 100),
    Row(label="taker fee, bp", read=lambda at: at.taker_fee / 100),
    Row(label="largest leverage, x", read=lambda at: 1e6 / at.margin),
    Row(label="funding, % a day", read=lambda at: at.funding_rate * 24 / 1e7, is_smooth=True),
    Row(label="spent of the budget, USD", read=lambda at: at.spent / ATOMS_PER_USD),
)


def draw_liquidity(played: Sequence[Played], path: Path, *, title: str) -> None:
    """Draw depth, spread and makers of every arm over the weekend."""
    _draw(played, LIQUIDITY, path, f"{title}: the book over {_count(played)}")


def draw_levers(played: Sequence[Played], path: Path, *, title: str) -> None:
    """Draw the levers and what was spent of every arm over the weekend."""
    _draw(played, LEVERS, path, f"{title}: the levers over {_count(played)}")


def _draw(played: Sequence[Played], rows: Sequence[Row], path: Path, title: str) -> None:
    figure = _figure().Figure(figsize=(14, 2.6 * len(rows) + 1), layout="constrained")
    panels = figure.subplots(len(rows), 1, sharex=True)
    for panel, row in zip(panels, rows, strict=True):
        reached: list[float] = []
        for arm in Arm:
            reached += _line(panel, [each for each in played if each.arm is arm], arm, row)
        _shade(panel, played[0])
        panel.set(ylabel=row.label)
        if row.is_log:
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter("{x:,.0f}")
        elif any(reached):
            panel.set(ylim=(min(0.0, 1.1 * min(reached)), 1.1 * max(reached)))
        panel.grid(alpha=0.3)
    _time_axis(panels[-1], played[0])
    panels[0].legend(ncols=len(Arm), loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False)
    panels[0].set_title(title, loc="left")
    figure.align_ylabels()
    _save(figure.savefig, path)


def _line(panel: Any, played: Sequence[Played], arm: Arm, row: Row) -> list[float]:  # noqa: ANN401 - matplotlib has no types here
    """Draw one arm; give what its band covers."""
    hours = [_hours(each.at, played[0]) for each in played[0].samples]
    columns = list(
        zip(*([row.read(sample) for sample in each.samples] for each in played), strict=True)
    )
    reach = SMOOTHED if row.is_smooth else 0
    low, middle, high = (
        _smoothed([_part(column, part) for column in columns], reach) for part in (0.25, 0.5, 0.75)
    )
    color = COLORS[arm]
    if len(played) > 1:
        panel.fill_between(hours, low, high, color=color, alpha=0.15, linewidth=0)
    panel.plot(hours, middle, color=color, linewidth=1.8, label=NAMES[arm])
    return [value for value in (*low, *high) if not math.isnan(value)]


def _part(column: Sequence[float | None], part: float) -> float:
    """Give a percentile of what is known; not a number where nothing is."""
    ordered = sorted(round(value * 1e6) for value in column if value is not None)
    found = percentile(ordered, part)
    return math.nan if found is None else found / 1e6


def _smoothed(values: Sequence[float], reach: int) -> list[float]:
    """Average over so many values before and after each, as far as they are known."""
    found = []
    for place in range(len(values)):
        near = [
            value
            for value in values[max(0, place - reach) : place + reach + 1]
            if not math.isnan(value)
        ]
        found.append(sum(near) / len(near) if near else math.nan)
    return found


def _shade(panel: Any, played: Played) -> None:  # noqa: ANN401 - same
    """Shade the time in which outside markets are closed."""
    for each in played.sessions:
        if not each.session.has_external_price:
            panel.axvspan(
                _hours(each.start, played), _hours(each.end, played), color="#000000", alpha=0.05
            )


def _time_axis(panel: Axes, played: Played) -> None:
    first, last = played.samples[0].at, played.samples[-1].at
    # Noon and midnight in New York, whose offset does not change within a weekend of the drill.
    ticks = [
        Seconds(at)
        for at in range(first - first % HOUR, last + 1, HOUR)
        if at >= first and weekend.local_text(Seconds(at))[-5:] in {"00:00", "12:00"}
    ]
    panel.set(
        xticks=[_hours(at, played) for at in ticks],
        xticklabels=[weekend.local_text(at) for at in ticks],
        xlim=(0, _hours(last, played)),
        xlabel="New York; shaded: outside markets are closed",
    )


def _hours(at: int, played: Played) -> float:
    return (at - played.samples[0].at) / HOUR


def _count(played: Sequence[Played]) -> str:
    seeds = len({each.seed for each in played})
    return "one weekend" if seeds == 1 else f"{seeds} weekends (line: median; band: middle half)"


def _figure() -> ModuleType:
    return importlib.import_module("matplotlib.figure")


def _save(save: Callable[..., object], path: Path) -> None:
    try:
        save(path, dpi=100)
    except OSError as error:
        raise OperatorError(
            f"expected to write a picture to {path}, but {error.strerror}:"
            " name a folder that may be written with --report"
        ) from error
