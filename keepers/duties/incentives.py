"""The incentive duty put together: schedule, events, book monitor, count of spending, desk, keeper."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry

from config.calendars import calendar_of, load_calendars
from config.events import EVENTS_DIRECTORY, load_events
from config.incentives import INCENTIVES_DIRECTORY, Incentives, load_incentives
from config.markets import load_exchange_file, load_market
from config.settings import Settings
from keepers.duties.price import PriceSensing
from keepers.incentives.keeper import IncentiveKeeper
from keepers.incentives.metrics import IncentiveMetrics
from keepers.incentives.parts import IncentiveLimits, IncentiveParts
from keepers.sender import Sender
from monitors.accounts import AccountsMonitor
from monitors.book import BookMonitor
from monitors.book_liquidity_metrics import BookLiquidityMetrics
from monitors.incentives.desk import IncentiveDesk
from monitors.incentives.desk_metrics import DeskMetrics
from monitors.incentives.levers import session_at
from monitors.incentives.limits_watch import LimitsWatch
from monitors.incentives.spending import SpendingSettings, SpendingWatch, Trades
from monitors.incentives.spending_metrics import SpendingMetrics
from monitors.incentives.terms import DeskRules, IncentiveSenses, MarketTerms, NoBooks
from monitors.incentives.weeks import budget_week
from risk.base_funding import FundingRules
from risk.guard_rails import Parameter
from risk.incentive_budget import BudgetWeek
from risk.incentive_reserve import MarketBudget
from risk.incentive_terms import Lever, MarketIncentives
from risk.liquidity import DISTANCES, LiquidityRules
from risk.sessions import SessionTimeline
from risk.units import MarketId, PpbPerHour, Ppm, QuoteAtoms, Seconds, parse_account
from runtime.clock import Clock
from runtime.errors import OperatorError
from runtime.journal import Journal
from runtime.supervise import Worker
from venues.exchange.adapter import ExchangeVenue

SECONDS_PER_MINUTE = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveDuty:
    """The running incentive duty."""

    desk: IncentiveDesk
    limits: LimitsWatch
    spending: SpendingWatch
    books: BookMonitor | None
    keeper: IncentiveKeeper

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duty."""
        return {
            "incentives": self.keeper.run,
            "incentive_limits": self.limits.run,
            "incentive_spending": self.spending.run,
        }

    def show(self) -> None:
        """Set the gauges."""
        self.desk.show()
        if self.books is not None:
            self.books.show()

    def status(self) -> Mapping[str, object]:
        """Say what each market's levers ought to be and why, for `/status`."""
        return {
            "incentives": {
                "budget": self.desk.explain_budget(),
                "markets": {symbol: self.desk.explain(symbol) for symbol in self.desk.symbols},
            }
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveBase:
    """What the duty shares with the rest of the process."""

    settings: Settings
    monitor: AccountsMonitor
    venue: ExchangeVenue
    trades: Trades
    journal: Journal
    registry: CollectorRegistry
    clock: Clock
    sensing: PriceSensing | None
    sender: Sender


def open_incentive_duty(base: IncentiveBase) -> IncentiveDuty:
    """Put the duty together; raises OperatorError with one sentence for what is wrong with it."""
    settings, knobs = base.settings, base.settings.incentives
    symbols = incentive_symbols(settings)
    incentives = _incentives(settings, symbols)
    terms = market_terms(settings, incentives)
    limits = LimitsWatch(
        base.venue.all_limits,
        base.monitor,
        symbols=symbols,
        period_seconds=knobs.reading_seconds,
        wake=lambda: keeper.wake(),  # noqa: PLW0108 - the keeper is made below
    )
    spending = SpendingWatch(
        base.trades,
        week_of=week_of(terms),
        weekday_maker_fees=lambda: _weekday_fees(base.monitor, incentives),
        notes=base.journal,
        metrics=SpendingMetrics.create(base.registry),
        settings=SpendingSettings(
            counting_seconds=knobs.counting_seconds,
            uncounted_seconds=knobs.uncounted_seconds,
            recount_seconds=float(SECONDS_PER_MINUTE * knobs.recount_minutes),
        ),
        clock=base.clock,
    )
    books = _books(base, terms)
    desk = IncentiveDesk(
        IncentiveSenses(
            venue=base.monitor, liquidity=books or NoBooks(), spending=spending, limits=limits
        ),
        terms=terms,
        rules=_rules(settings, incentives),
        notes=base.journal,
        metrics=DeskMetrics.create(base.registry, symbols=symbols),
    )
    keeper = IncentiveKeeper(
        IncentiveParts(
            view=desk,
            venue=base.venue,
            sender=base.sender,
            journal=base.journal,
            limits=IncentiveLimits(
                gas=knobs.gas,
                expiry_seconds=int(settings.sender.expiry_seconds),
                retry_seconds=knobs.retry_seconds,
                standby_seconds=knobs.standby_seconds,
            ),
            metrics=IncentiveMetrics.create(base.registry),
            clock=base.clock,
        )
    )
    base.monitor.on_clock(keeper.wake)
    return IncentiveDuty(desk=desk, limits=limits, spending=spending, books=books, keeper=keeper)


def incentive_symbols(settings: Settings) -> tuple[str, ...]:
    """Name the markets whose levers move."""
    named = settings.incentives.symbols or settings.prices.symbols
    return named or load_exchange_file().markets


def market_terms(settings: Settings, incentives: Incentives) -> dict[str, MarketTerms]:
    """Give the terms of every market; raises OperatorError with one sentence."""
    calendars = load_calendars()
    terms = {}
    for symbol, each in incentives.markets.items():
        calendar = calendar_of(symbol, each.asset_class, calendars)
        terms[symbol] = MarketTerms(
            incentives=each,
            controller=incentives.rules[symbol],
            budget=_budget(settings, each),
            timeline=None if calendar is None else calendar.timeline,
        )
    return terms


def week_of(terms: Mapping[str, MarketTerms]) -> Callable[[Seconds], BudgetWeek | None]:
    """Give the budget's week, by the calendar that most markets follow."""
    timelines = [each.timeline for each in terms.values() if each.timeline is not None]
    most: SessionTimeline | None = None
    if timelines:
        counts = Counter(map(id, timelines))
        most = max(timelines, key=lambda each: counts[id(each)])
    known: list[BudgetWeek] = []

    def find(now: Seconds) -> BudgetWeek | None:
        if known and known[0].start <= now < known[0].end:
            return known[0]
        week = None if most is None else budget_week(most, now)
        known[:] = [] if week is None else [week]
        return week

    return find


def _incentives(settings: Settings, symbols: tuple[str, ...]) -> Incentives:
    directory = settings.incentives.schedule_directory or INCENTIVES_DIRECTORY
    if not directory.is_dir():
        raise OperatorError(
            f"expected a folder of incentives at {directory}, found none: correct"
            " [incentives] schedule_directory"
        )
    return load_incentives(directory, markets=[load_market(symbol) for symbol in symbols])


def _rules(settings: Settings, incentives: Incentives) -> DeskRules:
    knobs = settings.incentives
    directory = knobs.events_directory or EVENTS_DIRECTORY
    if not directory.is_dir():
        raise OperatorError(
            f"expected a folder of events at {directory}, found none: correct"
            " [incentives] events_directory, or make the folder, which may be empty"
        )
    return DeskRules(
        event_terms=incentives.event_terms,
        events=tuple(each.event for each in load_events(directory)),
        total_budget=incentives.weekly_budget,
        pace_tolerance=Ppm(knobs.pace_tolerance_ppm),
        reaction=Seconds(knobs.reaction_seconds),
        funding=FundingRules(
            interest=Ppm(knobs.base_interest_ppm), cap=PpbPerHour(knobs.base_cap_ppb_per_hour)
        ),
        tolerances={Parameter.FUNDING_RATE: knobs.funding_tolerance_ppb_per_hour},
    )


def _budget(settings: Settings, incentives: MarketIncentives) -> MarketBudget:
    """Give a market's budget; the largest rebate is the schedule's with all that may be added."""
    knobs, terms = settings.incentives, incentives.terms
    scheduled = max(-levels.maker_fee for levels in terms.levels.values())
    added = -incentives.controller[Lever.MAKER_FEE].minimum
    weekday = max(0, -terms.weekday.maker_fee)
    return MarketBudget(
        weekly=incentives.weekly_budget,
        weekday_rebate=Ppm(weekday),
        largest_rebate=Ppm(max(weekday, scheduled + added)),
        largest_notional_per_second=QuoteAtoms(knobs.largest_notional_atoms),
        largest_trades_per_second=knobs.largest_trades_per_second,
        reaction=Seconds(knobs.reaction_seconds),
    )


def _weekday_fees(monitor: AccountsMonitor, incentives: Incentives) -> dict[MarketId, Ppm]:
    return {
        market.id: incentives.markets[market.symbol].terms.weekday.maker_fee
        for market in monitor.markets.values()
        if market.symbol in incentives.markets
    }


def _books(base: IncentiveBase, terms: Mapping[str, MarketTerms]) -> BookMonitor | None:
    """Measure the books that this process follows, if it follows any."""
    board = None if base.sensing is None else base.sensing.books
    if board is None:
        log.warning("incentives_measure_no_liquidity", why="no order book in [prices.book]")
        return None
    knobs = base.settings.incentives
    symbols = tuple(symbol for symbol in terms if symbol in board.symbols)
    rules = LiquidityRules(effective_notional=QuoteAtoms(knobs.effective_notional_atoms))
    return BookMonitor(
        venue=base.monitor,
        books=board,
        session_of=lambda symbol, now: session_at(terms[symbol], now),
        markets=dict.fromkeys(symbols, rules),
        makers=[parse_account(each) for each in knobs.makers],
        metrics=BookLiquidityMetrics.create(base.registry, symbols=symbols, distances=DISTANCES),
        defer=asyncio.get_running_loop().call_soon,
    )
