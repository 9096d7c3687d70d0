"""Fewer points for a drawing, such that nothing that stands out is lost.

A drawing is cut into upright columns, each narrower than the eye tells apart. Of a line every column keeps its
lowest and its highest point, in their order: the worst second is drawn at its true height however long the run is. Of bars that
share a column the highest is kept, never a mean. Figures in words and tables are of all points.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drills.report.chart import Bars, Floats, Span
from risk.units import Seconds

Places = NDArray[np.int64]
_PER_COLUMN: Final = 2


def cut(
    times: Floats, values: Floats, start: float, stop: float, *, is_step: bool
) -> tuple[Floats, Floats]:
    """Give what lies within a stretch, with a point at either end where the line goes on beyond it."""
    first = int(np.searchsorted(times, start, side="left"))
    last = int(np.searchsorted(times, stop, side="right"))
    inside = [times[first:last]], [values[first:last]]
    if 0 < first < len(times) and (first == last or times[first] > start):
        inside[0].insert(0, np.array([start]))
        inside[1].insert(0, _between(times, values, first, start, is_step=is_step))
    if 0 < last < len(times) and (first == last or times[last - 1] < stop):
        inside[0].append(np.array([stop]))
        inside[1].append(_between(times, values, last, stop, is_step=is_step))
    return np.concatenate(inside[0]), np.concatenate(inside[1])


def _between(times: Floats, values: Floats, place: int, at: float, *, is_step: bool) -> Floats:
    """Give the height at a time between the points before `place` and at it; not a number beside a gap."""
    before, after = values[place - 1], values[place]
    part = 0.0 if is_step else (at - times[place - 1]) / (times[place] - times[place - 1])
    return np.array([before if is_step else before + (after - before) * part], dtype=np.float64)


def kept_of_line(times: Floats, values: Floats, start: float, stop: float, count: int) -> Places:
    """Give the places of the points to draw, in order: at most two a column, and those beside a gap.

    Points outside of the stretch are left out. A gap, where the value is not a number, keeps one point of its own.
    """
    inside = np.flatnonzero((times >= start) & (times <= stop))
    if len(inside) <= _PER_COLUMN * count:
        return inside
    columns = column_of(times[inside], start, stop, count)
    shown = values[inside]
    is_known = ~np.isnan(shown)
    kept = [inside[:1], inside[-1:]]
    if is_known.any():
        known = inside[is_known]
        # Sorted by column and then by height, the ends of each column's run are its extremes.
        order = np.lexsort((values[known], columns[is_known]))
        ordered = columns[is_known][order]
        firsts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        lasts = np.r_[firsts[1:] - 1, len(ordered) - 1]
        kept += [known[order[firsts]], known[order[lasts]]]
    empty = np.setdiff1d(columns, columns[is_known])
    kept.append(inside[np.searchsorted(columns, empty)])
    return np.unique(np.concatenate(kept))


def kept_of_bars(bars: Bars, start: float, stop: float, count: int) -> Places:
    """Give the places of the bars to draw: of each column the highest."""
    inside = np.flatnonzero((bars.stops > start) & (bars.starts < stop) & ~np.isnan(bars.values))
    if len(inside) <= count:
        return inside
    columns = column_of(bars.starts[inside], start, stop, count)
    order = np.lexsort((bars.values[inside], columns))
    ordered = columns[order]
    lasts = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
    return np.sort(inside[order[lasts]])


def kept_of_range(times: Floats, edges: Floats, start: float, stop: float, count: int) -> Places:
    """Give the places where a range, its edges stacked, begins or changes: of each column the last."""
    before = max(0, int(np.searchsorted(times, start, side="right")) - 1)
    after = int(np.searchsorted(times, stop, side="right"))
    seen = np.nan_to_num(edges[:, before:after], nan=-1.0)
    if not seen.shape[1]:
        return np.array([], dtype=np.int64)
    is_new = np.r_[True, (seen[:, 1:] != seen[:, :-1]).any(axis=0)]
    places = before + np.flatnonzero(is_new)
    columns = column_of(times[places], start, stop, count)
    return places[np.r_[columns[1:] != columns[:-1], True]]


def column_of(times: Floats, start: float, stop: float, count: int) -> Places:
    """Give the column in which each time lies."""
    found = ((times - start) * (count / (stop - start))).astype(np.int64)
    return np.clip(found, 0, count - 1)


def spans_of(
    times: Sequence[int], states: Sequence[str], stop: int, *, but: str = ""
) -> list[Span]:
    """Give the stretches in which a state was the same, without those of state `but`; the last ends at `stop`."""
    names = np.array(states, dtype=np.str_)
    firsts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]).tolist()
    ends = [*(times[first] for first in firsts[1:]), stop]
    return [
        Span(start=Seconds(times[first]), stop=Seconds(end), state=states[first])
        for first, end in zip(firsts, ends, strict=True)
        if states[first] != but and end > times[first]
    ]
