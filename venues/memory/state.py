"""What the exchange in memory holds: accounts and markets as columns, pools, roles, guard rails.

The same facts as the contracts' storage. Accounts are the rows of an `AccountBook`, in the order of
the contract's index: the backstop is row 0. Nobody writes here but a draft that is carried out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.columns import AccountColumns
from risk.corporate_values import Ratio
from risk.exact_columns import exact_sum
from risk.guard_rails import Limits, Parameter
from risk.liquidation import LiquidationRules
from risk.market import Market
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds, SizeE8, account_id
from venues.exchange.readings import Role
from venues.port import Funds

EXCHANGE_ADDRESS: Final = bytes.fromhex("be11" + "0" * 35 + "1")
"""Where calls of this venue go; the backstop is its subaccount 0. Nobody's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitProgress:
    """A split under way: rows below the cursor are rescaled; sums of what they hold since."""

    ratio: Ratio
    begun_at: Seconds
    cursor: int = 0
    total: int = 0
    longs: int = 0


@dataclass(slots=True, kw_only=True)
class ExchangeState:
    """Everything that the exchange knows."""

    book: AccountBook
    funds: Funds
    rules: LiquidationRules
    backstop: AccountId
    owner: bytes
    withdrawals_open: bool = True
    roles: dict[bytes, Role] = field(default_factory=dict)
    limits: dict[tuple[MarketId, Parameter], Limits] = field(default_factory=dict)
    epochs: dict[tuple[MarketId, Role], int] = field(default_factory=dict)
    last_writes: dict[tuple[MarketId, Parameter], Seconds] = field(default_factory=dict)
    splits: dict[MarketId, SplitProgress] = field(default_factory=dict)
    keeper_rewards: dict[bytes, QuoteAtoms] = field(default_factory=dict)

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """Every market as it is."""
        return self.book.markets


def backstop_of(address: bytes) -> AccountId:
    """Give the backstop's account: the exchange's own address, subaccount 0."""
    return account_id(address, 0)


def build_state(
    markets: Iterable[Market],
    pages: Iterable[AccountColumns],
    *,
    funds: Funds,
    rules: LiquidationRules,
    owner: bytes,
    backstop: AccountId | None = None,
) -> ExchangeState:
    """Build a state from a population of columns; open interest is counted anew.

    The backstop must be the first account of the first page. ValueError when it is not, or when a
    market's sizes do not add up to zero: on an exchange every long has its short.
    """
    found = {market.id: market for market in markets}
    if list(found) != list(range(len(found))):
        raise ValueError(f"expected markets numbered from 0 in order, found {list(found)}")
    account = backstop_of(EXCHANGE_ADDRESS) if backstop is None else backstop
    book = AccountBook(found)
    book.load(pages)
    if not len(book) or book.id_at(0) != account:
        raise ValueError(
            f"expected the backstop {account:#x} as the first account of the first page, found "
            f"{'none' if not len(book) else hex(book.id_at(0))}: put it there"
        )
    for market in found.values():
        book.set_market(replace(market, open_interest=_open_interest(book, market)))
    return ExchangeState(book=book, funds=funds, rules=rules, backstop=account, owner=owner)


def _open_interest(book: AccountBook, market: Market) -> SizeE8:
    sizes = book.slots.size[book.slots.in_market(market.id)]
    net = exact_sum(sizes)
    if net != 0 and not market.is_settled:
        raise ValueError(
            f"expected the sizes of {market.symbol} to add up to 0, found {net}: give the other"
            " side to somebody"
        )
    return SizeE8(exact_sum(np.maximum(sizes, 0)))
