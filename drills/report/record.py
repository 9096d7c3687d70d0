"""The record of one run of a drill: what was played, what happened, second by second and summed up.

Values only. Money is in 1e-6 USD (`_atoms`), prices in 1e-8 USD (`_e8`), parts in ppm, times and waits on the
venue's clock in seconds, latencies in milliseconds; a field's name is its key in the JSON, unit included.
The same scenario, variant and seed give the same record, `cost` apart: that is the machine's.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from drills.report.consistency import check_record
from risk.deleverage_rank import RankPolicy
from risk.incentive_terms import Lever
from risk.sessions import Session
from risk.units import MarketStatus, Ppm, PriceE8, QuoteAtoms, Seconds

FORMAT: Final = 1
"""Of the JSON; raised when a key changes its meaning or goes."""


class Ground(StrEnum):
    """Where the drill was played."""

    MEMORY = "memory"
    CHAIN = "chain"


class Variant(StrEnum):
    """What was different from the system as it ships; nothing in the base case."""

    BASE = "base"
    NO_BREAKERS = "no_breakers"
    NO_INCENTIVES = "no_incentives"
    FROZEN_CLOSE = "frozen_close"
    """The mark does not move while outside markets are closed."""
    FULL_LIQUIDATION = "full_liquidation"
    PROFIT_LEVERAGE = "deleverage_profit_leverage"
    PRO_RATA = "deleverage_pro_rata"


class Quality(StrEnum):
    """How far a fact of a scenario may be trusted."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    RECALLED = "recalled"
    ASSUMPTION = "assumption"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedFact:
    """One row of the scenario's file, in words; `drills.report.facts` makes them."""

    at: Seconds | None
    """When it holds or begins; None for what has no time."""
    about: str
    """The series, market or kind of event."""
    text: str
    quality: Quality
    source: str
    """The public text, or for an assumption why it was assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was played, and how to play it again."""

    scenario: str
    title: str
    story: str
    """Sentences about it, for people."""
    seed: int
    accounts: int
    ground: Ground
    variant: Variant
    step_seconds: int
    """Of the venue's clock between two looks of the workers."""
    program_version: str
    command: str
    """The whole command that repeats this run."""
    timezone: str
    """In which the report writes times, such as America/New_York."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverCourse:
    """What a lever of the makers stood at, on the axis; its unit is the lever's own (risk.incentive_terms)."""

    lever: Lever
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCourse:
    """One market on the axis: every tuple is as long as it."""

    symbol: str
    value_e8: tuple[PriceE8, ...]
    """What those who know would pay, whether anybody trades or not."""
    index_e8: tuple[PriceE8 | None, ...]
    """Our index price; None while there is none."""
    mark_e8: tuple[PriceE8, ...]
    band_low_e8: tuple[PriceE8 | None, ...]
    band_high_e8: tuple[PriceE8 | None, ...]
    status: tuple[MarketStatus, ...]
    """0 open, 1 limit, 2 reduce-only, 3 halted, 4 settled."""
    session: tuple[Session, ...]
    depth_usd: tuple[int | None, ...]
    """Whole USD within 25 bp of the book's price on one side; None where it was not measured."""
    open_interest_usd: tuple[int | None, ...]
    """Whole USD of one side at the mark."""
    levers: tuple[LeverCourse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleverage:
    """What was asked of others under one policy; flows of the bucket, or of the run."""

    policy: RankPolicy
    need_atoms: QuoteAtoms
    """What neither the insurance fund nor the backstop could pay."""
    closed_atoms: QuoteAtoms
    """Notional that counterparties had to close."""
    haircut_over_need_ppm: Ppm | None
    """What counterparties gave up over the need, rounded up; None without a need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long the keepers took from a due account to its liquidation, on the venue's clock."""

    planned: int
    """Liquidations planned."""
    p50_ms: int | None
    p99_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What happened from `start` up to `stop`, which is no longer part of it."""

    start: Seconds
    stop: Seconds
    liquidations: int
    liquidated_atoms: QuoteAtoms
    """Notional at the mark."""
    worst_wait_seconds: int | None
    """Of accounts liquidated in the bucket, or still due at its end; None: nobody waited or was liquidated."""
    worst_wait_blocks: int | None
    most_under_margin: int
    """Most accounts under their maintenance margin at one time of the bucket."""
    most_liquidatable: int
    """Most of them that the exchange's rules allowed to liquidate at one time."""
    insurance_fund_atoms: QuoteAtoms
    """At the bucket's end."""
    backstop_equity_atoms: QuoteAtoms
    """At the bucket's end."""
    bad_debt_atoms: QuoteAtoms
    """What accounts liquidated in the bucket owed beyond what they had."""
    latency: Latency
    deleverages: tuple[Deleverage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a breaker did."""

    at: Seconds
    symbol: str
    """Empty: every market."""
    who: str
    """The breaker: band, dynamic, market-wide, integrity, solvency, guardian."""
    what: str
    """In two or three words: "halted", "reopened", "band moved"."""
    why: str
    """Its own sentence."""
    status: MarketStatus | None = None
    """The market's afterwards, where the act set one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Something stated by the scenario that should have happened here too, such as a published halt."""

    what: str
    at: Seconds | None
    """When, as published."""
    happened: bool
    happened_at: Seconds | None
    found: str
    """One sentence on what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """Something that must always hold."""

    name: str
    holds: bool
    found: str
    """What was compared, with figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The run summed up; what variants are compared by."""

    liquidations: int
    liquidated_accounts: int
    liquidated_atoms: QuoteAtoms
    median_wait_seconds: int | None
    worst_wait_seconds: int | None
    worst_wait_blocks: int | None
    still_under_margin: int
    """Accounts at the end of the run."""
    bad_debt_atoms: QuoteAtoms
    insurance_before_atoms: QuoteAtoms
    insurance_after_atoms: QuoteAtoms
    backstop_before_atoms: QuoteAtoms
    backstop_after_atoms: QuoteAtoms
    deleverages: tuple[Deleverage, ...]
    """One for each policy that was played."""
    deleveraged_accounts: int
    """Counterparties taken."""
    halts: int
    """Of all markets."""
    halted_seconds: int
    """Summed over all markets."""
    restricted_seconds: int
    """In limit or reduce-only, summed over all markets."""
    maker_cost_atoms: QuoteAtoms | None
    """Spent on makers beyond weekday terms; None where incentives were not played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the run took of the machine."""

    wall_seconds: int
    peak_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """One run of a drill. Raises ValueError where columns and axis do not fit each other."""

    format: Literal[1] = FORMAT
    played: Played
    times: tuple[Seconds, ...]
    """The axis: rising seconds of the venue's clock, at least one."""
    markets: tuple[MarketCourse, ...]
    buckets: tuple[Bucket, ...]
    """In order, without overlap."""
    acts: tuple[Act, ...]
    """In order of time."""
    expectations: tuple[Expectation, ...]
    totals: Totals
    invariants: tuple[Invariant, ...]
    facts: tuple[SourcedFact, ...]
    cost: Cost | None = None

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def has_failed(self) -> bool:
        """Say whether an invariant broke or an expectation was missed."""
        return not all(each.holds for each in self.invariants) or not all(
            each.happened for each in self.expectations
        )
