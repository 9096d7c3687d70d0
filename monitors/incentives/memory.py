"""What the incentives remember over restarts, as text in the journal's notes.

Frozen values; pydantic reads and writes them by their types, so that a memory of another make is
refused as a whole rather than half understood.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from pydantic import TypeAdapter, ValidationError

from risk.base_funding import PremiumState
from risk.guard_rails import Parameter
from risk.incentive_budget import Spending
from risk.incentives import IncentiveState
from risk.units import Seconds

PREFIX: Final = "incentives"
SPENDING_KEY: Final = f"{PREFIX}-spending"


class Notes(Protocol):
    """Where texts survive a restart."""

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""

    def note(self, key: str, value: str) -> None:
        """Remember a text under a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMemory:
    """One market's controller, premium and writes."""

    controller: IncentiveState
    premium: PremiumState
    written: dict[Parameter, Seconds] = field(default_factory=dict)
    """When each parameter was last seen to be written, by anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingMemory:
    """The week's count and its place on the chain."""

    spending: Spending
    first_block: int
    """Of the week."""
    read_to: int
    """The last block whose trades were counted."""


_MARKET: Final = TypeAdapter(MarketMemory)
_SPENDING: Final = TypeAdapter(SpendingMemory)


def market_key(symbol: str) -> str:
    """Name a market's note."""
    return f"{PREFIX}/{symbol}"


def market_text(memory: MarketMemory) -> str:
    """Write a market's memory."""
    return _MARKET.dump_json(memory).decode()


def spending_text(memory: SpendingMemory) -> str:
    """Write the week's count."""
    return _SPENDING.dump_json(memory).decode()


def read_market(text: str) -> MarketMemory | None:
    """Read a market's memory; None for what is of another make."""
    try:
        return _MARKET.validate_json(text)
    except ValidationError:
        return None


def read_spending(text: str) -> SpendingMemory | None:
    """Read the week's count; None for what is of another make."""
    try:
        return _SPENDING.validate_json(text)
    except ValidationError:
        return None
