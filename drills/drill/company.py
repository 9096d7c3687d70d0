"""Everybody who works in one run in memory: the stage with the real keepers on it, and what they look at."""

from dataclasses import dataclass

from drills.drill.acts import Acts
from drills.drill.book import DrillBook
from drills.drill.breakers import MemoryFacts, open_panel
from drills.drill.levers import DrillLevers
from drills.drill.sensing import FrozenClose, Published, Sensing, drill_settings
from drills.drill.setup import Cast, build_exchange
from drills.drill.terms import DrillTerms
from drills.drill.variants import Arm
from drills.memory.duties import open_breakers, open_deleverages, open_liquidations
from drills.memory.stage import ROLE_TO_ADDRESS, MemoryStage
from drills.scenario.values import Scenario
from keepers.liquidation.keeper import LiquidationKeeper
from keepers.price.keeper import PriceKeeper
from keepers.price.metrics import PriceMetrics
from risk.units import Seconds
from venues.exchange.readings import Role

LARGE_CROWD = 200_000
"""From so many accounts on the liquidation keeper may have as many batches on their way as its lane carries."""
LARGE_BATCHES = 16
MORE_CYCLES = 3
"""Beside the first: the real keeper wakes every quarter of a second."""


class Clerk:
    """The last to cycle before a block: asks the machines why, and lets the clock go on by the step."""

    name = "clerk"

    def __init__(self, stage: MemoryStage, acts: Acts) -> None:
        self._stage, self._acts = stage, acts
        self.step = 1

    async def run_once(self) -> str:
        """Do it."""
        self._acts.ask()
        self._stage.chain.milliseconds += (self.step - 1) * 1_000
        return "idle"


class Again:
    """The liquidation keeper's further cycles before a block: it cycles four times a second, not once a block."""

    def __init__(self, keeper: LiquidationKeeper, stage: MemoryStage) -> None:
        self.name = f"{keeper.name} again"
        self._keeper, self._stage = keeper, stage

    async def run_once(self) -> str:
        """Cycle while somebody is under margin."""
        outcome = "idle"
        for _ in range(MORE_CYCLES):
            if self._stage.monitor.under_margin_count():
                outcome = str(await self._keeper.run_once())
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who works."""

    stage: MemoryStage
    sensing: Sensing
    book: DrillBook
    facts: MemoryFacts
    levers: DrillLevers | None
    acts: Acts
    clerk: Clerk


def hire(
    scenario: Scenario, cast: Cast, arm: Arm, terms: DrillTerms, *, begin: Seconds, seed: int
) -> Company:
    """Put everybody on a stage; prices first, then breakers, liquidation, deleveraging, incentives."""
    batches = LARGE_BATCHES if cast.crowd.count >= LARGE_CROWD else 4
    stage = MemoryStage(
        build_exchange(cast, arm), now=begin, settings=arm.settings(seed=seed, batches=batches)
    )
    settings = drill_settings(cast.symbols, scenario.sources)
    sensing = Sensing(stage, scenario, settings, scale=cast.scale)
    view = FrozenClose(sensing.desk, scenario) if arm.is_close_frozen else Published(sensing.desk)
    stage.hire(
        PriceKeeper(
            view=view,
            venue=stage.venue,
            sender=stage.sender(Role.PRICER.name.lower(), ROLE_TO_ADDRESS[Role.PRICER]),
            journal=stage.journal,
            limits=stage.settings.price,
            metrics=PriceMetrics.create(stage.registry),
            clock=stage.clock,
        )
    )
    stage.monitor.on_rebased(sensing.desk.rebase)
    facts = MemoryFacts(stage)
    panel = None
    if arm.has_breakers:
        panel = open_panel(
            stage, facts, sensing, scenario, cast, hears_rounds=not arm.is_close_frozen
        )
        open_breakers(stage, panel)
    stage.hire(Again(open_liquidations(stage), stage))
    open_deleverages(stage)
    levers = None
    if arm.has_incentives:
        levers = DrillLevers(stage, sensing, scenario, cast, settings, terms)
    acts = Acts(stage, panel)
    clerk = Clerk(stage, acts)
    stage.hire(clerk)
    return Company(
        stage=stage,
        sensing=sensing,
        book=DrillBook(cast, terms, backstop=stage.exchange.state.backstop),
        facts=facts,
        levers=levers,
        acts=acts,
        clerk=clerk,
    )
