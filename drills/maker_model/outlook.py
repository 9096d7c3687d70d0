"""From the state of market and desks to what each maker reckons with."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from drills.incentives.venue import IncentiveVenue
from drills.maker_model.desk import OPEN_BELIEF, Desk, MarketView
from drills.maker_model.profit import BP, Floats, Outlook
from drills.maker_model.terms import ModelTerms
from drills.maker_model.value import HOUR
from risk.units import PPM_SCALE

HOURS_OF_YEAR: Final = 8_760
PER_UNIT: Final = 10**8
PPB_SCALE: Final = 10**9
SIGNS: Final = np.array([[1.0, -1.0]])
"""What a fill of each side, bid and ask, adds to the inventory."""


def variance(view: MarketView, terms: ModelTerms) -> float:
    """Give the variance of the price's relative move until inventory can be hedged.

    Closed: σ²·T, and 2·j² for each news expected in T (the second moment of an exponential size),
    and the surprise of the reopening.
    """
    climate = terms.climate(view.session)
    hours = (terms.hedge_seconds if view.is_open else view.seconds_to_reopen) / HOUR
    square = climate.volatility_bp**2 * hours + climate.news_per_hour * hours * 2 * (
        climate.news_bp**2
    )
    if not view.is_open:
        square += terms.surprise_bp**2
    return square * BP**2


def look_out(
    venue: IncentiveVenue,
    desks: Sequence[Desk],
    view: MarketView,
    terms: ModelTerms,
    *,
    seen_size: Floats,
    seen_half_spread: Floats,
) -> Outlook:
    """Give what every maker reckons with; `seen…` is what each has shown of late, makers × sides."""
    market, climate = venue.market, terms.climate(view.session)
    price = market.mark / PER_UNIT
    margin = market.initial_margin / PPM_SCALE

    def column(read: Callable[[Desk], float]) -> Floats:
        return np.array([[read(desk)] for desk in desks], dtype=np.float64)

    held = column(lambda desk: venue.holdings[desk.owner].size / PER_UNIT * price)
    exposed = held + column(lambda desk: desk.hedge / PER_UNIT * price)
    most = column(lambda desk: min(desk.maker.inventory_usd, desk.maker.capital_usd / margin))
    averse = column(lambda desk: desk.maker.risk_aversion / desk.maker.capital_usd)
    error = column(lambda desk: desk.maker.belief_bp * BP * (OPEN_BELIEF if view.is_open else 1))
    waits = terms.holding_seconds if view.is_open else view.seconds_to_reopen
    waits = min(waits, terms.funding_seconds)
    rate = market.funding_rate / PPB_SCALE * waits / HOUR
    others = ~np.eye(len(desks), dtype=np.bool_)
    rivals = np.where(others[:, None, :], seen_size.T[None, :, :], 0.0)
    shape = (len(desks), 2)
    return Outlook(
        orders_per_hour=climate.noise_usd_per_hour / terms.order_usd,
        order_usd=terms.order_usd,
        urgency=terms.urgency_bp * BP,
        rival_scale=terms.rival_bp * BP,
        news_per_hour=climate.news_per_hour,
        news=climate.news_bp * BP,
        taker_fee=market.taker_fee / PPM_SCALE,
        rebate=-market.maker_fee / PPM_SCALE,
        fill_cost=np.broadcast_to(terms.hedge_bp * BP + error / 2, shape),
        risk=np.broadcast_to(averse * variance(view, terms), shape),
        inventory_usd=SIGNS * exposed,
        funding=np.broadcast_to(SIGNS * rate, shape),
        capital_per_hour=margin * terms.capital_cost / HOURS_OF_YEAR,
        room_usd=most - SIGNS * held,
        rivals_usd=rivals,
        rivals_half_spread=np.broadcast_to(seen_half_spread.T[None, :, :], rivals.shape),
    )
