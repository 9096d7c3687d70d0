"""The population at work: each look they see the market, choose by expected profit, and quote or leave.

A maker's belief off hours is what it has heard of the value, what the flow has taught all of them, and
an error of its own that changes slowly. Exposure is hedged while outside markets trade; from the close
to the reopening it is carried. All quotes are post-only: a maker never takes.
"""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

import numpy as np

from drills.incentives.venue import IncentiveVenue
from drills.maker_model.desk import Desk, MarketView
from drills.maker_model.outlook import look_out
from drills.maker_model.profit import BP, Choice, best_quotes
from drills.maker_model.terms import Maker, ModelTerms
from drills.matching_engine import BookChange, Side, Trade
from risk.sessions import Session
from risk.units import NOTIONAL_SCALE, AccountId, PriceE8, QuoteAtoms, SizeE8, div_floor

MOVED: Final = 0.5 * BP
"""A quote that is off by less than this, as large and untouched, stays where it is."""
RESIZED: Final = 0.1
IMPACT_USD: Final = 100_000
FIRST_HALF_SPREAD: Final = 2 * BP
FIRST_SIZE_USD: Final = 100_000.0
"""What makers expect of each other before they have seen anything."""
SIDES: Final = (Side.BUY, Side.SELL)
SIZE_PER_USD: Final = 10**16
"""USD times this over a price of 1e-8 USD is a size of 1e-8 share."""

Quotes = Mapping[Side, tuple[PriceE8, SizeE8]]


class PricedMakers:
    """Makers on one venue's book, stepped by whoever drives the drill."""

    def __init__(
        self,
        venue: IncentiveVenue,
        makers: Sequence[Maker],
        *,
        owners: Sequence[AccountId],
        terms: ModelTerms,
        random: Random,
    ) -> None:
        self._venue, self._terms, self._random = venue, terms, random
        self.desks = [Desk(owner, maker) for owner, maker in zip(owners, makers, strict=True)]
        self._seen_size = np.full((len(makers), 2), FIRST_SIZE_USD)
        self._seen_half_spread = np.full((len(makers), 2), FIRST_HALF_SPREAD)
        self._lean = 0.0
        """What flow has taught, as a part of the price."""
        self._touched: set[int] = set()
        venue.engine.subscribe(self._hear)

    @property
    def present(self) -> int:
        """Give how many makers quote, be it one side."""
        return sum(1 for desk in self.desks if desk.orders)

    @property
    def net_size(self) -> SizeE8:
        """Give what they hold at the venue together."""
        return SizeE8(sum(self._venue.holdings[desk.owner].size for desk in self.desks))

    def worth(self, price: PriceE8) -> list[QuoteAtoms]:
        """Give what each has earned here and outside, all it holds valued at `price`.

        The cost of being there is not in it.
        """
        found = []
        for desk in self.desks:
            holding = self._venue.holdings[desk.owner]
            here = holding.cash + div_floor(holding.size * price, NOTIONAL_SCALE)
            found.append(QuoteAtoms(here + desk.outside_value(price)))
        return found

    def learn(self, net_bought_usd: float, session: Session) -> None:
        """Move what is believed with the flow, until outside markets say what it is."""
        if session.has_external_price:
            self._lean = 0.0
            return
        self._lean += self._terms.impact_bp_per_100k * BP * net_bought_usd / IMPACT_USD

    def step(self, view: MarketView, *, elapsed: float) -> None:
        """Hedge what can be hedged, decide anew, and replace the quotes that are no longer wanted."""
        for desk in self.desks:
            desk.stray(self._random, view, elapsed)
            if view.is_open:
                held = self._venue.holdings[desk.owner].size
                desk.hedge_all(held, view.heard, self._terms)
        choice = best_quotes(
            look_out(
                self._venue,
                self.desks,
                view,
                self._terms,
                seen_size=self._seen_size,
                seen_half_spread=self._seen_half_spread,
            )
        )
        for desk, profit in zip(self.desks, choice.profit.sum(axis=1).tolist(), strict=True):
            desk.consider(profit, self._terms, now=self._venue.now, elapsed=elapsed)
        wanted = [self._wanted(place, view, choice) for place in range(len(self.desks))]
        for desk, quotes in zip(self.desks, wanted, strict=True):
            self._withdraw(desk, quotes)
        for place in self._random.sample(range(len(self.desks)), len(self.desks)):
            self._quote(self.desks[place], wanted[place])
        self._notice(choice, elapsed)

    def _wanted(self, place: int, view: MarketView, choice: Choice) -> Quotes:
        desk = self.desks[place]
        quotes: dict[Side, tuple[PriceE8, SizeE8]] = {}
        belief = view.heard * (1 + desk.error + self._lean)
        for column, side in enumerate(SIDES):
            usd = float(choice.size_usd[place, column])
            if desk.is_present and usd > 0:
                away = float(choice.half_spread[place, column])
                price = belief * (1 - away if side is Side.BUY else 1 + away)
                quotes[side] = PriceE8(round(price)), SizeE8(round(usd * SIZE_PER_USD / price))
        return quotes

    def _withdraw(self, desk: Desk, quotes: Quotes) -> None:
        """Take away what was touched, has moved, or is no longer wanted."""
        for side, (number, price, size) in tuple(desk.orders.items()):
            wanted = quotes.get(side)
            if (
                wanted is None
                or number in self._touched
                or abs(wanted[0] - price) > MOVED * price
                or abs(wanted[1] - size) > RESIZED * size
            ):
                self._venue.engine.cancel(number)
                self._touched.discard(number)
                del desk.orders[side]

    def _quote(self, desk: Desk, quotes: Quotes) -> None:
        book = self._venue.book
        for side, (price, size) in quotes.items():
            if side in desk.orders:
                continue
            bid, ask = book.best_bid, book.best_ask
            kept = price
            if side is Side.BUY and ask is not None:
                kept = min(price, PriceE8(ask - 1))
            elif side is Side.SELL and bid is not None:
                kept = max(price, PriceE8(bid + 1))
            placed = self._venue.engine.limit(desk.owner, side, kept, size)
            # As wanted, not as placed: one that had to stand back is not moved at every look.
            desk.orders[side] = placed.order, price, size

    def _notice(self, choice: Choice, elapsed: float) -> None:
        share = 1 - math.exp(-elapsed / self._terms.memory_seconds)
        here = np.array([[float(desk.is_present)] for desk in self.desks])
        self._seen_size += share * (choice.size_usd * here - self._seen_size)
        self._seen_half_spread += share * (choice.half_spread - self._seen_half_spread)

    def _hear(self, event: Trade | BookChange) -> None:
        if isinstance(event, Trade):
            self._touched.add(event.maker_order)
