"""A copy of the account book as pages, for whoever values it in a thread of his own.

Copying is done where the book changes, a piece at a time: `advance` copies the next piece, and between two
pieces the book may change. Each position and each cash balance is whole, as of the moment of its piece; a
book of one piece is of one moment. Everything after the copy (`pages`) touches the copy alone.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.columns import AccountColumns, Int64Column, PositionColumns
from risk.units import AccountId

PIECE: Final = 65_536
"""Positions copied at once: about a millisecond."""
PAGE: Final = 65_536
"""Accounts of a page: what a valuation of it takes stays in tens of megabytes."""


class BookCopy:
    """Accounts and positions of a book, as of its beginning: later accounts are left out.

    The `ids` of its pages are rows of the book: nobody names an account here.
    """

    def __init__(self, book: AccountBook, *, piece: int = PIECE) -> None:
        self._book, self._piece = book, piece
        self._rows, self._slots = book.rows.count, book.slots.count
        self._collateral: list[Int64Column] = []
        self._positions: list[tuple[Int64Column, ...]] = []
        self._owners: list[Int64Column] = []
        self._next = 0

    def advance(self) -> bool:
        """Copy the next piece; say whether any are left."""
        first, last = self._next, self._next + self._piece
        rows, slots = self._book.rows, self._book.slots
        self._collateral.append(rows.collateral[first : min(last, self._rows)].copy())
        part = slice(first, min(last, self._slots))
        columns = (slots.market, slots.size, slots.quote, slots.funding)
        self._positions.append(tuple(column[part].astype(np.int64) for column in columns))
        self._owners.append(slots.owner[part].astype(np.int64))
        self._next = last
        return last < max(self._rows, self._slots)

    def pages(self, accounts: int = PAGE) -> Iterator[tuple[int, AccountColumns]]:
        """Give pages of so many accounts, each with the row of its first; the copy must be whole."""
        collateral = _joined(self._collateral)
        owner = _joined(self._owners)
        market, size, quote, funding = map(_joined, zip(*self._positions, strict=True))
        # A free slot has no market; a slot that a later account took meanwhile is none of ours.
        held = np.flatnonzero((market >= 0) & (owner < self._rows))
        order = held[np.argsort(owner[held], kind="stable")]
        edges = np.searchsorted(owner[order], np.arange(0, self._rows + accounts, accounts))
        for place, first in enumerate(range(0, self._rows, accounts)):
            last = min(first + accounts, self._rows)
            mine = order[edges[place] : edges[place + 1]]
            yield (
                first,
                AccountColumns(
                    ids=tuple(map(AccountId, range(first, last))),
                    collateral=collateral[first:last],
                    position_count=np.bincount(owner[mine] - first, minlength=last - first),
                    positions=PositionColumns(
                        market=market[mine],
                        size=size[mine],
                        quote=quote[mine],
                        funding=funding[mine],
                        slice_time=np.zeros(len(mine), dtype=np.int64),
                    ),
                ),
            )


def _joined(columns: Sequence[Int64Column]) -> Int64Column:
    return np.concatenate(columns)
