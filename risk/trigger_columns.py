"""The trigger index's own columns: triggers by slot, deadlines and verdicts by row.

`key` is where a position wakes its account, `entry` the nearest key that stands in a queue for it
(inf: none), `side` which queue (+1 rising, −1 falling, 0 never placed); `due` and `due_entry` are
the same for an account's deadline. As in the account book, `x_at` reads single cells of `x`.
"""

from math import inf
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from risk.valuation import FloatColumn

_Number = TypeVar("_Number", bound=np.generic)


class TriggerColumns:
    """Columns that have as much room as the book's."""

    def __init__(self) -> None:
        self.key: FloatColumn = np.zeros(0)
        self.entry: FloatColumn = np.zeros(0)
        self.side: NDArray[np.int8] = np.zeros(0, dtype=np.int8)
        self.due: FloatColumn = np.zeros(0)
        self.due_entry: FloatColumn = np.zeros(0)
        self.is_under: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._renew_views()

    def reserve(self, slots: int, rows: int) -> None:
        """Grow to this many slots and rows; what is new has no trigger and is not under margin."""
        if slots == len(self.key) and rows == len(self.due):
            return
        self.key = _widened(self.key, slots, inf)
        self.entry = _widened(self.entry, slots, inf)
        self.side = _widened(self.side, slots, 0)
        self.due = _widened(self.due, rows, inf)
        self.due_entry = _widened(self.due_entry, rows, inf)
        self.is_under = _widened(self.is_under, rows, 0)
        self._renew_views()

    def _renew_views(self) -> None:
        self.key_at = cast("memoryview[float]", self.key.data)
        self.entry_at = cast("memoryview[float]", self.entry.data)
        self.side_at = self.side.data
        self.due_at = cast("memoryview[float]", self.due.data)
        self.due_entry_at = cast("memoryview[float]", self.due_entry.data)
        self.is_under_at = cast("memoryview[bool]", self.is_under.data)


def _widened(column: NDArray[_Number], size: int, filler: float) -> NDArray[_Number]:
    wide = np.full(size, filler, dtype=column.dtype)
    wide[: len(column)] = column
    return wide
