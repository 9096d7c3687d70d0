"""How much stands how near to liquidation: for people, off the hot path, in slices.

The distance of an account is the common adverse move of all its prices, in ppm, that would use up
its slack at its steepest: at least that far away, by the same bound that the trigger index uses.
An account under margin is at distance 0. A survey of a million accounts takes a good part of a
second, so whoever must answer others meanwhile calls `advance` slice by slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.trigger_index import TriggerIndex
from risk.units import PPM_SCALE, AccountId, Ppm, QuoteAtoms, Seconds

_SLICE: Final = 16_384
_FARTHEST: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class NearAccount:
    """One account, how far it is from liquidation at least, and what it holds."""

    account: AccountId
    distance: Ppm
    notional: QuoteAtoms


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Accounts within a distance of liquidation, and the notional they hold together."""

    distance: Ppm
    account_count: int
    notional: QuoteAtoms


class ExposureSurvey:
    """Look at every account once; the sums are whole when `advance` has said False."""

    def __init__(
        self, book: AccountBook, index: TriggerIndex, *, edges: Sequence[Ppm], limit: int
    ) -> None:
        self._book = book
        self._index = index
        self._edges = tuple(sorted(edges))
        self._limit = limit
        self._next_row = 0
        self._counts = [0] * len(self._edges)
        self._notionals = [0] * len(self._edges)
        self._nearest: list[tuple[int, AccountId, int]] = []

    def advance(self, now: Seconds) -> bool:
        """Value the next slice of accounts at `now`; say whether any are left."""
        first = self._next_row
        last = min(first + _SLICE, len(self._book))
        if first < last:
            self._look_at(np.arange(first, last, dtype=np.int64), now)
        self._next_row = last
        return last < len(self._book)

    @property
    def within(self) -> tuple[Exposure, ...]:
        """Give what stands within each edge, from near to far, each including the nearer."""
        return tuple(
            Exposure(distance=edge, account_count=count, notional=QuoteAtoms(notional))
            for edge, count, notional in zip(
                self._edges, self._counts, self._notionals, strict=True
            )
        )

    @property
    def nearest(self) -> tuple[NearAccount, ...]:
        """Give the accounts nearest to liquidation, nearest first, then by number."""
        return tuple(
            NearAccount(account=account, distance=Ppm(distance), notional=QuoteAtoms(notional))
            for distance, account, notional in self._nearest
        )

    def _look_at(self, rows: Int64Column, now: Seconds) -> None:
        valued = self._index.value(rows, now)
        share = np.divide(
            np.maximum(valued.slack, 0.0) * PPM_SCALE,
            valued.gross,
            out=np.full(len(rows), float(_FARTHEST)),
            where=valued.gross > 0,
        )
        share[valued.slack < 0] = 0.0
        distance = np.minimum(share, _FARTHEST).astype(np.int64)
        for place, edge in enumerate(self._edges):
            is_within = distance <= edge
            self._counts[place] += int(np.count_nonzero(is_within))
            self._notionals[place] += int(valued.notional[is_within].sum())
        self._keep_nearest(rows, distance, valued.notional.astype(np.int64))

    def _keep_nearest(self, rows: Int64Column, distance: Int64Column, held: Int64Column) -> None:
        places = np.flatnonzero((distance < _FARTHEST) & (held > 0))
        if len(places) > self._limit > 0:
            edge = np.partition(distance[places], self._limit - 1)[self._limit - 1]
            places = places[distance[places] <= edge]
        found = [
            (int(distance[place]), self._book.id_at(int(rows[place])), int(held[place]))
            for place in places.tolist()
        ]
        self._nearest = sorted([*self._nearest, *found])[: self._limit]
