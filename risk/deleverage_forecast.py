"""What the need would be if a mark moved to the next edge of its price band: for the operator.

The move is taken as a jump: nobody is liquidated, adds collateral or closes on the way, and the
other marks stay. The backstop's own inventory is valued at the moved mark too. So it tells what
could be asked of others at worst before the breaker pauses the market, not what is likely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.deleverage_need import (
    NeededClose,
    SideNeed,
    bankrupt_rows,
    deleverage_need,
    judge_account,
    side_needs,
)
from risk.deleverage_rules import Pools
from risk.margin import margin_state
from risk.market import Market
from risk.units import MarketId, PriceE8, QuoteAtoms, Seconds, SizeE8, notional, signed_value

ROWS_PER_SLICE: Final = 8_192
JUDGED_PER_SLICE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedForecast:
    """The need with one market's mark at `stressed_mark`, in every market that it reaches.

    `account_count` are accounts in need, `shortfall` what all bankrupt accounts would owe together
    and `uncovered` what of it the pools would lack together.
    """

    market: MarketId
    stressed_mark: PriceE8
    account_count: int
    sides: tuple[SideNeed, ...]
    shortfall: QuoteAtoms
    uncovered: QuoteAtoms


def forecast_needs(book: AccountBook, pools: Pools, now: Seconds) -> tuple[NeedForecast, ...]:
    """Forecast every market that has a band, the lower edge first; an edge reached is left out."""
    return tuple(
        forecast_need(book, pools, now, market=market.id, mark=edge)
        for market in sorted(book.markets.values(), key=lambda market: market.id)
        for edge in next_edges(market)
    )


def next_edges(market: Market) -> tuple[PriceE8, ...]:
    """Give the band edges that the mark has not reached; none without a band or a live price."""
    if not market.band_high or not market.may_liquidate:
        return ()
    edges = (
        (market.band_low, 0 < market.band_low < market.mark),
        (market.band_high, market.band_high > market.mark),
    )
    return tuple(edge for edge, is_ahead in edges if is_ahead)


def forecast_need(
    book: AccountBook, pools: Pools, now: Seconds, *, market: MarketId, mark: PriceE8
) -> NeedForecast:
    """Judge the whole book with one mark moved."""
    moved = replace(book.markets[market], mark=mark)
    markets = {**book.markets, market: moved}
    need = deleverage_need(book, stressed_pools(pools, book.markets, moved), now, markets=markets)
    return NeedForecast(
        market=market,
        stressed_mark=mark,
        account_count=len({close.account for close in need.closes}),
        sides=need.sides,
        shortfall=need.shortfall,
        uncovered=need.uncovered,
    )


class ForecastSurvey:
    """The same forecast in slices, for whoever must answer others meanwhile; whole when `advance` says False.

    Looks only at who holds the market: nobody else's equity moves with it. Markets and pools are those
    of the beginning, positions those of each slice's moment, so what moves meanwhile blurs it.
    """

    def __init__(
        self, book: AccountBook, pools: Pools, now: Seconds, *, market: MarketId, mark: PriceE8
    ) -> None:
        moved = replace(book.markets[market], mark=mark)
        self._book, self._now, self._mark = book, now, mark
        self._market = market
        self._markets = {**book.markets, market: moved}
        self._pools = stressed_pools(pools, book.markets, moved)
        slots = book.slots.in_market(market)
        self._rows: Int64Column = book.slots.owner[slots].astype(np.int64)
        self._bankrupt: list[tuple[int, int]] = []
        self._next_row = self._next_judged = 0
        self._closes: list[NeededClose] = []

    def advance(self) -> bool:
        """Value the next slice of holders, or judge the next few bankrupt; say whether any are left."""
        if self._next_row < len(self._rows):
            rows = self._rows[self._next_row : self._next_row + ROWS_PER_SLICE]
            self._next_row += ROWS_PER_SLICE
            found = bankrupt_rows(self._book, self._markets, rows, self._now)
            pool = self._book.row(self._pools.backstop.account)
            self._bankrupt += [each for each in found if each[1] != pool]
            return bool(self._bankrupt) or self._next_row < len(self._rows)
        last = self._next_judged + JUDGED_PER_SLICE
        for _, row in self._bankrupt[self._next_judged : last]:
            account = self._book.account(self._book.id_at(row))
            state = margin_state(account, self._markets, self._now)
            if state.is_bankrupt:
                self._closes += judge_account(state, self._markets, self._pools)[0]
        self._next_judged = last
        return last < len(self._bankrupt)

    def result(self) -> NeedForecast:
        """Give what was found."""
        shortfall = -sum(equity for equity, _ in self._bankrupt)
        means = self._pools.insurance_fund + self._pools.backstop.headroom
        return NeedForecast(
            market=self._market,
            stressed_mark=self._mark,
            account_count=len({close.account for close in self._closes}),
            sides=side_needs(self._closes),
            shortfall=QuoteAtoms(shortfall),
            uncovered=QuoteAtoms(max(0, shortfall - means)),
        )


def stressed_pools(pools: Pools, markets: Mapping[MarketId, Market], moved: Market) -> Pools:
    """Value the backstop's inventory in one market at its moved mark."""
    backstop, before = pools.backstop, markets[moved.id]
    size = backstop.inventories.get(moved.id, SizeE8(0))
    gain = signed_value(size, moved.mark) - signed_value(size, before.mark)
    required = moved.required_to_open(notional(size, moved.mark))
    required = QuoteAtoms(required - before.required_to_open(notional(size, before.mark)))
    return replace(
        pools,
        backstop=replace(
            backstop,
            equity=QuoteAtoms(backstop.equity + gain),
            initial_margin=QuoteAtoms(backstop.initial_margin + required),
        ),
    )
