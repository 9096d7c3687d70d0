"""Draw a chart as SVG that lies inside the page: colours come from the page's style, light or dark.

Drawn at one unit a pixel of the width it is made for, so that its words are as large as the page's. What is in the drawing
is told by its title and description too; hatching and words say what colours say.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from drills.report.chart import Chart, Panel
from drills.report.frame import Frame, panel_scale
from drills.report.svg_shapes import LANE, bars, lane, line, range_field, shade, stroke
from drills.report.ticks import tick_text, time_ticks
from keepers.page.html import Markup, tag
from risk.units import Seconds

LEFT: Final = 52
RIGHT: Final = 12
HEAD: Final = 22
"""For the label of a panel, above it."""
GAP: Final = 10
FOOT: Final = 48
"""For the times, their days and the axis' name."""


def draw(chart: Chart, *, width: int, height: int, suffix: str) -> Markup:
    """Draw a chart at a width, each panel `height` high; `suffix` makes its ids its own."""
    heights = sum(HEAD + round(height * panel.weight) + GAP for panel in chart.panels)
    heights += len(chart.lanes) * (LANE + 4) + FOOT
    name = f"{chart.name}-{suffix}"
    ticks = time_ticks(chart.start, chart.stop, chart.zone, max(2, width // 90))
    frame = Frame(left=LEFT, right=width - RIGHT, start=chart.start, stop=chart.stop)
    shapes: list[Markup] = []
    top = 0.0
    for panel in chart.panels:
        tall = round(height * panel.weight)
        low, high, marks = panel_scale(
            panel, chart.start, chart.stop, count=max(2, min(5, round(tall / 35)))
        )
        inner = Frame(
            left=LEFT, right=width - RIGHT, start=chart.start, stop=chart.stop,
            top=top + HEAD, bottom=top + HEAD + tall, low=low, high=high,
        )  # fmt: skip
        shapes.append(_panel(panel, inner, marks, [at for at, _, _ in ticks]))
        top += HEAD + tall + GAP
    for strip in chart.lanes:
        shapes.append(lane(strip, frame, top))
        top += LANE + 4
    shapes.append(_times(chart, frame, ticks, top))
    return tag(
        "svg",
        tag("title", chart.title, id=f"{name}-title"),
        tag("desc", _described(chart), id=f"{name}-desc"),
        *shapes,
        viewBox=f"0 0 {width} {heights}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_=f"chart {suffix}",
    )


def _described(chart: Chart) -> str:
    axes = "; ".join(panel.label for panel in chart.panels)
    return f"{chart.sentence} Upright: {axes}. Across: {chart.time_label}. {chart.note}".strip()


def _panel(panel: Panel, frame: Frame, marks: Sequence[float], times: Sequence[Seconds]) -> Markup:
    step = marks[1] - marks[0]
    heights = frame.down(np.array(marks, dtype=np.float64)).tolist()
    parts = [range_field(each, frame) for each in panel.ranges]
    parts += [shade(each, frame) for each in panel.shades]
    parts += [
        stroke(f"M{frame.x(at):.1f} {frame.top:.1f}V{frame.bottom:.1f}", "grid") for at in times
    ]
    for mark, y in zip(marks, heights, strict=True):
        parts.append(
            stroke(f"M{frame.left} {y:.1f}H{frame.right}", "zero" if mark == 0 else "grid")
        )
        parts.append(
            tag("text", tick_text(mark, step), x=f"{frame.left - 6}", y=f"{y + 4:.1f}", class_="tick end")
        )  # fmt: skip
    parts.append(tag("text", panel.label, x=0, y=f"{frame.top - 9:.1f}", class_="axis"))
    parts += [bars(each, frame) for each in panel.bars]
    parts += [line(each, frame) for each in panel.lines]
    return tag("g", *parts)


def _times(
    chart: Chart, frame: Frame, ticks: Sequence[tuple[Seconds, str, str]], top: float
) -> Markup:
    parts = []
    for at, time, day in ticks:
        x = frame.x(at)
        # Half of a word's width is left at either end.
        anchor = "tick end" if x > frame.right - 18 else "tick mid"
        parts.append(tag("text", time, x=f"{x:.1f}", y=f"{top + 12:.1f}", class_=anchor))
        if day:
            parts.append(tag("text", day, x=f"{x:.1f}", y=f"{top + 25:.1f}", class_=anchor))
    parts.append(
        tag("text", chart.time_label, x=f"{frame.right}", y=f"{top + 41:.1f}", class_="axis end")
    )
    return tag("g", *parts)
