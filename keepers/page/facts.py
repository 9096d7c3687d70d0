"""What the page shows, as plain values: gathered from the running process, rendered by pure functions.

Prices in 1e-8 USD, money in 1e-6 USD, times in seconds: of the venue's clock unless a name says wall.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from risk.liquidation_map import LiquidationMap
from risk.sessions import Session
from risk.units import MarketId, MarketStatus, PriceE8, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLine:
    """One market as it is now."""

    id: MarketId
    symbol: str
    status: MarketStatus
    session: Session
    """By the calendar that the market follows."""
    mark: PriceE8
    index: PriceE8
    band_low: PriceE8
    """0: no band is set."""
    band_high: PriceE8
    age_seconds: int
    """Of the mark."""
    is_stale: bool
    doubt: str | None = None
    """Why the price may not be acted on."""
    breaker: str | None = None
    """The breaker's sentence; None where no breaker runs."""
    wanted_status: str | None = None
    """What the breaker wants it to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the week."""

    start: Seconds
    stop: Seconds
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekLine:
    """A calendar's sessions within the week that is shown, and the ramps of who follows it."""

    calendar: str
    symbols: Sequence[str]
    spans: Sequence[Span]
    ramps: Sequence[tuple[Seconds, Seconds]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Seven days, yesterday first."""

    start: Seconds
    stop: Seconds
    lines: Sequence[WeekLine]
    shows_ramps: bool
    """Whether the duty that ramps runs here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Who waits, and how quick we are."""

    accounts: int
    positions: int
    under_margin: int
    oldest_wait_seconds: int | None
    """How long the oldest has been under margin, liquidatable or not."""
    waiting_blocks: int | None
    """The same in blocks, as the last plan saw it; None where nobody liquidates."""
    skipped: Mapping[str, int]
    """How many of them the last plan left alone, by reason."""
    applied_block: int
    sealed_block: int
    latencies: Mapping[str, "Latency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of a histogram: how many, and edges that hold half and 99 of 100 of them, in seconds."""

    count: int
    half_within: float | None
    most_within: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One decision out of the journal."""

    wall_seconds: float
    kind: str
    market: str
    account: str
    state: str
    outcome: str
    what: str
    """What was set or done: `status: halted`."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLine:
    """One key's queue."""

    name: str
    next_nonce: int | None
    in_flight: int | None
    halted: str
    """Why it signs nothing; empty while it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLine:
    """One RPC endpoint."""

    name: str
    failures: int
    rest_seconds: float
    head_block: int | None
    latency_seconds: float
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The parts of the process."""

    workers: Mapping[str, bool]
    """Whether each runs."""
    lanes: Sequence[LaneLine]
    endpoints: Sequence[EndpointLine]
    feed: str
    loop_lag: Latency | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """All of it, at one moment."""

    version: str
    network: str
    is_dry_run: bool
    wall_seconds: float
    now: Seconds
    distrust: str | None
    not_ready: Mapping[str, str]
    markets: Sequence[MarketLine]
    week: Week
    heat: LiquidationMap | None
    """None before the first survey."""
    backlog: Backlog
    actions: Sequence[Action]
    trips: Sequence[Action]
    journal_problem: str | None = None
    breakers_run: bool = False
    solvency: Mapping[str, object] | None = None
    """What the duty says on `/status`; None where it does not run."""
    stress: Mapping[str, object] | None = None
    incentives: Mapping[str, object] | None = None
    health: Health
    withdrawals_closed_why: str | None = None
