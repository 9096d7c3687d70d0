"""The same crowd as deposits and matched trades, for the path on which a chain really takes them.

Longs are matched with shorts at the mark, the largest first. Since sizes sum to zero nothing is left over, but for pieces
too small to trade: these are left out on both sides, so an account ends within one such piece of its column. Entry
prices are the marks here, and deposits give every account the equity that its columns have.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from drills.crowd.draw import Crowd, equity_of
from drills.population import PlannedTrade, Population
from risk.columns import Int64Column
from risk.market import Market
from risk.units import (
    ATOMS_PER_USD,
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    QuoteAtoms,
    SizeE8,
    div_ceil,
)

SMALLEST_PIECE: Final = 100 * ATOMS_PER_USD
"""As in the demo's population."""


def as_population(crowd: Crowd, *, smallest_piece: int = SMALLEST_PIECE) -> Population:
    """Give a crowd's deposits and trades; pieces below `smallest_piece` atoms of notional are left out."""
    owner = np.repeat(np.arange(crowd.count), crowd.accounts.position_count)
    trades = tuple(
        trade
        for number in sorted(crowd.markets)
        for trade in _matched(crowd, crowd.markets[number], owner, smallest_piece)
    )
    return Population(deposits=_deposits(crowd, trades), trades=trades, makers=crowd.house)


def _matched(
    crowd: Crowd, market: Market, owner: Int64Column, smallest_piece: int
) -> Iterator[PlannedTrade]:
    smallest = max(1, div_ceil(smallest_piece * NOTIONAL_SCALE, market.mark))
    shorts = iter(_side(crowd, market, owner, smallest, sign=-1))
    seller, sold = next(shorts, (AccountId(0), 0))
    for buyer, wanted in _side(crowd, market, owner, smallest, sign=1):
        bought = wanted
        while bought >= smallest and sold:
            size = min(bought, sold)
            yield PlannedTrade(
                taker=buyer, maker=seller, market=market.id, size=SizeE8(size), price=market.mark
            )
            bought, sold = bought - size, sold - size
            if sold < smallest:
                seller, sold = next(shorts, (AccountId(0), 0))


def _side(
    crowd: Crowd, market: Market, owner: Int64Column, smallest: int, *, sign: int
) -> list[tuple[AccountId, int]]:
    """Give who is on one side with how much, the largest first."""
    held = crowd.accounts.positions
    rows = np.flatnonzero((held.market == market.id) & (held.size * sign >= smallest))
    ordered = rows[np.argsort(-held.size[rows] * sign, kind="stable")]
    sizes = (held.size[ordered] * sign).tolist()
    ids = crowd.accounts.ids
    return [(ids[who], size) for who, size in zip(owner[ordered].tolist(), sizes, strict=True)]


def _deposits(crowd: Crowd, trades: tuple[PlannedTrade, ...]) -> dict[AccountId, QuoteAtoms]:
    """Give each account its equity in the columns, and the fees of its trades."""
    equity = equity_of(crowd)
    fees: dict[AccountId, int] = {}
    for trade in trades:
        market = crowd.markets[trade.market]
        exposure = div_ceil(abs(trade.size) * trade.price, NOTIONAL_SCALE)
        for who, rate in ((trade.taker, market.taker_fee), (trade.maker, market.maker_fee)):
            # One atom more for each: value rounds down when it is read.
            fees[who] = fees.get(who, 0) + div_ceil(exposure * max(rate, 0), PPM_SCALE) + 2
    return {
        account: QuoteAtoms(int(equity[row]) + fees.get(account, 0))
        for row, account in enumerate(crowd.accounts.ids)
    }
