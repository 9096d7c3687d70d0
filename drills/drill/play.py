"""A drill in memory: a scenario's whole span against the real workers, from the first second to the last.

One look is one block. The world speaks (sources, halts, our book), the workers act, the block is made; what the
backstop sold in it moves the book of the next look. While the exchange is out nothing is included in blocks; while
the chain stalls there are none. The same plan gives the same record, its cost apart.
"""

import time
from collections.abc import Callable
from typing import Final

from drills.drill.axis import Axis
from drills.drill.company import hire
from drills.drill.machine import peak_mib
from drills.drill.outcome import expectations, invariants
from drills.drill.pace import Pace
from drills.drill.plan import Progress, RunPlan, span_of
from drills.drill.setup import draw_cast
from drills.drill.tally import Tally
from drills.drill.terms import DrillTerms
from drills.drill.variants import arm_of
from drills.drill.waiting import DueAccounts
from drills.memory.stage import ROLE_TO_ADDRESS, StepInput, StepReport, Wish
from drills.report.facts import facts_of
from drills.report.record import Cost, DrillRecord, Played
from drills.scenario.loader import load_scenario
from drills.scenario.moment import EventKind, Moment
from keepers.version import VERSION
from risk.trade_rules import Trade
from risk.units import Seconds
from venues.exchange.readings import Role
from venues.memory.requests import SettleTrades

HOUR: Final = 3_600
REPORT_EVERY: Final = 500
"""Looks between two words on how far it is."""


