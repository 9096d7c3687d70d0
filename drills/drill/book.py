"""Our own book in a drill: the market model's price and levels, and what the backstop sells into it.

The backstop takes over what is liquidated and sells it to the house at the book's price, as trades that the exchange
settles by all its rules. What it sold in a block moves the price of the next second (`press`), and that is the loop: a
cascade needs no other. Where the exchange takes no trades, or the price is outside of the band, it waits.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from drills.drill.setup import Cast
from drills.drill.terms import DrillTerms
from drills.maker_model.terms import VOLATILITY
from drills.market_model.book import SIZE_PER_USD, ladder
from drills.market_model.pressure import Pressure, Priced, press
from drills.market_model.terms import MarketTerms
from drills.scenario.moment import Event, EventKind, MarketMoment, Moment
from monitors.prices.book_board import BookBoard, BookSnapshot
from risk.account_book import AccountBook
from risk.market import Market
from risk.trade_rules import Trade
from risk.units import (
    ATOMS_PER_USD,
    PPM_SCALE,
    AccountId,
    MarketId,
    MarketStatus,
    PriceE8,
    SizeE8,
    signed_value,
)
from venues.port import TradeSettled

LEVELS: Final = 12
STEP_BP: Final = 6.0
"""Between levels: twelve of them reach 72 bp, which holds an impact notional at 2 % of the usual depth."""


@dataclass(slots=True, kw_only=True)
class BookSide:
    """One market's book as it stands."""

    terms: MarketTerms
    pressure: Pressure
    priced: Priced | None = None
    flow_usd: float = 0.0
    """What the backstop's trades of the last block come to: + bought, − sold."""
    pending_usd: float = 0.0
    """What the scenario's traders could not trade yet."""
    shares: float = 1.0
    """Of the scenario's value, in one of the contract's: more than one after a split that the venue did not make."""


