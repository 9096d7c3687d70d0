"""The columns under the account book: growing numpy arrays, and fast views of single cells.

numpy is quick for whole columns and slow for one cell; a `memoryview` of the same memory reads one
cell as a Python int in some 30 ns. Each column therefore has its view, `x` and `x_at`, and both are
replaced together when the column grows by doubling.
"""

from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from risk.columns import AccountColumns, Int64Column, PositionColumns
from risk.margin import Position
from risk.units import FundingE12, MarketId, QuoteAtoms, Seconds, SizeE8

SlotColumn: TypeAlias = NDArray[np.int32]
MarketColumn: TypeAlias = NDArray[np.int16]

_Number = TypeVar("_Number", bound=np.generic)

NO_SLOT: Final = -1
NO_MARKET: Final = -1
_FIRST_CAPACITY: Final = 1_024


def grown_capacity(needed: int, capacity: int) -> int:
    """Double a capacity until it holds what is needed."""
    capacity = max(capacity, _FIRST_CAPACITY)
    while capacity < needed:
        capacity *= 2
    return capacity


class AccountRows:
    """Collateral and first slot of each account, by row."""

    def __init__(self) -> None:
        self.count = 0
        self.collateral: Int64Column = np.zeros(0, dtype=np.int64)
        self.head: SlotColumn = np.zeros(0, dtype=np.int32)
        self._renew_views()

    def append(self) -> int:
        """Add an empty account; give its row."""
        row = self.count
        self._reserve(row + 1)
        self.collateral_at[row] = 0
        self.head_at[row] = NO_SLOT
        self.count = row + 1
        return row

    def extend(self, collateral: Int64Column, heads: SlotColumn) -> None:
        """Add many accounts."""
        first = self.count
        last = first + len(collateral)
        self._reserve(last)
        self.collateral[first:last] = collateral
        self.head[first:last] = heads
        self.count = last

    def _reserve(self, needed: int) -> None:
        capacity = len(self.collateral)
        if needed > capacity:
            size = grown_capacity(needed, capacity)
            self.collateral = _grown(self.collateral, size)
            self.head = _grown(self.head, size)
            self._renew_views()

    def _renew_views(self) -> None:
        self.collateral_at = self.collateral.data
        self.head_at = self.head.data


class PositionSlots:
    """Positions by slot; `owner` is the account's row, `next` the account's next slot.

    A free slot has market `NO_MARKET` and waits in a list to be taken again.
    """

    def __init__(self) -> None:
        self.count = 0
        self._free: list[int] = []
        self.size: Int64Column = np.zeros(0, dtype=np.int64)
        self.quote: Int64Column = np.zeros(0, dtype=np.int64)
        self.funding: Int64Column = np.zeros(0, dtype=np.int64)
        self.slice_time: Int64Column = np.zeros(0, dtype=np.int64)
        self.market: MarketColumn = np.zeros(0, dtype=np.int16)
        self.owner: SlotColumn = np.zeros(0, dtype=np.int32)
        self.next: SlotColumn = np.zeros(0, dtype=np.int32)
        self._renew_views()

    @property
    def live_count(self) -> int:
        """How many slots hold a position."""
        return self.count - len(self._free)

    def take(self, market: MarketId, owner: int) -> int:
        """Claim a slot for an account's new position."""
        if self._free:
            slot = self._free.pop()
        else:
            slot = self.count
            self._reserve(slot + 1)
            self.count = slot + 1
        self.market_at[slot] = market
        self.owner_at[slot] = owner
        self.next_at[slot] = NO_SLOT
        return slot

    def free(self, slot: int) -> int:
        """Give a slot back; give the slot that followed it."""
        self.market_at[slot] = NO_MARKET
        self._free.append(slot)
        return self.next_at[slot]

    def write(self, slot: int, size: int, quote: int, funding: int, slice_time: int) -> None:
        """Set the numbers of a slot's position."""
        self.size_at[slot] = size
        self.quote_at[slot] = quote
        self.funding_at[slot] = funding
        self.slice_time_at[slot] = slice_time

    def extend(self, page: AccountColumns, first_row: int) -> SlotColumn:
        """Add a page's positions for the rows from `first_row` on; give each row's first slot."""
        held = page.positions
        rows = len(page.ids)
        owners = np.repeat(np.arange(rows, dtype=np.int32), page.position_count)
        kept = np.flatnonzero(held.size != 0)
        owners = owners[kept]
        first, last = self.count, self.count + len(kept)
        self._reserve(last)
        self.size[first:last] = held.size[kept]
        self.quote[first:last] = held.quote[kept]
        self.funding[first:last] = held.funding[kept]
        self.slice_time[first:last] = held.slice_time[kept]
        self.market[first:last] = held.market[kept]
        self.owner[first:last] = owners + first_row
        following = np.arange(first + 1, last + 1, dtype=np.int32)
        following[:-1][owners[1:] != owners[:-1]] = NO_SLOT
        following[-1:] = NO_SLOT
        self.next[first:last] = following
        counts = np.bincount(owners, minlength=rows)
        heads = first + np.cumsum(counts) - counts
        self.count = last
        return np.where(counts > 0, heads, NO_SLOT).astype(np.int32)

    def position(self, slot: int) -> Position:
        """Give one slot's position as a value."""
        return Position(
            market=MarketId(self.market_at[slot]),
            size=SizeE8(self.size_at[slot]),
            quote=QuoteAtoms(self.quote_at[slot]),
            funding=FundingE12(self.funding_at[slot]),
            slice_time=Seconds(self.slice_time_at[slot]),
        )

    def columns(self, slots: SlotColumn) -> PositionColumns:
        """Export slots in the given order."""
        return PositionColumns(
            market=self.market[slots].astype(np.int64),
            size=self.size[slots],
            quote=self.quote[slots],
            funding=self.funding[slots],
            slice_time=self.slice_time[slots],
        )

    def in_market(self, market: MarketId) -> SlotColumn:
        """Give the slots of every position in a market."""
        return np.flatnonzero(self.market[: self.count] == market).astype(np.int32)

    def _reserve(self, needed: int) -> None:
        capacity = len(self.size)
        if needed > capacity:
            size = grown_capacity(needed, capacity)
            self.size = _grown(self.size, size)
            self.quote = _grown(self.quote, size)
            self.funding = _grown(self.funding, size)
            self.slice_time = _grown(self.slice_time, size)
            self.market = _grown(self.market, size)
            self.owner = _grown(self.owner, size)
            self.next = _grown(self.next, size)
            self._renew_views()

    def _renew_views(self) -> None:
        self.size_at = self.size.data
        self.quote_at = self.quote.data
        self.funding_at = self.funding.data
        self.slice_time_at = self.slice_time.data
        self.market_at = self.market.data
        self.owner_at = self.owner.data
        self.next_at = self.next.data


def _grown(column: NDArray[_Number], size: int) -> NDArray[_Number]:
    larger = np.empty(size, dtype=column.dtype)
    larger[: len(column)] = column
    return larger
