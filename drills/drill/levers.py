"""The incentives of a drill: the real desk and keeper, the real count of what was spent, and what depth follows.

How much deeper a rebate makes a book is measured by `bellkeeper incentives simulate` and assumed here; what the rebate
is, and when, is the keeper's doing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from config.incentives import load_incentives
from config.settings import Settings
from drills.drill.breakers import MemoryNotes
from drills.drill.sensing import Sensing
from drills.drill.setup import Cast
from drills.drill.terms import DrillTerms
from drills.memory.stage import ROLE_TO_ADDRESS, MemoryStage
from drills.report.record import LeverCourse
from drills.scenario.values import Scenario
from keepers.duties.incentives import market_terms, week_of
from keepers.incentives.keeper import IncentiveKeeper
from keepers.incentives.metrics import IncentiveMetrics
from keepers.incentives.parts import IncentiveParts
from monitors.accounts import AccountsMonitor
from monitors.book import BookMonitor
from monitors.book_liquidity_metrics import BookLiquidityMetrics
from monitors.incentives.desk import IncentiveDesk
from monitors.incentives.desk_metrics import DeskMetrics
from monitors.incentives.levers import session_at
from monitors.incentives.terms import DeskRules, IncentiveSenses, MarketTerms
from risk.base_funding import FundingRules
from risk.guard_rails import Limits, Parameter
from risk.incentive_budget import SettledTrade, Spending, SpendingMismatch, count_trades
from risk.incentive_terms import Lever
from risk.liquidity import DISTANCES, LiquidityRules
from risk.market import Market
from risk.units import MarketId, PpbPerHour, Ppm, QuoteAtoms, Seconds
from venues.exchange.readings import Role
from venues.port import TradeSettled

LOOK_SECONDS: Final = 10
"""From one look at books and levers to the next: a sample may be 15 s old."""
RECORDED: Sequence[Lever] = (Lever.INITIAL_MARGIN, Lever.MAKER_FEE, Lever.TAKER_FEE)
"""Levers that are one parameter of the exchange each, so that the market itself says where they stand."""


class MemorySpending:
    """`SpendingSense` of the desk: every trade is counted as it is told."""

    why_unknown: str | None = None
    is_silent = False
    mismatch: SpendingMismatch | None = None

    def __init__(self, terms: Mapping[str, MarketTerms], fees: Mapping[MarketId, Ppm]) -> None:
        self._week_of, self._fees = week_of(terms), fees
        self._held: Spending | None = None
        self.total = QuoteAtoms(0)
        """Spent beyond weekday terms since the beginning, over all weeks."""

    @property
    def spending(self) -> Spending | None:
        """What the week has cost so far."""
        return self._held

    def count(self, trades: Iterable[TradeSettled], *, block: int, now: Seconds) -> None:
        """Count a block's trades."""
        week = self._week_of(now)
        if week is None:
            self._held = None
            return
        before = self._held
        if before is None or before.week != week:
            before = Spending(week=week, by_market={})
        told = [
            SettledTrade(
                block=block,
                log_index=place,
                time=now,
                market=trade.market,
                size=trade.size,
                price=trade.price,
                maker_fee=trade.maker_fee,
            )
            for place, trade in enumerate(trades)
        ]
        self._held = count_trades(before, told, self._fees)
        self.total = QuoteAtoms(self.total + self._held.total - before.total)


class _Limits:
    """`LimitsSense`: the owner's limits as the exchange in memory holds them."""

    def __init__(self, stage: MemoryStage) -> None:
        self._held = stage.exchange.state.limits

    def limits(self, market: MarketId) -> Mapping[Parameter, Limits] | None:
        """Give the owner's limits of a market."""
        return {key[1]: limits for key, limits in self._held.items() if key[0] == market}


