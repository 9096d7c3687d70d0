"""Liquidation of one position, exactly as the exchange would do it.

Mirrors docs/exchange.md section 5 to the atom.
"""

from dataclasses import dataclass
from enum import StrEnum

from risk.units import Ppm, PriceE8, QuoteAtoms, Seconds


class LiquidationCode(StrEnum):
    """What becomes of one item of a liquidation batch; a lost race is not an error."""

    LIQUIDATED = "liquidated"
    NOT_LIQUIDATABLE = "not_liquidatable"
    NO_POSITION = "no_position"
    STALE_PRICE = "stale_price"
    MARKET_CLOSED = "market_closed"
    COOLING_DOWN = "cooling_down"
    UNKNOWN_MARKET = "unknown_market"
    BACKSTOP_FULL = "backstop_full"
    DELEVERAGE_NEEDED = "deleverage_needed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationRules:
    """The exchange-wide rules of liquidation; units as in docs/exchange.md section 10."""

    slice: Ppm
    cool_down: Seconds
    slice_memory: Seconds
    critical_margin: Ppm
    buffer: Ppm
    reward: Ppm
    reward_cap: QuoteAtoms
    gas_per_item: int
    gas_margin: Ppm
    native_price: PriceE8
