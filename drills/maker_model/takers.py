"""Who takes: noise that pays for immediacy, those who know the news first, and arbitrage by day.

Noise orders come at random times with sizes exponential about a mean; each owner has a limit of what
half the spread and the fee may cost him, exponential too, and stays away when it is exceeded. Which side
they are on leans for hours on end. The informed know the value; off hours they take what the fee and
what they want to gain leave worth taking. By day anyone does that against the outside price, which
moves a little between a maker's quote and the arbitrageur's look.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import Final

from drills.incentives.venue import IncentiveVenue
from drills.maker_model.desk import MarketView
from drills.maker_model.makers import SIZE_PER_USD
from drills.maker_model.profit import BP
from drills.maker_model.terms import ModelTerms
from drills.maker_model.value import HOUR
from drills.matching_engine import Side
from risk.units import (
    ATOMS_PER_USD,
    NOTIONAL_SCALE,
    PPM_SCALE,
    AccountId,
    PriceE8,
    SizeE8,
    div_trunc,
)

MOOD_TAU: Final = 14_400.0
"""Seconds in which the lean of noise traders changes; our assumption."""


class Takers:
    """All takers of one venue, stepped after the makers have quoted."""

    def __init__(
        self,
        venue: IncentiveVenue,
        *,
        noise: Sequence[AccountId],
        informed: Sequence[AccountId],
        arbitrage: Sequence[AccountId],
        terms: ModelTerms,
        random: Random,
    ) -> None:
        self._venue, self._terms, self._random = venue, terms, random
        self._noise, self._informed, self._arbitrage = noise, informed, arbitrage
        self._mood = 0.0

    def step(self, view: MarketView, value: PriceE8, *, elapsed: float) -> float:
        """Let all of them trade; give what they bought net, in USD."""
        stays = math.exp(-elapsed / MOOD_TAU)
        self._mood = self._mood * stays + self._random.gauss(0, math.sqrt(1 - stays**2))
        bought = 0
        for _ in range(self._arrivals(view, elapsed)):
            bought += self._noise_order()
        if view.is_open:
            volatility = self._terms.climate(view.session).volatility_bp * BP
            late = self._random.gauss(0, volatility * math.sqrt(self._terms.latency_seconds / HOUR))
            fair = round(value * (1 + late))
            bought += self._pick_off(self._random.choice(self._arbitrage), fair, edge=0.0)
        else:
            owner = self._random.choice(self._informed)
            bought += self._pick_off(owner, value, edge=self._terms.informed_edge_bp * BP)
        return bought / ATOMS_PER_USD

    def _arrivals(self, view: MarketView, elapsed: float) -> int:
        """Draw how many noise orders come: Poisson, by adding up exponential gaps."""
        flow = self._terms.climate(view.session).noise_usd_per_hour
        rate = flow / self._terms.order_usd * elapsed / HOUR
        count, gone = 0, self._random.expovariate(1.0)
        while gone < rate:
            count += 1
            gone += self._random.expovariate(1.0)
        return count

    def _noise_order(self) -> int:
        venue, terms, random = self._venue, self._terms, self._random
        owner = random.choice(self._noise)
        leans = 0.5 + terms.herding * math.tanh(self._mood)
        side = Side.BUY if random.random() < leans else Side.SELL
        usd = random.expovariate(1 / terms.order_usd)
        pays = random.expovariate(1 / (terms.urgency_bp * BP)) - venue.market.taker_fee / PPM_SCALE
        middle = venue.book.mid or venue.market.mark
        size = SizeE8(round(usd * SIZE_PER_USD / middle))
        if pays <= 0 or size <= 0:
            return 0
        limit = round(middle * (1 + pays if side is Side.BUY else 1 - pays))
        return self._take(owner, side, limit, size)

    def _pick_off(self, owner: AccountId, fair: int, *, edge: float) -> int:
        """Take what is offered below, or bid above, the fair price by more than fee and edge."""
        wants = edge + self._venue.market.taker_fee / PPM_SCALE
        buy_below, sell_above = round(fair * (1 - wants)), round(fair * (1 + wants))
        size = round(self._terms.informed_usd * SIZE_PER_USD / fair)
        book = self._venue.book
        most = round(self._terms.informed_most_usd * SIZE_PER_USD / fair)
        held = self._venue.holdings[owner].size
        if book.best_ask is not None and book.best_ask < buy_below and held < most:
            return self._take(owner, Side.BUY, buy_below, SizeE8(min(size, most - held)))
        if book.best_bid is not None and book.best_bid > sell_above and held > -most:
            return self._take(owner, Side.SELL, sell_above, SizeE8(min(size, most + held)))
        return 0

    def _take(self, owner: AccountId, side: Side, price: int, size: SizeE8) -> int:
        """Trade and give what was bought in atoms, negative for sold."""
        filled = self._venue.take(owner, side, PriceE8(price), size)
        value = div_trunc(filled * price, NOTIONAL_SCALE)
        return value if side is Side.BUY else -value
