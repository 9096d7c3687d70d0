"""A chart as a PNG, for slides and mail: the same values, drawn with matplotlib.

matplotlib is not one of our own packages: it is loaded when a picture is asked for, and only then.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np

from drills.report.chart import Chart, Ink, Panel, Pointing
from drills.report.frame import panel_scale
from drills.report.ticks import tick_text, time_ticks
from runtime.errors import OperatorError

COLORS: Final = {
    Ink.MARK: "#17212b",
    Ink.INDEX: "#b45f06",
    Ink.VALUE: "#6b7a88",
    Ink.BAND: "#7fa6cb",
    Ink.FIRST: "#1d5f9e",
    Ink.SECOND: "#b45f06",
    Ink.THIRD: "#b4bfca",
    Ink.LOSS: "#b3261e",
}
"""As the page's style has them in the light."""
DASHES: Final = {Ink.VALUE: ":", Ink.SECOND: "--"}
STATES: Final = {
    "limit": ("#fdecc8", "//"),
    "reduce_only": ("#fdecc8", "xx"),
    "halted": ("#fbdcd9", "--"),
    "settled": ("#e4e9ee", "||"),
    "regular": ("#b6d9c1", ""),
    "pre": ("#cfe8d6", ""),
    "post": ("#cfe8d6", ""),
    "overnight": ("#c6d5eb", ""),
    "weekend": ("#d2d7dc", ""),
    "holiday": ("#d6c8e3", ""),
}
UNKNOWN: Final = ("#c8ced4", "")
SIGNS: Final = {Pointing.STRICTER: "v", Pointing.SOFTER: "^", Pointing.SAME: "|"}
SIGN_COLORS: Final = {
    Pointing.STRICTER: "#b3261e",
    Pointing.SOFTER: "#146c2e",
    Pointing.SAME: "#52606d",
}
MOST_TICKS: Final = 10


def require_matplotlib() -> None:
    """Raise OperatorError unless pictures can be drawn; asked before the long work begins."""
    if importlib.util.find_spec("matplotlib") is None:
        raise OperatorError(
            "expected the package matplotlib for the pictures, found none: run `make drill`, which"
            " installs it, or leave the pictures out; the report itself needs none"
        )


def draw_png(chart: Chart, path: Path) -> None:
    """Draw a chart into a file; raises OperatorError where matplotlib is missing or nothing may be written."""
    require_matplotlib()
    figure = importlib.import_module("matplotlib.figure").Figure(
        figsize=(
            13,
            1.6 + sum(2.6 * each.weight for each in chart.panels) + 0.28 * len(chart.lanes),
        ),
        layout="constrained",
    )
    heights = [each.weight * 10 for each in chart.panels] + [1.1] * len(chart.lanes)
    drawn = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    axes = [row[0] for row in drawn]
    for axis, panel in zip(axes, chart.panels, strict=False):
        _panel(axis, panel, chart)
    for axis, lane in zip(axes[len(chart.panels) :], chart.lanes, strict=True):
        for span in lane.spans:
            color, hatch = STATES.get(span.state, UNKNOWN)
            axis.axvspan(
                span.start,
                span.stop,
                facecolor=color,
                hatch=hatch,
                edgecolor="#8d99a6",
                linewidth=0,
            )
        for moment in lane.moments:
            sign, color = SIGNS[moment.pointing], SIGN_COLORS[moment.pointing]
            axis.plot([moment.at], [0.5], sign, color=color, markersize=6)
        axis.set(ylim=(0, 1), yticks=[])
        axis.set_ylabel(lane.label, rotation=0, ha="right", va="center")
    ticks = time_ticks(chart.start, chart.stop, chart.zone, MOST_TICKS)
    axes[-1].set(
        xlim=(chart.start, chart.stop),
        xticks=[at for at, _, _ in ticks],
        xticklabels=[f"{time}\n{day}" for _, time, day in ticks],
        xlabel=chart.time_label,
    )
    figure.suptitle(f"{chart.title}. {chart.sentence}", fontsize=10, wrap=True)
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise OperatorError(
            f"expected to write a picture to {path}, but {error.strerror}: name a folder that may be"
            " written"
        ) from error


def _panel(axis: Any, panel: Panel, chart: Chart) -> None:  # noqa: ANN401 - matplotlib has no types here
    low, high, marks = panel_scale(panel, chart.start, chart.stop)
    for span in panel.shades:
        color, hatch = STATES.get(span.state, UNKNOWN)
        axis.axvspan(
            span.start,
            span.stop,
            facecolor=color,
            hatch=hatch,
            edgecolor="#d5dce3",
            linewidth=0,
            alpha=0.6,
        )
    for each in panel.ranges:
        axis.fill_between(
            each.times,
            each.low,
            each.high,
            step="post",
            color="#dbe8f4",
            alpha=0.7,
            label=each.label,
        )
    for bars in panel.bars:
        heights, widths = np.nan_to_num(bars.values), bars.stops - bars.starts
        axis.bar(
            bars.starts, heights, widths, align="edge", color=COLORS[bars.ink], label=bars.label
        )
    for line in panel.lines:
        axis.plot(
            line.times,
            line.values,
            color=COLORS[line.ink],
            linestyle=DASHES.get(line.ink, "-"),
            linewidth=1.3,
            drawstyle="steps-post" if line.is_step else "default",
            label=line.label,
        )
    axis.set(
        ylim=(low, high),
        yticks=marks,
        yticklabels=[tick_text(each, marks[1] - marks[0]) for each in marks],
    )
    axis.set_title(panel.label, loc="left", fontsize=10)
    axis.grid(alpha=0.3)
    if len(panel.lines) + len(panel.bars) + len(panel.ranges) > 1:
        axis.legend(
            ncols=4, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9
        )
