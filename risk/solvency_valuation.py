"""Every account of an exchange valued at once, at the marks or at any other prices, to the atom.

Two million positions take a good tenth of a second. Amounts so large that a sum of them might not fit
64 bits are valued with Python's own integers instead: the same steps, slower, without a limit.
Mirrors docs/exchange.md section 2; `risk.margin` is the clear slow form.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from risk.columns import AccountColumns, Int64Column
from risk.exact_columns import mul_div_ceil, mul_div_floor, rows_by
from risk.margin import Account, Position
from risk.market import Market
from risk.units import (
    FUNDING_SCALE,
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    FundingE12,
    MarketId,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
)

_SAFE: Final = 1 << 54
"""Amounts below this add up in 64 bits over the 128 positions that an account can have."""


class Valuation:
    """All accounts as columns: one row each, positions in the order of their accounts."""

    def __init__(
        self, pages: Sequence[AccountColumns], markets: Mapping[MarketId, Market], now: Seconds
    ) -> None:
        """Join the pages of one block; raises KeyError for a position in an unknown market."""
        self.markets, self.now = markets, now
        self.ids: list[AccountId] = [account for page in pages for account in page.ids]
        self.collateral = _joined([page.collateral for page in pages])
        self.count = _joined([page.position_count for page in pages])
        self.market = _joined([page.positions.market for page in pages])
        self.size = _joined([page.positions.size for page in pages])
        self.quote = _joined([page.positions.quote for page in pages])
        self.funding = _joined([page.positions.funding for page in pages])
        self._ends = np.cumsum(self.count)
        self.numbers = max(markets, default=MarketId(-1)) + 1
        for number in np.unique(self.market).tolist():
            if number not in markets:
                raise KeyError(f"expected a position in a known market, found market {number}")
        self.rows = rows_by(self.market, self.numbers)
        """Rows of positions by market number."""
        try:
            self.owed = self._owed()
            self.value = self._value()
            _require_small(self.value, self.owed, self.quote, self.collateral)
            self.notional = self._notional()
            self.maintenance = self._maintenance()
        except OverflowError:
            self._slow_down()

    def _slow_down(self) -> None:
        for name in ("collateral", "size", "quote", "funding"):
            setattr(self, name, getattr(self, name).astype(np.object_))
        self.owed = self._owed()
        self.value = self._value()
        self.notional = self._notional()
        self.maintenance = self._maintenance()

    @property
    def is_slow(self) -> bool:
        """Say whether amounts were too large for 64 bits."""
        return bool(self.size.dtype == np.object_)

    def in_python_ints(self) -> "Valuation":
        """Give the same accounts valued without a limit of size."""
        slow = copy(self)
        slow._slow_down()  # noqa: SLF001 - it is one of us
        return slow

    def equities(self) -> Int64Column:
        """Give every account's equity at the marks, in atoms."""
        return self.collateral + self.per_account(self.value + self.quote - self.owed)

    def owners(self) -> Int64Column:
        """Give the row of the account that each position belongs to."""
        return np.repeat(np.arange(len(self.ids), dtype=np.int64), self.count)

    def at(self, number: MarketId, mark: PriceE8) -> "PositionsAt":
        """Value the positions of one market, in the order of `rows`, at another mark.

        Raises OverflowError where that mark makes amounts too large for 64 bits.
        """
        size = self.size[self.rows[number]]
        marks = np.full(len(size), mark, dtype=size.dtype)
        value = mul_div_floor(size, marks, NOTIONAL_SCALE)
        if not self.is_slow:
            _require_small(value)
        notional = mul_div_ceil(np.abs(size), marks, NOTIONAL_SCALE)
        return PositionsAt(
            value=value,
            notional=notional,
            maintenance=_maintenance(self.markets[number], notional),
        )

    def per_account(self, column: Int64Column) -> Int64Column:
        """Add up a column of positions account by account."""
        # The running sum may wrap around; a difference of two of its values is exact all the same.
        running = np.concatenate([np.zeros(1, dtype=column.dtype), np.cumsum(column)])
        sums: Int64Column = running[self._ends] - running[self._ends - self.count]
        return sums

    def flagged(self, flags: Mapping[MarketId, bool]) -> Int64Column:
        """Count, for each account, its positions in markets with a flag."""
        held = {number: int(flag) for number, flag in flags.items()}
        return self.per_account(self._of_market(held).astype(np.int64))

    def account(self, row: int) -> Account:
        """Give one row as a value."""
        first, last = int(self._ends[row] - self.count[row]), int(self._ends[row])
        return Account(
            id=self.ids[row],
            collateral=QuoteAtoms(int(self.collateral[row])),
            positions=tuple(
                Position(
                    market=MarketId(int(self.market[place])),
                    size=SizeE8(int(self.size[place])),
                    quote=QuoteAtoms(int(self.quote[place])),
                    funding=FundingE12(int(self.funding[place])),
                )
                for place in range(first, last)
            ),
        )

    def _of_market(self, facts: Mapping[MarketId, int]) -> Int64Column:
        """Give each position its market's figure."""
        dtype = np.object_ if self.is_slow else np.int64
        table: NDArray[Any] = np.zeros(max(1, self.numbers), dtype=dtype)
        for number, fact in facts.items():
            table[number] = fact
        column: Int64Column = table[self.market]
        return column

    def _owed(self) -> Int64Column:
        indexes = {
            number: int(market.funding_index(self.now)) for number, market in self.markets.items()
        }
        since = self._of_market(indexes)
        if not self.is_slow:
            _require_small(since, self.funding, limit=1 << 62)
        return mul_div_ceil(self.size, since - self.funding, FUNDING_SCALE)

    def _value(self) -> Int64Column:
        """Value every position at the marks, rounded down."""
        marks = {number: int(market.mark) for number, market in self.markets.items()}
        return mul_div_floor(self.size, self._of_market(marks), NOTIONAL_SCALE)

    def _notional(self) -> Int64Column:
        marks = {number: int(market.mark) for number, market in self.markets.items()}
        return mul_div_ceil(np.abs(self.size), self._of_market(marks), NOTIONAL_SCALE)

    def _maintenance(self) -> Int64Column:
        """Give every position's maintenance margin by the tier that its notional reaches."""
        required = np.zeros_like(self.notional)
        for number, market in self.markets.items():
            rows = self.rows[number]
            required[rows] = _maintenance(market, self.notional[rows])
        return required


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionsAt:
    """The positions of one market at one mark, in atoms: columns of equal length."""

    value: Int64Column
    notional: Int64Column
    maintenance: Int64Column


def _maintenance(market: Market, notional: Int64Column) -> Int64Column:
    """Give what positions of these notionals must keep, by the tier that each reaches."""
    if market.is_settled or not len(notional):
        return np.zeros_like(notional)
    tier = np.zeros(len(notional), dtype=np.int64)
    for place, bound in enumerate(market.tiers[1:], start=1):
        tier[notional >= bound.lower_bound] = place
    kind = notional.dtype
    rates = np.array([each.rate for each in market.tiers], dtype=kind)[tier]
    deductions = np.array([each.deduction for each in market.tiers], dtype=kind)[tier]
    required: Int64Column = mul_div_ceil(notional, rates, PPM_SCALE) - deductions
    return required


def _joined(columns: Sequence[Int64Column]) -> Int64Column:
    return np.concatenate([np.zeros(0, dtype=np.int64), *columns])


def _require_small(*columns: Int64Column, limit: int = _SAFE) -> None:
    for column in columns:
        if len(column) and (int(column.max()) >= limit or int(column.min()) <= -limit):
            raise OverflowError("expected amounts that add up in 64 bits, found a larger one")