class DrillBook:
    """The books of all markets."""

    def __init__(self, cast: Cast, terms: DrillTerms, *, backstop: AccountId) -> None:
        self._cast, self._terms, self._backstop = cast, terms, backstop
        usual = MarketTerms()
        depth = usual.depth_usd * cast.scale
        self.sides = {
            file.symbol: BookSide(
                terms=usual.scaled(VOLATILITY[file.asset_class], depth_usd=depth),
                pressure=Pressure(),
            )
            for file in cast.files
        }
        self._house = tuple(sorted(cast.crowd.house))
        self._sequence = 0

    def depth(self, symbol: str) -> int | None:
        """Give the depth of a side within 25 bp, in whole USD; None before the first look."""
        priced = self.sides[symbol].priced
        return None if priced is None else int(priced.depth_usd)

    # --- a look ----------------------------------------------------------------------------------

    def look(
        self,
        moment: Moment,
        markets: Mapping[MarketId, Market],
        *,
        elapsed: int,
        boost: Mapping[str, float],
    ) -> None:
        """Let every book reach this second; `boost` is by how much rebates deepen it."""
        self._rebase(moment.begun)
        for market in markets.values():
            side, seen = self.sides[market.symbol], moment.markets[market.symbol]
            may_trade = market.status < MarketStatus.HALTED and not moment.is_exchange_down
            due = side.flow_usd + side.pending_usd + seen.flow * elapsed / ATOMS_PER_USD
            pressed = self._pressed(side, seen, due, elapsed, boost[market.symbol])
            if due and not (may_trade and _is_inside(market, pressed[1].price)):
                # Nobody may trade there: who must, waits. What was settled has moved the price.
                pressed = self._pressed(side, seen, side.flow_usd, elapsed, boost[market.symbol])
                side.pending_usd = due - side.flow_usd
            else:
                side.pending_usd = 0.0
            side.pressure, side.priced = pressed
            side.flow_usd = 0.0

    def stand(self, moment: Moment, markets: Mapping[MarketId, Market]) -> None:
        """Let nobody trade for a second: offsets fade, and what is to be sold waits."""
        self._rebase(moment.begun)
        for market in markets.values():
            side, seen = self.sides[market.symbol], moment.markets[market.symbol]
            side.pending_usd += seen.flow / ATOMS_PER_USD
            side.pressure, side.priced = self._pressed(side, seen, 0.0, 1, 1.0)

    def show(self, board: BookBoard, now: int) -> None:
        """Tell the price desk what the books look like, whole."""
        self._sequence += 1
        for symbol, side in self.sides.items():
            if side.priced is None:
                continue
            bids, asks = ladder(
                side.terms,
                side.priced.price,
                side.priced.depth_usd,
                levels=LEVELS,
                step_bp=STEP_BP,
            )
            board.take(
                BookSnapshot(
                    market=symbol,
                    sequence=self._sequence,
                    time_ms=now * 1_000,
                    bids=tuple((each.price, each.size) for each in bids),
                    asks=tuple((each.price, each.size) for each in asks),
                )
            )

    # --- the backstop ----------------------------------------------------------------------------

    def unwinding(
        self, book: AccountBook, markets: Mapping[MarketId, Market], moment: Moment, step: int
    ) -> list[Trade]:
        """Give what the backstop trades with the house in the next block, one trade a market."""
        if moment.is_exchange_down:
            return []
        found = []
        for held in book.account(self._backstop).positions:
            market = markets[held.market]
            if market.status >= MarketStatus.HALTED or market.is_stale(moment.at):
                continue
            size = self._piece(held.size, market, step)
            trade = self._trade(book, market, size, moment.markets[market.symbol])
            if trade is not None:
                found.append(trade)
        return found

    def settled(self, trades: Iterable[TradeSettled], markets: Mapping[MarketId, Market]) -> None:
        """Learn what the exchange settled: what the backstop sold moves the price of the next second."""
        for trade in trades:
            if trade.taker == self._backstop:
                value = signed_value(trade.size, trade.price) / ATOMS_PER_USD
                self.sides[markets[trade.market].symbol].flow_usd += value

    def turnover(self, market: Market, usd: float) -> tuple[Trade, ...]:
        """Give what everybody else trades: there and back within the house, so that nobody's position stays moved."""
        priced = self.sides[market.symbol].priced
        if priced is None or market.status is not MarketStatus.OPEN:
            return ()
        size = round(usd / 2 * SIZE_PER_USD / priced.price)
        if size <= 0 or not _is_inside(market, priced.price):
            return ()
        first, last = self._house[0], self._house[-1]
        return tuple(
            Trade(
                taker=first,
                maker=last,
                market=market.id,
                size=SizeE8(signed),
                price=priced.price,
            )
            for signed in (size, -size)
        )

    # --- within ----------------------------------------------------------------------------------

    def _pressed(
        self, side: BookSide, seen: MarketMoment, flow: float, elapsed: int, boost: float
    ) -> tuple[Pressure, Priced]:
        stated = None if seen.depth is None else seen.depth / PPM_SCALE
        terms = side.terms
        if stated is None and boost > 1.0 and not seen.session.has_external_price:
            terms = replace(terms, depth_usd=terms.depth_usd * boost)
        return press(
            side.pressure,
            value=PriceE8(round(seen.value * side.shares)),
            session=seen.session,
            flow_usd=flow,
            elapsed=float(elapsed),
            terms=terms,
            stated_depth=stated,
        )

    def _rebase(self, begun: Iterable[Event]) -> None:
        """Let those who trade here know what they hold: a contract of old shares until the venue splits it."""
        for event in begun:
            if event.kind is EventKind.SPLIT:
                for symbol in event.symbols:
                    side = self.sides[symbol]
                    side.shares = side.shares * event.new_shares / event.old_shares

    def _piece(self, held: SizeE8, market: Market, step: int) -> SizeE8:
        """Give how much of an inventory goes now, with the sign of the trade; the last piece whole."""
        part = 1 - math.exp(-step / self._terms.unwind_seconds)
        smallest = self._terms.unwind_smallest_usd * SIZE_PER_USD / market.mark
        piece = max(round(abs(held) * part), round(smallest))
        if piece + smallest >= abs(held):
            piece = abs(held)
        return SizeE8(-piece if held > 0 else piece)

    def _trade(
        self, book: AccountBook, market: Market, size: SizeE8, seen: MarketMoment
    ) -> Trade | None:
        side = self.sides[market.symbol]
        usd = signed_value(size, market.mark) / ATOMS_PER_USD
        price = self._pressed(side, seen, usd, 1, 1.0)[1].price
        if not _is_inside(market, price):
            return None
        return Trade(
            taker=self._backstop,
            maker=self._maker(book, market.id, size),
            market=market.id,
            size=size,
            price=PriceE8(price),
        )

    def _maker(self, book: AccountBook, market: MarketId, size: SizeE8) -> AccountId:
        """Choose the house's account that has most to reduce; the first one where none has."""

        def reducible(account: AccountId) -> int:
            held = book.account(account).position(market)
            return 0 if held is None else (held.size if size > 0 else -held.size)

        return max(self._house, key=lambda account: (reducible(account), -account))


def _is_inside(market: Market, price: int) -> bool:
    return not market.band_high or market.band_low <= price <= market.band_high
