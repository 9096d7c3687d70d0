"""The price that trades here, step by step: its value outside, and how far forced orders have pushed it away.

Pure: (state, facts) → (state, price). Forced selling moves the price, the move raises volatility, volatility thins the
book, and the next order moves it further; arbitrage takes it back in the meantime, at once by day and slowly while nobody
can hedge. What a runner liquidates because of the price comes back here as `flow_usd`: that is the loop.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from drills.market_model.book import depth_usd, moved_bp
from drills.market_model.terms import MarketTerms
from risk.sessions import Session
from risk.units import PriceE8

HOUR: Final = 3_600.0
BP: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """What one market remembers."""

    offset_bp: float = 0.0
    """How far the price is from the value, in log bp."""
    variance: float = 0.0
    """Of log moves for a second, as makers see it now."""
    slow_log: float | None = None
    """The price that makers still have in mind; None at first."""

    @property
    def volatility_bp(self) -> float:
        """Give the volatility for the square root of an hour."""
        return math.sqrt(self.variance * HOUR) / BP


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A step's result."""

    price: PriceE8
    """At which the book stands now."""
    depth_usd: float
    """Of a side, within the terms' width."""
    offset_bp: float


def press(
    state: Pressure,
    *,
    value: PriceE8,
    session: Session,
    flow_usd: float,
    elapsed: float,
    terms: MarketTerms,
    stated_depth: float | None = None,
) -> tuple[Pressure, Priced]:
    """Step a market by `elapsed` seconds, in which `flow_usd` was bought (+) or sold (−) whatever it cost.

    Raises ValueError for a step back or a value that is none.
    """
    if elapsed < 0 or value <= 0:
        raise ValueError(f"expected a step forward and a value above 0, found {elapsed}, {value}")
    back = _back_seconds(state, session, flow_usd, terms)
    depth = depth_usd(terms, session, state.volatility_bp, stated_depth)
    kept = state.offset_bp * math.exp(-elapsed / back)
    offset = moved_bp(terms, kept, flow_usd, depth)
    log = math.log(value) + offset * BP
    state = replace(_seen(state, log, elapsed, terms), offset_bp=offset)
    return state, Priced(price=PriceE8(round(math.exp(log))), depth_usd=depth, offset_bp=offset)


def _back_seconds(state: Pressure, session: Session, flow_usd: float, terms: MarketTerms) -> float:
    if session.has_external_price:
        return terms.back_open_seconds
    is_pressed = flow_usd * state.offset_bp > 0
    return terms.back_pressed_seconds if is_pressed else terms.back_closed_seconds


def _seen(state: Pressure, log: float, elapsed: float, terms: MarketTerms) -> Pressure:
    """Measure volatility by how far the price has run from its own average.

    With time constant τ a random walk is σ·√(τ/2) from it, so σ² is twice the square over τ. A steady fall counts
    too, which squares of single seconds would not see.
    """
    tau = terms.volatility_seconds
    keeps = math.exp(-elapsed / tau)
    slow = log if state.slow_log is None else state.slow_log * keeps + log * (1 - keeps)
    variance = state.variance * keeps + (1 - keeps) * 2 * (log - slow) ** 2 / tau
    return replace(state, variance=variance, slow_log=slow)
