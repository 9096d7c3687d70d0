"""The hour in which most happened: drawn once more, where a whole run is too long to see it."""

from typing import Final

import numpy as np

from drills.report.chart import column
from drills.report.record import DrillRecord
from risk.units import Seconds, div_floor

HOUR: Final = 3_600
LONG: Final = 2 * HOUR
"""A run up to this length needs no second drawing."""
MINUTE: Final = 60


def end_of(record: DrillRecord) -> Seconds:
    """Give where drawings end: the last time of the axis or of a bucket, and after the first."""
    last = max([record.times[-1], record.times[0] + 1, *(each.stop for each in record.buckets)])
    return Seconds(last)


def worst_hour(record: DrillRecord) -> tuple[Seconds, Seconds] | None:
    """Give the hour around the bucket in which most was liquidated, or around the fastest minute; None in a short run."""
    start, stop = record.times[0], end_of(record)
    if stop - start <= LONG:
        return None
    middle = _worst_moment(record)
    first = min(max(start, Seconds(middle - div_floor(HOUR, 2))), Seconds(stop - HOUR))
    return first, Seconds(first + HOUR)


def _worst_moment(record: DrillRecord) -> Seconds:
    if any(each.liquidated_atoms for each in record.buckets):
        worst = max(record.buckets, key=lambda each: each.liquidated_atoms)
        return Seconds(div_floor(worst.start + worst.stop, 2))
    times = column(record.times)
    later = np.minimum(np.searchsorted(times, times + MINUTE), len(times) - 1)
    moves = np.zeros(len(times))
    for market in record.markets:
        logs = np.log(column(market.mark_e8))
        moves = np.maximum(moves, np.abs(logs[later] - logs))
    return record.times[int(np.argmax(moves))]
