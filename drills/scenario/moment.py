"""What a path says of one second: each market's truth, what every source claims, and what is due.

Prices are 1e-8 USD, times the venue's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from risk.sessions import Session
from risk.units import Ppm, PriceE8, QuoteAtoms, Seconds


class SourceState(StrEnum):
    """What a source does."""

    HONEST = "honest"
    FROZEN = "frozen"
    """Repeats its last report, with that report's time."""
    STUCK = "stuck"
    """Repeats its last price, with a fresh time."""
    GONE = "gone"
    OFFSET = "offset"
    """Off by a constant part of the price."""
    PRINTED = "printed"
    """Passes on a trade that means nothing."""
    OLD_BASIS = "old_basis"
    """Has not heard of a split."""


class EventKind(StrEnum):
    """What begins or happens; what lasts has an end too."""

    HALT = "halt"
    """Of the underlying."""
    FAULT = "fault"
    FLOW = "flow"
    EXCHANGE_OUTAGE = "exchange_outage"
    CHAIN_STALL = "chain_stall"
    SPLIT = "split"
    HEADLINE = "headline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happens, from `start` up to `stop`, which is no longer part of it."""

    kind: EventKind
    start: Seconds
    stop: Seconds
    """The same as `start` for a moment."""
    symbols: tuple[str, ...]
    """Empty: all markets."""
    text: str
    sources: tuple[str, ...] = ()
    """Of a fault."""
    state: SourceState = SourceState.HONEST
    """Of a fault."""
    offset: Ppm = Ppm(0)
    """Of a fault."""
    new_shares: int = 1
    old_shares: int = 1
    """Of a split."""
    notional: QuoteAtoms = QuoteAtoms(0)
    """Of a flow: all of it, + bought, − sold."""

    def covers(self, symbol: str) -> bool:
        """Say whether it is about a market."""
        return not self.symbols or symbol in self.symbols

    def is_on(self, now: Seconds) -> bool:
        """Say whether it lasts at `now`; a moment never lasts."""
        return self.start <= now < self.stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a source claims at a second."""

    state: SourceState
    price: PriceE8 | None
    """None: nothing is heard of it."""
    observed_at: Seconds | None
    """The time that it claims for the price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMoment:
    """One market at a second."""

    value: PriceE8
    """What those who know would pay, whether anybody trades or not."""
    index: PriceE8 | None
    """The price of outside markets; None while they are closed or the underlying is halted."""
    session: Session
    """By the calendar; a halt is not in it."""
    is_halted: bool
    """The underlying."""
    reports: Mapping[str, Report]
    """By source."""
    depth: Ppm | None
    """Part of the usual depth; None where the scenario says nothing, and the market model decides."""
    flow: QuoteAtoms
    """What somebody trades at our venue in this second whatever the price is: + buys, − sells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The world at a second."""

    at: Seconds
    markets: Mapping[str, MarketMoment]
    begun: tuple[Event, ...]
    """What begins or happens in this second."""
    ended: tuple[Event, ...]
    is_exchange_down: bool
    is_chain_stalled: bool
