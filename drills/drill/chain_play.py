"""A drill on a chain: a scenario played with the demo's machinery, and its record read from the chain afterwards."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median_low
from typing import Final

from drills.chain import DrillChain
from drills.chain_events import ChainEvent, EventReader
from drills.demo import Demo, DemoOptions
from drills.drill.chain_buckets import buckets
from drills.drill.chain_checks import chain_invariants
from drills.drill.chain_courses import ChainTold, told
from drills.drill.chain_story import ScenarioStory
from drills.drill.machine import peak_mib
from drills.drill.plan import Progress, RunPlan
from drills.invariants import Findings
from drills.observer import Observer
from drills.report.facts import facts_of
from drills.report.record import Cost, DrillRecord, Played, Totals
from drills.scenario.loader import load_scenario
from drills.screen import Screen
from keepers.version import VERSION
from risk.liquidation import LiquidationCode
from risk.margin import margin_state
from risk.units import ATOMS_PER_USD, QuoteAtoms
from venues.exchange.abi import load_abi

CHAIN: Final = "chain"
LIQUIDATED: Final = tuple(LiquidationCode).index(LiquidationCode.LIQUIDATED)
"""Of the event's code: 0."""


async def play_on_chain(
    plan: RunPlan,
    *,
    folder: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> DrillRecord:
    """Play one run; logs of node and keeper go into `folder`. Raises OperatorError as the demo does."""
    began = time.monotonic()
    scenario = load_scenario(plan.scenario)
    story = ScenarioStory(scenario=scenario, path=scenario.path(plan.seed), seed=plan.seed)
    screen = _Watched(story, on_progress)
    reading = _Reading(story)
    demo = Demo(
        DemoOptions(
            accounts=plan.accounts,
            seed=plan.seed,
            story=story,
            folder=folder / CHAIN / plan.name,
            before_audit=reading.remember,
            on_findings=reading.read,
        ),
        screen,
        lambda _: None,
    )
    await demo.run()
    cost = Cost(wall_seconds=round(time.monotonic() - began), peak_mib=peak_mib())
    return reading.record(plan, cost)


class _Watched(Screen):
    """A screen of nobody: it tells how far the story is, and keeps the log."""

    def __init__(self, story: ScenarioStory, on_progress: Callable[[Progress], None]) -> None:
        super().__init__(is_quiet=True)
        self.console.quiet = True
        self._story, self._on_progress = story, on_progress

    def say(self, text: str) -> None:
        """Keep a line, and tell the place."""
        super().say(text)
        scene, scenario = self.scene, self._story.scenario
        if scene.clock is None or scene.observer is None:
            return
        now = min(max(scene.clock.now(), scenario.start), scenario.end)
        self._on_progress(
            Progress(
                now=now,
                begin=scenario.start,
                end=scenario.end,
                under_margin=scene.observer.sight().under_margin,
                liquidations=scene.observer.tally.liquidations,
                halts=len(scene.observer.breaks.halts),
            )
        )


class _Reading:
    """All that the record needs of the chain, read before the node goes."""

    def __init__(self, story: ScenarioStory) -> None:
        self._story = story
        self._chain: DrillChain | None = None
        self._found: tuple[Findings, Observer, list[ChainEvent]] | None = None

    async def remember(self, chain: DrillChain) -> None:
        """Learn which chain it is."""
        self._chain = chain

    async def read(self, findings: Findings, observer: Observer) -> None:
        """Read every event of the exchange once more."""
        assert self._chain is not None, "the audit comes after the settling"
        logs = await self._chain.logs(0, findings.state.block)
        self._found = findings, observer, EventReader(load_abi()).read(logs)

    def record(self, plan: RunPlan, cost: Cost) -> DrillRecord:
        """Write it all down."""
        assert self._found is not None, "a drill that ended was audited"
        findings, observer, events = self._found
        scenario, path = self._story.scenario, self._story.path
        markets = list(findings.state.markets.values())
        courses = told(events, markets, scenario, path, findings.evidence.reasons)
        before = QuoteAtoms(self._story.insurance_usd * ATOMS_PER_USD)
        backstop = _backstop_equity(findings)
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
            times=courses.times,
            markets=courses.markets,
            buckets=buckets(
                events,
                observer.waits.all_until(findings.state.block),
                observer.notes,
                scenario,
                insurance_before=before,
                backstop=backstop,
            ),
            acts=courses.acts,
            # The page of halts is read once a minute of our clock, in which this clock leaps for hours.
            expectations=(),
            totals=self._totals(findings, observer, events, courses, backstop),
            invariants=chain_invariants(findings),
            facts=facts_of(plan.scenario),
            cost=cost,
        )

    def _totals(
        self,
        findings: Findings,
        observer: Observer,
        events: list[ChainEvent],
        courses: ChainTold,
        backstop: QuoteAtoms,
    ) -> Totals:
        done = [
            event.values
            for event in events
            if event.name == "LiquidationResult" and event.values["code"] == LIQUIDATED
        ]
        notes, state = observer.notes, findings.state
        waits = observer.waits.all_until(state.block)
        seconds = [
            notes.timestamp(each.last_block) - notes.timestamp(each.first_block) for each in waits
        ]
        return Totals(
            liquidations=len(done),
            liquidated_accounts=len({each["account"] for each in done}),
            liquidated_atoms=QuoteAtoms(sum(abs(each["value"]) for each in done)),
            median_wait_seconds=median_low(seconds) if seconds else None,
            worst_wait_seconds=max(seconds, default=None),
            worst_wait_blocks=max((each.blocks for each in waits), default=None),
            still_under_margin=sum(
                margin_state(each, state.markets, state.timestamp).is_liquidatable
                for each in state.accounts
                if each.positions and each.id != findings.backstop
            ),
            bad_debt_atoms=QuoteAtoms(sum(each["shortfall"] for each in done)),
            insurance_before_atoms=QuoteAtoms(self._story.insurance_usd * ATOMS_PER_USD),
            insurance_after_atoms=QuoteAtoms(state.funds["insurance_fund"]),
            backstop_before_atoms=QuoteAtoms(self._story.backstop_usd * ATOMS_PER_USD),
            backstop_after_atoms=backstop,
            # No duty of this keeper deleverages: a policy has nothing to tell, and what others did is counted.
            deleverages=(),
            deleveraged_accounts=_deleveraged(events),
            halts=courses.halts,
            halted_seconds=courses.halted_seconds,
            restricted_seconds=courses.restricted_seconds,
            maker_cost_atoms=None,
        )


def _deleveraged(events: list[ChainEvent]) -> int:
    """Count the counterparties of whom anything was taken."""
    results = [event.values for event in events if event.name == "DeleverageResult"]
    return len({each["counterparty"] for each in results if each["size"]})


def _backstop_equity(findings: Findings) -> QuoteAtoms:
    state = findings.state
    pool = next(each for each in state.accounts if each.id == findings.backstop)
    return margin_state(pool, state.markets, state.timestamp).equity
