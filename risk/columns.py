"""Accounts and positions as columns, the shape in which pages travel and the account book keeps them.

One row of `AccountColumns` is followed by `position_count` rows of its `positions`. Sizes, money,
funding and times are int64: the exchange caps each of them far below 2**63, and a value that does
not fit is refused where it enters (an OverflowError from numpy, never a wrap).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from risk.margin import Account, Position
from risk.units import AccountId, FundingE12, MarketId, QuoteAtoms, Seconds, SizeE8

Int64Column: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionColumns:
    """Positions in the order of their accounts; columns of equal length."""

    market: Int64Column
    size: Int64Column
    quote: Int64Column
    funding: Int64Column
    slice_time: Int64Column


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountColumns:
    """A page of accounts. `ids` are Python ints (256 bits); the columns have one row for each."""

    ids: tuple[AccountId, ...]
    collateral: Int64Column
    position_count: Int64Column
    positions: PositionColumns

    def accounts(self) -> list[Account]:
        """Give the page as values: the clear slow form, for tests and single accounts."""
        held = self.positions
        rows: list[Account] = []
        start = 0
        counts = self.position_count.tolist()
        cash = self.collateral.tolist()
        for row, account in enumerate(self.ids):
            end = start + counts[row]
            rows.append(
                Account(
                    id=account,
                    collateral=QuoteAtoms(cash[row]),
                    positions=tuple(
                        Position(
                            market=MarketId(int(held.market[i])),
                            size=SizeE8(int(held.size[i])),
                            quote=QuoteAtoms(int(held.quote[i])),
                            funding=FundingE12(int(held.funding[i])),
                            slice_time=Seconds(int(held.slice_time[i])),
                        )
                        for i in range(start, end)
                    ),
                )
            )
            start = end
        return rows


def columns_of(accounts: list[Account]) -> AccountColumns:
    """Turn values into columns; the inverse of `AccountColumns.accounts`."""
    positions = [held for account in accounts for held in account.positions]

    def column(values: list[int]) -> Int64Column:
        return np.array(values, dtype=np.int64)

    return AccountColumns(
        ids=tuple(account.id for account in accounts),
        collateral=column([account.collateral for account in accounts]),
        position_count=column([len(account.positions) for account in accounts]),
        positions=PositionColumns(
            market=column([held.market for held in positions]),
            size=column([held.size for held in positions]),
            quote=column([held.quote for held in positions]),
            funding=column([held.funding for held in positions]),
            slice_time=column([held.slice_time for held in positions]),
        ),
    )