class SlowVenue:
    """The monitor for whoever looks at books: its clock is told once in so many seconds.

    What books and levers do is judged over minutes; looking every second would be a quarter of a drill.
    """

    def __init__(self, monitor: AccountsMonitor, every: int) -> None:
        self._monitor, self._every = monitor, every
        self.on_trade, self.on_replaced = monitor.on_trade, monitor.on_replaced
        self.account = monitor.account
        self._told_at = Seconds(0)

    @property
    def now(self) -> Seconds:
        """The venue's clock."""
        return self._monitor.now

    @property
    def distrust(self) -> str | None:
        """Why nothing of it may be acted on, or None."""
        return self._monitor.distrust

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""
        return self._monitor.markets

    def on_clock(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the clock has moved far enough."""

        def told() -> None:
            if self.now - self._told_at >= self._every:
                self._told_at = self.now
                listener()

        self._monitor.on_clock(told)


class Seldom:
    """A worker that cycles once in so many seconds of the venue's clock."""

    def __init__(self, worker: IncentiveKeeper, monitor: AccountsMonitor, every: int) -> None:
        self.name = worker.name
        self._worker, self._monitor, self._every = worker, monitor, every
        self._cycled_at = Seconds(0)

    async def run_once(self) -> object:
        """Cycle if it is time."""
        if self._monitor.now - self._cycled_at < self._every:
            return "resting"
        self._cycled_at = self._monitor.now
        return await self._worker.run_once()


class DrillLevers:
    """The desk with its keeper on the stage, and by how much books are deeper for it."""

    def __init__(
        self,
        stage: MemoryStage,
        sensing: Sensing,
        scenario: Scenario,
        cast: Cast,
        settings: Settings,
        terms: DrillTerms,
    ) -> None:
        loaded = load_incentives(markets=cast.files)
        markets = {
            symbol: replace(each, timeline=scenario.timeline)
            for symbol, each in market_terms(settings, loaded).items()
        }
        self._stage, self._markets, self._terms = stage, markets, terms
        fees = {
            MarketId(number): markets[symbol].incentives.terms.weekday.maker_fee
            for number, symbol in enumerate(cast.symbols)
        }
        self.spending = MemorySpending(markets, fees)
        knobs = settings.incentives
        rules = LiquidityRules(effective_notional=QuoteAtoms(knobs.effective_notional_atoms))
        books = BookMonitor(
            venue=SlowVenue(stage.monitor, LOOK_SECONDS),
            books=sensing.books,
            session_of=lambda symbol, now: session_at(markets[symbol], now),
            markets=dict.fromkeys(cast.symbols, rules),
            makers=sorted(cast.crowd.house),
            metrics=BookLiquidityMetrics.create(
                stage.registry, symbols=cast.symbols, distances=DISTANCES
            ),
        )
        desk = IncentiveDesk(
            IncentiveSenses(
                venue=stage.monitor,
                liquidity=books,
                spending=self.spending,
                limits=_Limits(stage),
            ),
            terms=markets,
            rules=DeskRules(
                event_terms=loaded.event_terms,
                events=(),
                total_budget=loaded.weekly_budget,
                pace_tolerance=Ppm(knobs.pace_tolerance_ppm),
                reaction=Seconds(knobs.reaction_seconds),
                funding=FundingRules(
                    interest=Ppm(knobs.base_interest_ppm),
                    cap=PpbPerHour(knobs.base_cap_ppb_per_hour),
                ),
                tolerances={Parameter.FUNDING_RATE: knobs.funding_tolerance_ppb_per_hour},
            ),
            notes=MemoryNotes(),
            metrics=DeskMetrics.create(stage.registry, symbols=cast.symbols),
        )
        keeper = IncentiveKeeper(
            IncentiveParts(
                view=desk,
                venue=stage.venue,
                sender=stage.sender(Role.TUNER.name.lower(), ROLE_TO_ADDRESS[Role.TUNER]),
                journal=stage.journal,
                limits=stage.settings.incentives,
                metrics=IncentiveMetrics.create(stage.registry),
                clock=stage.clock,
            )
        )
        stage.hire(Seldom(keeper, stage.monitor, LOOK_SECONDS))

    def boost(self) -> dict[str, float]:
        """Give by how many times each book is deeper, from the rebate that the chain pays now."""
        found = {}
        for number, market in self._stage.monitor.markets.items():
            weekday = self._markets[market.symbol].incentives.terms.weekday.maker_fee
            limits = self._stage.exchange.state.limits[number, Parameter.MAKER_FEE]
            most = max(1, weekday - limits.minimum)
            part = min(1.0, max(0.0, (weekday - market.maker_fee) / most))
            found[market.symbol] = 1.0 + self._terms.boosted_depth * part
        return found


def lever_values(lever: Lever, stage: MemoryStage, market: MarketId) -> int:
    """Give where a lever stands on the exchange, in its own unit."""
    held = stage.exchange.state.markets[market]
    return {
        Lever.INITIAL_MARGIN: int(held.initial_margin),
        Lever.MAKER_FEE: int(held.maker_fee),
        Lever.TAKER_FEE: int(held.taker_fee),
    }[lever]


def courses(values: Mapping[Lever, Sequence[int]]) -> tuple[LeverCourse, ...]:
    """Give the levers' courses as the record wants them."""
    return tuple(LeverCourse(lever=lever, values=tuple(each)) for lever, each in values.items())
