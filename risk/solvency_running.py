"""Claims kept up to date by events between two readings of all accounts.

The reading is the base; what events touched since lies over it. Every change takes the old value off
and puts the new one on, so the sums are exact at every block, at the price of what happened in it.
Money in quote atoms, sizes 1e-8 share.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from risk.columns import AccountColumns
from risk.exact_columns import exact_sum, sums_by
from risk.solvency_flows import Event
from risk.solvency_sheet import BookTotals, Sides
from risk.units import AccountId, MarketId, QuoteAtoms, SizeE8


class RunningBook:
    """Totals of all accounts, from a reading on."""

    def __init__(self, pages: Sequence[AccountColumns], *, market_count: int) -> None:
        nothing = np.zeros(0, dtype=np.int64)

        def joined(name: str) -> Any:  # noqa: ANN401 - a column
            return np.concatenate([nothing, *(getattr(page.positions, name) for page in pages)])

        counts = np.concatenate([nothing, *(page.position_count for page in pages)])
        self._cash = np.concatenate([nothing, *(page.collateral for page in pages)])
        self._ends = np.cumsum(counts)
        self._counts = counts
        self._market, self._size, self._quote = joined("market"), joined("size"), joined("quote")
        self._rows: dict[AccountId, int] = {}
        for page in pages:
            first = len(self._rows)
            numbers = range(first, first + len(page.ids))
            self._rows.update(zip(page.ids, numbers, strict=True))
        self._new_cash: dict[AccountId, int] = {}
        self._new_held: dict[tuple[AccountId, MarketId], tuple[int, int]] = {}
        longs = sums_by(self._market, np.maximum(self._size, 0), market_count)
        shorts = sums_by(self._market, np.maximum(-self._size, 0), market_count)
        self._longs = dict(enumerate(longs))
        self._shorts = dict(enumerate(shorts))
        self._collateral = exact_sum(self._cash)
        self._quotes = exact_sum(self._quote)

    def apply(self, event: Event) -> None:
        """Learn of one event; those that touch no account are passed over."""
        values = event.values
        if event.name == "CollateralChanged":
            self._set_cash(AccountId(values["account"]), values["collateral"])
        elif event.name == "PositionChanged":
            self._set_cash(AccountId(values["account"]), values["collateral"])
            self._set_held(values)
        elif event.name == "MarketCreated":
            self._longs.setdefault(values["market"], 0)
            self._shorts.setdefault(values["market"], 0)

    @property
    def totals(self) -> BookTotals:
        """Give the sums as of the last event."""
        return BookTotals(
            collateral=QuoteAtoms(self._collateral),
            quote=QuoteAtoms(self._quotes),
            sides={
                MarketId(number): Sides(longs=SizeE8(longs), shorts=SizeE8(self._shorts[number]))
                for number, longs in self._longs.items()
            },
        )

    def _set_cash(self, account: AccountId, cash: int) -> None:
        old = self._new_cash.get(account)
        if old is None:
            row = self._rows.get(account)
            old = 0 if row is None else int(self._cash[row])
        self._collateral += cash - old
        self._new_cash[account] = cash

    def _set_held(self, values: Mapping[str, Any]) -> None:
        account, market = AccountId(values["account"]), MarketId(values["market"])
        size, quote = values["size"], values["quote"]
        old_size, old_quote = self._held(account, market)
        self._quotes += quote - old_quote
        self._longs[market] = self._longs.get(market, 0) + max(size, 0) - max(old_size, 0)
        self._shorts[market] = self._shorts.get(market, 0) + max(-size, 0) - max(-old_size, 0)
        self._new_held[account, market] = (size, quote)

    def _held(self, account: AccountId, market: MarketId) -> tuple[int, int]:
        known = self._new_held.get((account, market))
        if known is not None:
            return known
        row = self._rows.get(account)
        if row is None:
            return 0, 0
        last = int(self._ends[row])
        for place in range(last - int(self._counts[row]), last):
            if self._market[place] == market:
                return int(self._size[place]), int(self._quote[place])
        return 0, 0
