"""Sums over the whole account book: what the exchange owes to all accounts, and who holds most.

Columns are int64 and sums may not be, so each is added in two halves: exact, and as fast as numpy.
"""

from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.units import PPM_SCALE, MarketId, Ppm, QuoteAtoms, div_ceil

_HALF_BITS: Final = 32
_LOW_HALF: Final = (1 << _HALF_BITS) - 1


def owed_to_accounts(book: AccountBook) -> QuoteAtoms:
    """Give the cash of all accounts with the quotes of all positions, in quote atoms.

    With the pools it is what the vault must hold: the values of longs and shorts cancel out.
    """
    rows, slots = book.rows, book.slots
    live = slots.market[: slots.count] >= 0
    cash = _exact_sum(rows.collateral[: rows.count])
    return QuoteAtoms(cash + _exact_sum(slots.quote[: slots.count][live]))


def largest_share(book: AccountBook, market: MarketId) -> Ppm:
    """Give the part of a market's open interest that its largest account holds; 0 without any.

    Both sides have the same sum, so the largest size is compared with the sum of all longs. Rounded
    up: a doubt.
    """
    sizes = book.slots.size[book.slots.in_market(market)]
    interest = _exact_sum(sizes[sizes > 0])
    if not interest:
        return Ppm(0)
    largest = max(int(sizes.max()), -int(sizes.min()))
    return Ppm(div_ceil(largest * PPM_SCALE, interest))


def _exact_sum(column: Int64Column) -> int:
    high = int(np.right_shift(column, _HALF_BITS).sum())
    low = int(np.bitwise_and(column, _LOW_HALF).sum())
    return (high << _HALF_BITS) + low
