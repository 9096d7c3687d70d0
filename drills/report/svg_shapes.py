"""What is drawn in a panel or a lane, as SVG: lines, ranges, bars, states and acts."""

from typing import Final

import numpy as np

from drills.report.chart import Bars, Ink, Lane, Line, Pointing, Range, Span
from drills.report.frame import Frame
from drills.report.thinning import cut, kept_of_bars, kept_of_line, kept_of_range
from keepers.page.html import NOTHING, Markup, tag

LANE: Final = 15
"""Height of a lane in pixels."""
LETTER: Final = 6.2
"""Pixels of a letter, about."""
THINNEST: Final = 1.5
"""Pixels of a state or a bar, so that it is seen."""
SIGNS: Final = {
    Pointing.STRICTER: "M{x} {y}m-4 -8h8l-4 8z",
    Pointing.SOFTER: "M{x} {y}m-4 0h8l-4 -8z",
    Pointing.SAME: "M{x} {y}m-.6 -9h1.2v10h-1.2z",
}


def line(shown: Line, frame: Frame) -> Markup:
    """Draw a line, broken where there is no value."""
    times, values = cut(shown.times, shown.values, frame.start, frame.stop, is_step=shown.is_step)
    kept = kept_of_line(times, values, frame.start, frame.stop, frame.columns)
    xs, ys = frame.across(times[kept]), frame.down(values[kept])
    words: list[str] = []
    pen_up = True
    last = 0.0
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if y != y:  # noqa: PLR0124 - not a number: a gap
            if shown.is_step and not pen_up:
                words.append(f"H{x:.1f}")
            pen_up = True
            continue
        if pen_up:
            words.append(f"M{x:.1f} {y:.1f}h.01")
        elif shown.is_step:
            words.append(f"H{x:.1f}" if y == last else f"H{x:.1f}V{y:.1f}")
        else:
            words.append(f"L{x:.1f} {y:.1f}")
        pen_up, last = False, y
    if shown.is_step and not pen_up:
        words.append(f"H{frame.right}")
    return stroke("".join(words), f"ink-{shown.ink.value}")


def range_field(shown: Range, frame: Frame) -> Markup:
    """Fill between low and high, and draw those edges that lie inside the panel."""
    edges = np.stack((shown.low, shown.high))
    kept = kept_of_range(shown.times, edges, frame.start, frame.stop, frame.columns)
    xs = frame.across(shown.times[kept]).tolist()
    lows, highs = shown.low[kept], shown.high[kept]
    tops, bottoms = frame.down(highs).tolist(), frame.down(lows).tolist()
    fields: list[str] = []
    for place, (x, top, bottom) in enumerate(zip(xs, tops, bottoms, strict=True)):
        right = xs[place + 1] if place + 1 < len(xs) else frame.right
        if top == top and right > x:  # noqa: PLR0124 - not a number: no band
            fields.append(f"M{x:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{x:.1f}z")
    drawn = [
        line(
            Line(
                label=shown.label, ink=Ink.BAND, times=shown.times[kept], is_step=True,
                values=np.where((edge >= frame.low) & (edge <= frame.high), edge, np.nan),
            ),
            frame,
        )
        for edge in (lows, highs)
    ]  # fmt: skip
    return tag("g", tag("path", d=Markup("".join(fields)), class_="field"), *drawn)


def bars(shown: Bars, frame: Frame) -> Markup:
    """Draw bars from zero."""
    kept = kept_of_bars(shown, frame.start, frame.stop, frame.columns)
    lefts, rights = frame.across(shown.starts[kept]), frame.across(shown.stops[kept])
    # A hair of ground between neighbours, and never too thin to be seen.
    widths = np.maximum(rights - lefts - np.where(rights - lefts > 4, 1, 0), THINNEST).tolist()
    tops = frame.down(shown.values[kept]).tolist()
    zero = float(frame.down(np.zeros(1))[0])
    words = [
        f"M{left:.1f} {zero:.1f}V{top:.1f}h{width:.1f}V{zero:.1f}z"
        for left, width, top in zip(lefts.tolist(), widths, tops, strict=True)
        if abs(top - zero) > 0.05
    ]
    return tag("path", d=Markup("".join(words)), class_=f"bar-{shown.ink.value}")


def shade(span: Span, frame: Frame) -> Markup:
    """Shade a stretch of a panel."""
    if span.stop <= frame.start or span.start >= frame.stop:
        return NOTHING
    left, right = frame.x(span.start), frame.x(span.stop)
    return tag(
        "rect", x=f"{left:.1f}", y=f"{frame.top:.1f}", width=f"{max(THINNEST, right - left):.1f}",
        height=f"{frame.bottom - frame.top:.1f}", class_=f"shade {span.state}",
    )  # fmt: skip


def lane(shown: Lane, frame: Frame, top: float) -> Markup:
    """Draw a strip of states, with words where they fit, or of acts."""
    parts = [
        tag("text", shown.label, x=f"{frame.left - 6}", y=f"{top + 11:.1f}", class_="tick end"),
        tag(
            "rect",
            x=f"{frame.left}",
            y=f"{top:.1f}",
            width=f"{frame.right - frame.left}",
            height=LANE,
            class_="rail",
        ),
    ]
    for span in shown.spans:
        if span.stop <= frame.start or span.start >= frame.stop:
            continue
        left, right = frame.x(span.start), frame.x(span.stop)
        width = max(THINNEST, right - left)
        parts.append(
            tag(
                "rect", x=f"{left:.1f}", y=f"{top:.1f}", width=f"{width:.1f}", height=LANE,
                class_=f"state {span.state}",
            )
        )  # fmt: skip
        said = span.state.replace("_", "-")
        if width > len(said) * LETTER + 6:
            parts.append(
                tag("text", said, x=f"{left + width / 2:.1f}", y=f"{top + 11:.1f}", class_="said")
            )
    for moment in shown.moments:
        if frame.start <= moment.at <= frame.stop:
            d = SIGNS[moment.pointing].format(x=f"{frame.x(moment.at):.1f}", y=f"{top + 11.5:.1f}")
            path = tag(
                "path", tag("title", moment.text), d=d, class_=f"act {moment.pointing.value}"
            )
            parts.append(path)
    return tag("g", *parts)


def stroke(d: str, class_: str) -> Markup:
    """Draw a path."""
    return tag("path", d=Markup(d), class_=class_)
