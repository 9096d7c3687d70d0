"""From times and values to pixels: where things lie in a drawing."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from drills.report.chart import Floats, Panel
from drills.report.ticks import scale

COLUMN: Final = 1.5
"""Pixels of a column that keeps two points of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """From times and values to pixels."""

    left: float
    right: float
    start: float
    stop: float
    top: float = 0.0
    bottom: float = 0.0
    low: float = 0.0
    high: float = 1.0

    def across(self, times: Floats) -> Floats:
        """Give pixels from the left; times outside lie at the edge."""
        part = (np.clip(times, self.start, self.stop) - self.start) / (self.stop - self.start)
        return self.left + part * (self.right - self.left)

    def x(self, at: float) -> float:
        """Give the pixel of one time."""
        return float(self.across(np.array([at], dtype=np.float64))[0])

    def down(self, values: Floats) -> Floats:
        """Give pixels from the top; values outside lie at the edge."""
        part = (np.clip(values, self.low, self.high) - self.low) / (self.high - self.low)
        return self.bottom - part * (self.bottom - self.top)

    @property
    def columns(self) -> int:
        """Count the columns that can be told apart."""
        return int((self.right - self.left) / COLUMN)


def panel_scale(
    panel: Panel, start: float, stop: float, *, count: int = 4
) -> tuple[float, float, list[float]]:
    """Give the range of a panel's upright axis and its ticks: what is drawn between two times."""
    seen = [line.values[(line.times >= start) & (line.times <= stop)] for line in panel.lines]
    seen += [bars.values[(bars.stops > start) & (bars.starts < stop)] for bars in panel.bars]
    values = np.concatenate(seen) if seen else np.array([], dtype=np.float64)
    values = values[~np.isnan(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if panel.from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    else:
        room = (high - low) * 0.06
        low, high = low - room, high + room
    return scale(low, high, count)
