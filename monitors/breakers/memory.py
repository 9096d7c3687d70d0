"""What the breakers remember over restarts, as text: machine states, wishes, closes, plans, orders.

The states are frozen values; pydantic reads and writes them by their types, so that a state of another
make is refused as a whole rather than half understood.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from pydantic import TypeAdapter, ValidationError

from monitors.breakers.by_hand import Ownership
from monitors.operator_orders import OrderKind
from risk.band_state import BandState
from risk.emergency_state import PlanState
from risk.integrity import IntegrityState
from risk.market_wide import MarketWideState
from risk.precedence import Standing
from risk.units import Seconds


class Notes(Protocol):
    """Where texts survive a restart."""

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""

    def note(self, key: str, value: str) -> None:
        """Remember a text under a key."""

    def note_all(self, notes: Mapping[str, str]) -> None:
        """Remember several texts, all or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMemory:
    """One market's machines."""

    band: BandState | None
    integrity: IntegrityState
    standing: Standing
    ownership: Ownership
    previous_close: int
    heard: int = 0
    """Sequence of the last order that was spoken into the wishes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeMemory:
    """What is kept once for the exchange."""

    groups: dict[str, MarketWideState] = field(default_factory=dict)
    integrity: IntegrityState = field(default_factory=IntegrityState)
    heard: int = 0
    """Sequence of the last order for all markets that released causes."""


class MoveKind(StrEnum):
    """How an emergency plan moved."""

    START = "start"
    STEP = "step"
    RETURN = "return"
    """It turns back; its strictest step is still in force."""
    AGAIN = "again"
    """It goes on although it was returning."""
    STEP_BACK = "step_back"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMove:
    """One move of a plan: when, whereto, by whom and why."""

    at: Seconds
    """On the venue's clock."""
    move: MoveKind
    step: int
    """Place of the strictest step in force after it, counted from 1; 0: none."""
    by: str
    """The operator, or `rule`."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenOrder:
    """An order that was obeyed, as it was given."""

    sequence: int
    order: OrderKind
    subject: str
    by: str
    reason: str
    at: Seconds
    """When it was obeyed, on the venue's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanMemory:
    """A plan's state in a form that JSON can carry: no key of an object is a pair there."""

    state: PlanState
    bad_since: tuple[tuple[int, str, Seconds], ...]


_MARKET: Final = TypeAdapter(MarketMemory)
_EXCHANGE: Final = TypeAdapter(ExchangeMemory)
_PLANS: Final = TypeAdapter(dict[str, _PlanMemory])
_MOVES: Final = TypeAdapter(tuple[PlanMove, ...])
_SPOKEN: Final = TypeAdapter(tuple[SpokenOrder, ...])


def market_text(memory: MarketMemory) -> str:
    """Write a market's memory."""
    return _MARKET.dump_json(memory).decode()


def exchange_text(memory: ExchangeMemory) -> str:
    """Write the exchange's memory."""
    return _EXCHANGE.dump_json(memory).decode()


def plans_text(states: dict[str, PlanState]) -> str:
    """Write where every plan stands."""
    memories = {
        name: _PlanMemory(
            state=replace(state, bad_since={}),
            bad_since=tuple((*spot, since) for spot, since in state.bad_since.items()),
        )
        for name, state in states.items()
    }
    return _PLANS.dump_json(memories).decode()


def moves_text(moves: tuple[PlanMove, ...]) -> str:
    """Write a plan's last moves."""
    return _MOVES.dump_json(moves).decode()


def spoken_text(spoken: tuple[SpokenOrder, ...]) -> str:
    """Write the last orders that were obeyed."""
    return _SPOKEN.dump_json(spoken).decode()


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


def read_plans(text: str) -> dict[str, PlanState] | None:
    """Read where every plan stood; None for what is of another make."""
    try:
        memories = _PLANS.validate_json(text)
    except ValidationError:
        return None
    return {
        name: replace(
            memory.state,
            bad_since={(index, symbol): since for index, symbol, since in memory.bad_since},
        )
        for name, memory in memories.items()
    }


def read_moves(text: str) -> tuple[PlanMove, ...]:
    """Read a plan's last moves; none for what is of another make, since nothing is judged by them."""
    try:
        return _MOVES.validate_json(text)
    except ValidationError:
        return ()


def read_spoken(text: str) -> tuple[SpokenOrder, ...]:
    """Read the last orders that were obeyed; none for what is of another make."""
    try:
        return _SPOKEN.validate_json(text)
    except ValidationError:
        return ()
