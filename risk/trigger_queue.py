"""A queue of keys, each with a number, that gives back every number whose key was reached.

The many are a sorted array with a cursor, the few that came since are a heap; when the heap has
grown, both are merged, and entries that the owner no longer wants are dropped. `next` is the
smallest key: comparing with it is all that a quiet tick does.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Final

import numpy as np

from risk.position_slots import SlotColumn
from risk.valuation import FloatColumn

_FEW: Final = 32
_MERGE_AT_LEAST: Final = 512
_MERGE_FRACTION: Final = 16

Wanted = Callable[[FloatColumn, SlotColumn], np.ndarray[tuple[int], np.dtype[np.bool_]]]


class TriggerQueue:
    """Ascending (key, number) entries; the owner says which are still wanted."""

    __slots__ = ("_cursor", "_heap", "_keys", "_numbers", "_wanted", "next")

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._keys: FloatColumn = np.zeros(0)
        self._numbers: SlotColumn = np.zeros(0, dtype=np.int32)
        self._cursor = 0
        self._heap: list[tuple[float, int]] = []
        self.next = inf

    def __len__(self) -> int:
        return len(self._keys) - self._cursor + len(self._heap)

    def push(self, key: float, number: int) -> None:
        """Add one entry."""
        heappush(self._heap, (key, number))
        self.next = min(self.next, key)
        if len(self._heap) > _MERGE_AT_LEAST + len(self._keys) // _MERGE_FRACTION:
            self._merge(np.zeros(0), np.zeros(0, dtype=np.int32))

    def push_many(self, keys: FloatColumn, numbers: SlotColumn) -> None:
        """Add many entries."""
        if len(keys) <= _FEW + len(self._keys) // (_MERGE_FRACTION * 8):
            for key, number in zip(keys.tolist(), numbers.tolist(), strict=True):
                self.push(key, number)
        else:
            self._merge(keys, numbers)

    def pop_reached(self, level: float) -> list[tuple[float, int]]:
        """Take out every entry whose key is at or below a level."""
        heap = self._heap
        reached: list[tuple[float, int]] = []
        while heap and heap[0][0] <= level:
            reached.append(heappop(heap))
        start = self._cursor
        end = start + int(np.searchsorted(self._keys[start:], level, side="right"))
        if end > start:
            keys, numbers = self._keys[start:end].tolist(), self._numbers[start:end].tolist()
            reached.extend(zip(keys, numbers, strict=True))
            self._cursor = end
        self._renew_next()
        return reached

    def _merge(self, keys: FloatColumn, numbers: SlotColumn) -> None:
        heap_keys = np.array([key for key, _ in self._heap], dtype=np.float64)
        heap_numbers = np.array([number for _, number in self._heap], dtype=np.int32)
        all_keys = np.concatenate((self._keys[self._cursor :], heap_keys, keys))
        all_numbers = np.concatenate((self._numbers[self._cursor :], heap_numbers, numbers))
        wanted = self._wanted(all_keys, all_numbers)
        all_keys, all_numbers = all_keys[wanted], all_numbers[wanted]
        order = np.argsort(all_keys, kind="stable")
        self._keys, self._numbers = all_keys[order], all_numbers[order]
        self._cursor = 0
        self._heap = []
        self._renew_next()

    def _renew_next(self) -> None:
        first = self._keys.item(self._cursor) if self._cursor < len(self._keys) else inf
        self.next = min(first, self._heap[0][0]) if self._heap else first
