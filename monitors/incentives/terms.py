"""What the incentive desk is told: the terms of each market, the rules of all, and its senses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitors.accounts import Exchange
from risk.account_watch import AccountWatch
from risk.base_funding import FundingRules
from risk.guard_rails import Limits, Parameter
from risk.incentive_budget import Spending, SpendingMismatch
from risk.incentive_events import Event, EventKind, EventTerms
from risk.incentive_reserve import BudgetRules, MarketBudget
from risk.incentive_rules import ControllerRules
from risk.incentive_terms import MarketIncentives
from risk.market import Market
from risk.market_liquidity import MarketLiquidity
from risk.sessions import SessionTimeline
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds

TUNED = (
    Parameter.INITIAL_MARGIN,
    Parameter.FUNDING_RATE,
    Parameter.TAKER_FEE,
    Parameter.MAKER_FEE,
    Parameter.OPEN_INTEREST_CAP,
)
"""The tuner's parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTerms:
    """All that is set of one market."""

    incentives: MarketIncentives
    controller: ControllerRules
    budget: MarketBudget
    timeline: SessionTimeline | None
    """None for a market without a calendar: its session is unknown, and its levers the strictest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRules:
    """What holds for every market."""

    event_terms: Mapping[EventKind, EventTerms]
    events: tuple[Event, ...]
    total_budget: QuoteAtoms
    pace_tolerance: Ppm
    reaction: Seconds
    """From when a write is needed and possible until it has landed."""
    funding: FundingRules = field(default_factory=FundingRules)
    tolerances: Mapping[Parameter, int] = field(default_factory=dict)
    oldest_sample: Seconds = Seconds(15)
    """A liquidity sample that is older says nothing of now."""

    def budgets(self, budgets: Mapping[MarketId, MarketBudget]) -> BudgetRules:
        """Give the rules of all budgets together."""
        return BudgetRules(total=self.total_budget, tolerance=self.pace_tolerance, markets=budgets)


class VenueState(Protocol):
    """The venue as the feed tells it."""

    @property
    def watch(self) -> AccountWatch:
        """The accounts, on whom a write is simulated."""

    @property
    def exchange(self) -> Exchange | None:
        """The exchange as a whole; None before the first snapshot."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def distrust(self) -> str | None:
        """Why nothing of it may be acted on, or None."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""

    @property
    def applied_block(self) -> int:
        """The newest block of which anything was applied."""


class LiquiditySense(Protocol):
    """Who measures order books; `monitors.book.BookMonitor` is one."""

    def liquidity(self, symbol: str) -> MarketLiquidity | None:
        """Give the last sample of a market; None when `why_unknown` says why."""

    def why_unknown(self, symbol: str) -> str | None:
        """Say in words why nothing is known of a market now."""


class SpendingSense(Protocol):
    """Who counts what was spent; `monitors.incentives.spending.SpendingWatch` is one."""

    @property
    def spending(self) -> Spending | None:
        """What the week has cost; None when `why_unknown` says why."""

    @property
    def why_unknown(self) -> str | None:
        """Say in words why nothing is known to be left."""

    @property
    def is_silent(self) -> bool:
        """Whether nobody has counted for long."""

    @property
    def mismatch(self) -> SpendingMismatch | None:
        """Where the count and the chain disagreed, until a whole count agrees again."""


class LimitsSense(Protocol):
    """Who reads the owner's limits; `monitors.incentives.limits_watch.LimitsWatch` is one."""

    def limits(self, market: MarketId) -> Mapping[Parameter, Limits] | None:
        """Give the owner's limits of a market; None before they were read."""


class NoBooks:
    """`LiquiditySense` of a process that follows no order book."""

    def liquidity(self, _symbol: str) -> MarketLiquidity | None:
        """Give nothing."""
        return None

    def why_unknown(self, _symbol: str) -> str | None:
        """Say so."""
        return "this keeper follows no order book ([prices.book])"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveSenses:
    """Whom the desk asks."""

    venue: VenueState
    liquidity: LiquiditySense
    spending: SpendingSense
    limits: LimitsSense
