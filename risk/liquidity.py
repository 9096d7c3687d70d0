"""How liquid a market is now: depth near the mark, spreads, and on which side the open interest leans.

    depth(side, d)    = Σ p_i · s_i   over the levels of a side with |p_i − mark| <= d · mark
    quoted spread     = (ask − bid) / mid,             mid = (ask + bid) / 2, not rounded
    effective spread  = 2 · |average fill − mid| / mid,  for a stated notional on one side
    skew              = −Σ q_m / open interest,        q_m: the positions of the registered makers

A doubt never looks like liquidity: depth rounds down, spreads round up, skew away from 0. What cannot
be known is None; a side of a known book without levels is known, and its depth is 0.
Depth in quote atoms, distances and spreads in ppm (100 ppm are 1 bp).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from risk.impact_price import impact_prices
from risk.margin import Account
from risk.order_book import Level, OrderBook
from risk.units import (
    NOTIONAL_SCALE,
    PPM_SCALE,
    MarketId,
    Ppm,
    PriceE8,
    QuoteAtoms,
    SizeE8,
    div_ceil,
    div_floor,
)

DISTANCES: Final = (Ppm(1_000), Ppm(2_500), Ppm(5_000))
"""10, 25 and 50 bp."""


class Side(StrEnum):
    """A side of the book."""

    BID = "bid"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityRules:
    """How a market's book is measured.

    Raises ValueError unless distances rise from above 0 and the notional is above 0.
    """

    distances: tuple[Ppm, ...] = DISTANCES
    """From the mark, nearest first."""
    effective_notional: QuoteAtoms
    """What is sold and bought, in thought, for the effective spread."""

    def __post_init__(self) -> None:
        rises = all(near < far for near, far in pairwise(self.distances))
        if not self.distances or self.distances[0] <= 0 or not rises:
            raise ValueError(f"expected distances that rise from above 0, found {self.distances}")
        if self.effective_notional <= 0:
            raise ValueError(
                "expected a notional above 0 for the effective spread,"
                f" found {self.effective_notional} quote atoms"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SideLiquidity:
    """One side of a book that is known."""

    depth: tuple[QuoteAtoms, ...] | None
    """Within each of the rules' distances; None without a mark to measure from."""
    effective_spread: Ppm | None
    """Of selling into the bids, or buying from the asks; None where the side is too thin for it,
    or without a mid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLiquidity:
    """A book that is known, as measured."""

    bid: SideLiquidity
    ask: SideLiquidity
    quoted_spread: Ppm | None
    """None for a book that is one-sided or crossed."""

    def side(self, side: Side) -> SideLiquidity:
        """Give one of the sides."""
        return self.bid if side is Side.BID else self.ask


def measure_book(book: OrderBook, mark: PriceE8 | None, rules: LiquidityRules) -> BookLiquidity:
    """Measure a book about a mark; None for a mark that may not be used."""
    bid_spread, ask_spread = effective_spreads(book, rules.effective_notional)
    bid_depth = ask_depth = None
    if mark is not None:
        bid_depth = depths(book.walk_bids(), mark=mark, distances=rules.distances)
        ask_depth = depths(book.walk_asks(), mark=mark, distances=rules.distances)
    return BookLiquidity(
        bid=SideLiquidity(depth=bid_depth, effective_spread=bid_spread),
        ask=SideLiquidity(depth=ask_depth, effective_spread=ask_spread),
        quoted_spread=quoted_spread(book),
    )


def depths(
    levels: Iterable[Level], *, mark: PriceE8, distances: tuple[Ppm, ...]
) -> tuple[QuoteAtoms, ...]:
    """Give what rests within each distance of the mark, the edge itself included.

    Levels come best first. Distance has no sign: what rests far beyond the mark is as far from it
    as what rests far behind it. One division for each distance, rounded down.
    """
    # A distance of prices is whole: |p − mark| <= d · mark exactly when it is <= the floor of that.
    edges = [div_floor(mark * distance, PPM_SCALE) for distance in reversed(distances)]
    sums = [0] * len(edges)
    widest = edges[0]
    has_begun = False
    for price, size in levels:
        away = abs(price - mark)
        if away > widest:
            if has_begun:
                break
            continue
        has_begun = True
        value = price * size
        for place, edge in enumerate(edges):
            if away > edge:
                break
            sums[place] += value
    return tuple(QuoteAtoms(div_floor(value, NOTIONAL_SCALE)) for value in reversed(sums))


def quoted_spread(book: OrderBook) -> Ppm | None:
    """Give the distance from best bid to best ask in ppm of the mid, rounded up."""
    edges = _edges(book)
    if edges is None:
        return None
    bid, ask = edges
    return Ppm(div_ceil(2 * (ask - bid) * PPM_SCALE, ask + bid))


def effective_spreads(book: OrderBook, notional: QuoteAtoms) -> tuple[Ppm | None, Ppm | None]:
    """Give the effective spread of selling `notional` and of buying it, rounded up."""
    edges = _edges(book)
    if edges is None:
        return None, None
    impact = impact_prices(bids=book.walk_bids(), asks=book.walk_asks(), notional=notional)
    return _effective(impact.bid, *edges), _effective(impact.ask, *edges)


def _effective(average: PriceE8 | None, bid: PriceE8, ask: PriceE8) -> Ppm | None:
    if average is None:
        return None
    twice_mid = bid + ask
    return Ppm(div_ceil(2 * abs(2 * average - twice_mid) * PPM_SCALE, twice_mid))


def _edges(book: OrderBook) -> tuple[PriceE8, PriceE8] | None:
    bid, ask = book.best_bid, book.best_ask
    return None if bid is None or ask is None or bid >= ask else (bid, ask)


def net_positions(accounts: Iterable[Account]) -> Mapping[MarketId, SizeE8]:
    """Give the sum of the accounts' positions in each market where any of them has one."""
    sums: defaultdict[MarketId, int] = defaultdict(int)
    for account in accounts:
        for position in account.positions:
            sums[position.market] += position.size
    return {market: SizeE8(size) for market, size in sums.items()}


def open_interest_skew(makers_net: SizeE8, open_interest: SizeE8) -> Ppm | None:
    """Give the part of the open interest by which all others lean against the makers.

    Longs equal shorts, so a whole market has no skew: what leans is who came to trade, against who
    is there to be traded with. The proxy is the net position of the registered makers and liquidity
    pools: with them 30 short of an open interest of 100 everybody else is 30 net long, and the skew is
    +300,000 ppm: positive as the funding that would call makers in (longs pay shorts). Rounded away from
    0; None without open interest: nothing leans, and nothing could.
    """
    if open_interest <= 0:
        return None
    part = div_ceil(abs(makers_net) * PPM_SCALE, open_interest)
    return Ppm(-part if makers_net > 0 else part)
