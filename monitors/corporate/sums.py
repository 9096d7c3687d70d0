"""What the account book says of a market whose positions stand still: sums, holders, debtors.

A market that is halted has no trades and no liquidations, so that the book may be walked in pieces while
everything else goes on.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from risk.account_book import AccountBook
from risk.corporate_totals import Totals, market_totals
from risk.corporate_values import Ratio
from risk.margin import Account
from risk.market import Market
from risk.units import AccountId, PriceE8, Seconds

PIECE: Final = 2_000
"""Accounts looked at before others have a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found."""

    totals: Totals
    holders: tuple[AccountId, ...]
    """Who holds a position in the market, the backstop too."""
    indebted: tuple[AccountId, ...]
    """Who holds nothing anywhere and owes."""


async def survey(
    book: AccountBook,
    market: Market,
    *,
    price: PriceE8,
    now: Seconds,
    backstop: AccountId,
    ratio: Ratio | None,
) -> Survey:
    """Walk the book; sums are at `price`, before a split with its ratio, and leave the backstop out."""
    held: list[Account] = []
    holders: list[AccountId] = []
    indebted: list[AccountId] = []
    for row in range(len(book)):
        account = book.account(book.id_at(row))
        if account.position(market.id) is not None:
            holders.append(account.id)
            if account.id != backstop:
                held.append(account)
        elif account.collateral < 0 and not account.positions:
            indebted.append(account.id)
        if row % PIECE == PIECE - 1:
            await asyncio.sleep(0)
    return Survey(
        totals=market_totals(held, market, price=price, now=now, ratio=ratio),
        holders=tuple(holders),
        indebted=tuple(indebted),
    )