async def play(
    plan: RunPlan,
    *,
    terms: DrillTerms | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> DrillRecord:
    """Play one run; raises OperatorError for a plan that cannot be played."""
    began = time.monotonic()
    run = _Run(plan, terms or DrillTerms(), on_progress)
    while run.now < run.end:
        await run.look()
    return run.record(wall_seconds=round(time.monotonic() - began))


class _Run:
    """Everything that moves."""

    def __init__(
        self, plan: RunPlan, terms: DrillTerms, on_progress: Callable[[Progress], None]
    ) -> None:
        self._plan, self._terms, self._on_progress = plan, terms, on_progress
        self._scenario = scenario = load_scenario(plan.scenario)
        self.begin, self.end = span_of(plan, scenario)
        self._path = scenario.path(plan.seed)
        self._cast = draw_cast(
            scenario,
            self._path,
            accounts=plan.accounts,
            seed=plan.seed,
            terms=terms,
            begin=self.begin,
        )
        arm = self._arm = arm_of(plan.variant)
        self._company = company = hire(
            scenario, self._cast, arm, terms, begin=self.begin, seed=plan.seed
        )
        self._money = company.stage.exchange.money()
        self._due = DueAccounts(company.stage.monitor)
        self._tally = Tally(company.stage, self._due, begin=self.begin)
        self._pace = Pace(scenario, self._path, terms, begin=self.begin)
        self._axis = Axis(
            company.stage,
            self._cast,
            self._path,
            scenario.timeline,
            lively_seconds=self._pace.lively_seconds,
        )
        self._elapsed = 1
        self._looks = 0
        self._turned_over_at = self.begin
        self._last: StepReport | None = None
        self.accepted_in_outage = 0

    @property
    def now(self) -> Seconds:
        """Give the newest block's time."""
        return self._company.stage.chain.now

    # --- one look --------------------------------------------------------------------------------

    async def look(self) -> None:
        """Play one look; a stalled chain is waited for first."""
        company, now = self._company, self.now
        moment = self._path.at(now)
        step = self._pace.step(now)
        stall = self._stalled(now + step)
        self._speak(moment)
        wishes = self._wishes(moment, step)
        company.clerk.step = step + stall
        company.stage.chain.gas_taken = (
            company.stage.chain.pace.gas_limit if moment.is_exchange_down else 0
        )
        report = await company.stage.step(StepInput(wishes=wishes))
        if stall:
            company.facts.stalled(stall, self.now)
        self._hear(moment, report, step + stall)

    def record(self, *, wall_seconds: int) -> DrillRecord:
        """Write down what happened."""
        company, scenario, plan = self._company, self._scenario, self._plan
        assert self._last is not None, "a run has at least one look"
        self._tally.close(self._last)
        self._axis.sample(self.now, company.book)
        spent = None if company.levers is None else company.levers.spending.total
        return DrillRecord(
            played=Played(
                scenario=scenario.name,
                title=scenario.title,
                story=scenario.story,
                seed=plan.seed,
                accounts=plan.accounts,
                ground=plan.ground,
                variant=plan.variant,
                step_seconds=1,
                program_version=VERSION,
                command=plan.command,
                timezone="America/New_York",
            ),
            times=tuple(self._axis.times),
            markets=self._axis.courses(has_levers=company.levers is not None),
            buckets=self._tally.buckets,
            acts=tuple(company.acts.all),
            expectations=expectations(
                scenario,
                company.acts.all,
                self.begin,
                self.end,
                has_breakers=self._arm.has_breakers,
            ),
            totals=self._tally.totals(spent=spent),
            invariants=invariants(
                company.stage,
                self._due,
                money=self._money,
                accepted_in_outage=self.accepted_in_outage,
            ),
            facts=facts_of(plan.scenario),
            cost=Cost(wall_seconds=wall_seconds, peak_mib=peak_mib()),
        )

    # --- what the world does -----------------------------------------------------------------------

    def _speak(self, moment: Moment) -> None:
        """Let sources, halts and our book reach the keepers."""
        company = self._company
        markets = company.stage.exchange.state.markets
        company.sensing.hear(moment)
        boost = dict.fromkeys(moment.markets, 1.0)
        if company.levers is not None:
            boost = company.levers.boost()
        company.book.look(moment, markets, elapsed=self._elapsed, boost=boost)
        if not moment.is_exchange_down:
            company.book.show(company.sensing.books, moment.at)
        company.facts.look(moment.at)

    def _wishes(self, moment: Moment, step: int) -> list[Wish]:
        """Give what is traded in the next block, each market by itself: a bad trade refuses no other market's."""
        company = self._company
        book, markets = company.stage.monitor.watch.book, company.stage.monitor.markets
        batches: list[tuple[Trade, ...]] = [
            (each,) for each in company.book.unwinding(book, markets, moment, step)
        ]
        if moment.at - self._turned_over_at >= self._terms.turnover_seconds:
            batches += self._turnover(moment)
        matcher = ROLE_TO_ADDRESS[Role.MATCHER]
        return [Wish(caller=matcher, request=SettleTrades(trades=each)) for each in batches if each]

    def _turnover(self, moment: Moment) -> list[tuple[Trade, ...]]:
        company = self._company
        elapsed, self._turned_over_at = moment.at - self._turned_over_at, moment.at
        found = []
        for market in company.stage.monitor.markets.values():
            is_open = moment.markets[market.symbol].session.has_external_price
            pace = self._terms.turnover_usd_per_hour[is_open] * self._cast.scale
            usd = 0.0 if moment.is_exchange_down else pace * elapsed / HOUR
            found.append(company.book.turnover(market, usd))
        return found

    def _stalled(self, next_block: int) -> int:
        """Give for how long no block comes after the next one was due; nobody trades in that time."""
        due = Seconds(next_block)
        stalls = (each for each in self._scenario.events if each.kind is EventKind.CHAIN_STALL)
        back = max((each.stop for each in stalls if each.is_on(due)), default=due)
        markets = self._company.stage.exchange.state.markets
        for second in range(due, min(back, self.end)):
            self._company.book.stand(self._path.at(second), markets)
        return min(back, self.end) - due

    def _hear(self, moment: Moment, report: StepReport, step: int) -> None:
        company, stage = self._company, self._company.stage
        self._last = report
        company.book.settled(report.trades, stage.exchange.state.markets)
        if company.levers is not None:
            company.levers.spending.count(
                report.trades, block=report.block.number, now=report.block.timestamp
            )
        before = self._tally.liquidations
        self._tally.count(report, step=step)
        is_disturbed = company.acts.look(report.block.timestamp)
        is_disturbed |= self._tally.liquidations > before or bool(report.deleverages)
        if is_disturbed or report.waiting_calls or self._due.count:
            self._pace.disturb(report.block.timestamp)
        if moment.is_exchange_down:
            self.accepted_in_outage += len(report.trades) + len(report.liquidations)
        self._axis.look(report.block.timestamp, company.book, step=step)
        self._elapsed = step
        self._looks += 1
        if self._looks % REPORT_EVERY == 0:
            self._tell()

    def _tell(self) -> None:
        self._on_progress(
            Progress(
                now=self.now,
                begin=self.begin,
                end=self.end,
                under_margin=self._company.stage.monitor.under_margin_count(),
                liquidations=self._tally.liquidations,
                halts=self._tally.halts,
            )
        )
