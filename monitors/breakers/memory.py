"""What the breakers remember over restarts, as text: machine states, wishes, closes.

The states are frozen values; pydantic reads and writes them by their types, so that a state of another
make is refused as a whole rather than half understood.
"""

from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from risk.band_state import BandState
from risk.integrity import IntegrityState
from risk.market_wide import MarketWideState
from risk.precedence import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMemory:
    """One market's machines."""

    band: BandState | None
    integrity: IntegrityState
    standing: Standing
    own_status: int
    """The status that we set last."""
    previous_close: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeMemory:
    """What is kept once for the exchange."""

    groups: dict[str, MarketWideState] = field(default_factory=dict)
    integrity: IntegrityState = field(default_factory=IntegrityState)


_MARKET: Final = TypeAdapter(MarketMemory)
_EXCHANGE: Final = TypeAdapter(ExchangeMemory)


def market_text(memory: MarketMemory) -> str:
    """Write a market's memory."""
    return _MARKET.dump_json(memory).decode()


def exchange_text(memory: ExchangeMemory) -> str:
    """Write the exchange's memory."""
    return _EXCHANGE.dump_json(memory).decode()


def read_market(text: str) -> MarketMemory | None:
    """Read a market's memory; None for what is of another make."""
    try:
        return _MARKET.validate_json(text)
    except ValidationError:
        return None


def read_exchange(text: str) -> ExchangeMemory | None:
    """Read the exchange's memory; None for what is of another make."""
    try:
        return _EXCHANGE.validate_json(text)
    except ValidationError:
        return None
