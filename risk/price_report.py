"""What one source says about one price, whatever its protocol: the message that sources give.

A report is the source's word, not yet judged: `risk.source_validity` says what it is worth.
"""

from dataclasses import dataclass
from typing import NewType

from risk.sessions import Session
from risk.units import PriceE8, Seconds

Micros = NewType("Micros", int)
"""A time in Unix microseconds, for ordering what arrives within a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReport:
    """One price from one source, in its own words.

    Prices are 1e-8 USD and may be zero, negative or absurd: that is for the judge to say.
    """

    source: str
    """Name of the source as configured; a closed set, it becomes a metric label."""
    symbol: str
    """Symbol of the market that this is about."""
    price: PriceE8
    confidence: PriceE8 = PriceE8(0)
    """Half-width of the source's own interval; 0 where it tells none."""
    observed_at: Seconds
    """When the underlying was last seen to trade or quote so, not when the message was made."""
    order: Micros
    """Orders reports of one source; an older one never replaces a newer one."""
    publishers: int | None = None
    """How many contributors stand behind the price, where the source tells."""
    session: Session | None = None
    """The session as the source knows it, where it tells."""
    lowest: PriceE8 = PriceE8(0)
    """The smallest value that the source can give (0: none known): at it, the true price is unknown."""
    highest: PriceE8 = PriceE8(0)
    """The largest value that the source can give (0: none known)."""
