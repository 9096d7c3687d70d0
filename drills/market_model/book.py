"""Depth and impact: one shape of book from which both follow.

Depth within x of the price is D·(x/w)², with D the depth within w: few orders near the price, ever more away from it. So an
order of Q moves the price by w·√(Q/D). That is the square root law which is measured for large orders in stocks, futures
and crypto alike (Tóth and others, "Anomalous price impact and the critical nature of liquidity", 2011), with volume and
volatility replaced by depth; a book whose density rises linearly is that paper's explanation of it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from drills.market_model.terms import MarketTerms
from risk.sessions import Session
from risk.units import PriceE8, SizeE8

SIZE_PER_USD: Final = 10**16
"""USD times this over a price of 1e-8 USD is a size of 1e-8 share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Orders at one price."""

    price: PriceE8
    size: SizeE8


def depth_usd(
    terms: MarketTerms, session: Session, volatility_bp: float, stated: float | None = None
) -> float:
    """Give the depth of a side within `terms.width_bp`.

    `stated` is a scenario's part of the usual depth of a regular session; where it speaks, neither session nor
    volatility is counted again.
    """
    if stated is not None:
        return terms.depth_usd * max(stated, terms.least_part)
    part = terms.session_depth[session]
    restless = max(1.0, volatility_bp / terms.usual_volatility_bp[session])
    part *= math.exp(-terms.volatility_power * math.log(restless))
    return terms.depth_usd * max(part, terms.least_part)


def moved_bp(terms: MarketTerms, offset_bp: float, flow_usd: float, depth: float) -> float:
    """Give how far the price is from its value after a net flow (+ bought, − sold), in bp.

    What has been moved already counts as orders that are gone: two halves of an order move as much as
    the whole, at the same depth.
    """
    width = terms.width_bp
    gone = math.copysign(depth * (offset_bp / width) ** 2, offset_bp) + flow_usd
    moved = math.copysign(width * math.sqrt(abs(gone) / depth), gone)
    return min(max(moved, -terms.largest_offset_bp), terms.largest_offset_bp)


def ladder(
    terms: MarketTerms, middle: PriceE8, depth: float, *, levels: int, step_bp: float
) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
    """Give bids and asks, best first, whose depth is that of the shape at every level."""
    return (
        tuple(_side(terms, middle, depth, levels, -step_bp)),
        tuple(_side(terms, middle, depth, levels, step_bp)),
    )


def _side(
    terms: MarketTerms, middle: PriceE8, depth: float, levels: int, step_bp: float
) -> Iterator[Level]:
    for number in range(1, levels + 1):
        away = step_bp * number
        price = round(middle * (1 + away / 10_000))
        share = (number * step_bp / terms.width_bp) ** 2 - (
            (number - 1) * step_bp / terms.width_bp
        ) ** 2
        yield Level(
            price=PriceE8(price), size=SizeE8(max(1, round(depth * share * SIZE_PER_USD / price)))
        )
