"""A chart as values: what is drawn, in which unit, and the sentence that says what it shows.

`drills.report.svg` draws it for the page, `drills.report.picture` as a PNG. The horizontal axis is the venue's clock.
A chart without a unit on each axis, or without a sentence, cannot be made. Heights are floats: drawings only.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from risk.units import Seconds

Floats = NDArray[np.float64]


class Ink(StrEnum):
    """What a line, a bar or a field stands for; each has its own colour and its own stroke or hatching."""

    MARK = "mark"
    INDEX = "index"
    VALUE = "value"
    BAND = "band"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    LOSS = "loss"


class Pointing(StrEnum):
    """Where a breaker's act led."""

    STRICTER = "stricter"
    SOFTER = "softer"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Values over time; not a number where there is none."""

    label: str
    ink: Ink
    times: Floats
    values: Floats
    is_step: bool = False
    """Holds until the next value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A low and a high over time, filled between; each holds until the next."""

    label: str
    times: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A value for each bucket, from its start to its stop; not a number where there is none."""

    label: str
    ink: Ink
    starts: Floats
    stops: Floats
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time that is in some state."""

    start: Seconds
    stop: Seconds
    state: str
    """A status or session by name; drawn in its colour, hatching and, where there is room, its word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An act at one time."""

    at: Seconds
    pointing: Pointing
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A strip below the panels: states, or moments."""

    label: str
    spans: tuple[Span, ...] = ()
    moments: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One upright axis with what is drawn on it."""

    label: str
    """What, and in which unit: "price, USD"."""
    unit: str
    """The unit alone, as the label has it."""
    lines: tuple[Line, ...] = ()
    ranges: tuple[Range, ...] = ()
    bars: tuple[Bars, ...] = ()
    shades: tuple[Span, ...] = ()
    """Behind everything."""
    weight: float = 1.0
    """Height against the chart's other panels."""
    from_zero: bool = True
    """The axis begins at zero, or goes through it; otherwise it is as wide as lines and bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Panels over one stretch of time. Raises ValueError where a unit or the sentence is missing."""

    name: str
    """Lower-case words with dashes: a file's name and an element's."""
    title: str
    sentence: str
    start: Seconds
    stop: Seconds
    zone: str
    panels: tuple[Panel, ...]
    lanes: tuple[Lane, ...] = ()
    note: str = ""
    """What cannot be seen in the drawing, such as a band outside of it."""

    def __post_init__(self) -> None:
        if not self.sentence.endswith("."):
            raise ValueError(f"expected a sentence that says what {self.name} shows: write one")
        if self.start >= self.stop or not self.panels:
            raise ValueError(f"expected a stretch of time and a panel in {self.name}: give both")
        for panel in self.panels:
            if not panel.unit or panel.unit not in panel.label:
                raise ValueError(
                    f"expected the unit of an axis of {self.name} in its label, found {panel.label!r}"
                    f" and {panel.unit!r}: name the unit"
                )

    @property
    def is_blank(self) -> bool:
        """Say whether there is nothing to draw: no line, and no bar higher than zero."""
        drawn = any((~np.isnan(each.values)).any() for one in self.panels for each in one.lines)
        heights = [each.values for panel in self.panels for each in panel.bars]
        return not drawn and not any(np.nan_to_num(each).any() for each in heights)

    @property
    def time_label(self) -> str:
        """Name the horizontal axis and its unit."""
        return f"time of day in {self.zone.rpartition('/')[2].replace('_', ' ')}, hours and minutes"


def column(values: object) -> Floats:
    """Turn numbers and None into heights; None becomes not a number."""
    found: Floats = np.array(values, dtype=np.float64)
    return found
