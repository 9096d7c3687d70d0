"""What the need would be if a mark moved to the next edge of its price band: for the operator.

The move is taken as a jump: nobody is liquidated, adds collateral or closes on the way, and the
other marks stay. The backstop's own inventory is valued at the moved mark too. So it tells what
could be asked of others at worst before the breaker pauses the market, not what is likely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from risk.account_book import AccountBook
from risk.deleverage_need import SideNeed, deleverage_need
from risk.deleverage_rules import Pools
from risk.market import Market
from risk.units import MarketId, PriceE8, QuoteAtoms, Seconds, SizeE8, notional, signed_value


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
