"""How much notional stands how far from liquidation, by market and side: for people, in slices.

The distance of a position is the adverse move of its own market's mark, all others unmoved, that would
use up its account's slack at its steepest (the bound of the trigger index): it is liquidated at least
that far away. Positions of an account under margin are at distance 0. The numbers pass through float64:
they are shown, and nothing acts on them. A slice keeps the loop for about a millisecond, so whoever
must answer others meanwhile calls `advance` slice by slice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.units import NOTIONAL_SCALE, PPM_SCALE, AccountId, MarketId, Ppm, QuoteAtoms, Seconds
from risk.valuation import MarketColumns, MarketPace, value_rows

_SLICE: Final = 8_192
_FARTHEST: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationMap:
    """Notional in quote atoms: one row of cells for each market and side, one cell for each bucket.

    Bucket 0 is under margin; bucket i reaches from the edge before it up to `edges[i - 1]`; the last is
    beyond all edges. A long is liquidated when the price falls, a short when it rises.
    """

    edges: Sequence[Ppm]
    longs: Mapping[MarketId, Sequence[QuoteAtoms]]
    shorts: Mapping[MarketId, Sequence[QuoteAtoms]]
    now: Seconds
    accounts: int


class LiquidationSurvey:
    """Look at every account once, at the marks of each slice's own moment."""

    def __init__(
        self, book: AccountBook, *, edges: Sequence[Ppm], without: AccountId | None = None
    ) -> None:
        """`without` is an account that nobody liquidates: the backstop's."""
        self._book = book
        self._edges = tuple(edges)
        self._without = None if without is None else book.row(without)
        paces: dict[int, MarketPace] = {
            number: MarketPace(market) for number, market in book.markets.items()
        }
        self._columns = MarketColumns(book.markets, paces)
        self._markets = tuple(book.markets)
        size = max(self._markets, default=-1) + 1
        self._sums = np.zeros((2, size, len(self._edges) + 2))
        self._next_row = 0

    def advance(self, now: Seconds) -> bool:
        """Value the next slice of accounts; say whether any are left."""
        first = self._next_row
        last = min(first + _SLICE, len(self._book))
        if first < last:
            self._columns.read(now)
            self._add(first, last)
        self._next_row = last
        return last < len(self._book)

    def result(self, now: Seconds) -> LiquidationMap:
        """Give what was found; whole when `advance` has said False."""

        def told(side: int) -> dict[MarketId, tuple[QuoteAtoms, ...]]:
            sums = self._sums[side].astype(np.int64).tolist()
            return {number: tuple(sums[number]) for number in self._markets}

        return LiquidationMap(
            edges=self._edges, longs=told(0), shorts=told(1), now=now, accounts=len(self._book)
        )

    def _add(self, first: int, last: int) -> None:
        rows = np.arange(first, last, dtype=np.int64)
        if self._without is not None:
            rows = rows[rows != self._without]
        columns = self._columns
        valued = value_rows(self._book, columns, rows)
        held, slots = self._book.slots, valued.slots
        market = held.market[slots].astype(np.intp)
        size = held.size[slots]
        is_short = (size < 0).astype(np.intp)
        notional = np.abs(size * columns.mark[market]) / NOTIONAL_SCALE
        steepness = notional * np.where(is_short, columns.rise[market], columns.fall[market])
        slack = np.maximum(valued.slack[valued.owners], 0.0)
        distance = np.divide(
            slack * PPM_SCALE,
            steepness,
            out=np.full(len(slots), float(_FARTHEST)),
            where=steepness > 0,
        )
        # At an edge a position is within it; 0 is under margin alone.
        bucket = 1 + np.searchsorted(np.array(self._edges, dtype=np.float64), distance, "left")
        bucket[valued.slack[valued.owners] < 0] = 0
        np.add.at(self._sums, (is_short, market, bucket), notional)
