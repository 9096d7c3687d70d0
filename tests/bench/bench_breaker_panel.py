"""What the breaker costs in CPU time with 500 markets, apart from chain, disk and sockets.

All markets follow the shipped rules under limit up / limit down, in the regular session.

- *step*: all machines of all markets, in a new second with a new price of every market.
- *one market*: the same question when one price came within the second.
- *breach*: the step in which an index 4 % below the mark halts all of them at once (its cause halts after
  0 seconds, as in `bench_breaker_reaction`), log lines included.
- *drain*: from that step until the keeper has written all of the halts through a lane that has room for
  eight, told one by one that they were mined. The work of each cycle grows with the number of markets,
  and so does the number of cycles: the ratio of 500 markets to 125 says how much (4 would be linear).
"""

import asyncio
import io
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, Final

from prometheus_client import CollectorRegistry

from config.breakers import load_breakers
from config.rulebooks import load_rulebooks
from keepers.breaker.keeper import BreakerKeeper, BreakerLimits, BreakerParts
from keepers.breaker.metrics import BreakerMetrics
from monitors.breakers.panel import BreakerPanel
from monitors.breakers.panel_metrics import PanelMetrics
from monitors.breakers.terms import BreakerRules, Senses, WatchTerms, watchable
from risk.band_rules import LuldTier
from risk.integrity_rules import Action, Cause, LadderStage
from risk.units import MarketId, MarketStatus, Ppm, PriceE8, Seconds
from runtime.clock import SystemClock
from runtime.logging import configure_logging
from tests.bench.many_markets import (
    BREACHED,
    MARK,
    TIMELINE,
    GoodFacts,
    ManyMarkets,
    Memory,
    NarrowSender,
    WordVenue,
)

MARKETS: Final = 500
FEWER: Final = 125
ROUNDS: Final = 30
WINDOW: Final = 8


class Rig:
    """A panel over many markets, and its keeper."""

    def __init__(self, count: int) -> None:
        self.venue, self.facts, self.memory = ManyMarkets(count), GoodFacts(), Memory()
        registry = CollectorRegistry()
        self.panel = _panel(self.venue, self.facts, self.memory, registry)
        self.sender = NarrowSender(self.venue, window=WINDOW)
        venue: Any = WordVenue()
        self.keeper = BreakerKeeper(
            BreakerParts(
                view=self.panel,
                facts=self.facts,
                venue=venue,
                breaker=None,
                guardian=self.sender,
                journal=self.memory,
                limits=BreakerLimits(
                    band_tolerance=Ppm(2_000), gas=300_000, expiry_seconds=30, retry_seconds=10
                ),
                metrics=BreakerMetrics.create(registry),
                clock=SystemClock(),
            )
        )

    async def drain(self) -> int:
        """Cycle until every market is halted; a write is mined after each cycle. Count the cycles."""
        cycles = 0
        while self.sender.mined < len(self.venue.markets):
            await self.keeper.run_once()
            self.sender.mine()
            cycles += 1
        return cycles


def _panel(
    venue: ManyMarkets, facts: GoodFacts, memory: Memory, registry: CollectorRegistry
) -> BreakerPanel:
    rules, rulebooks = load_breakers(), load_rulebooks()
    seen, _ = watchable(rules.integrity, has_rounds=False, has_books=False, has_halts=True)
    at_once = (LadderStage(after=Seconds(0), action=Action.HALT),)
    cause = Cause.MARK_INDEX_DIVERGENCE
    causes = {**seen.causes, cause: replace(seen.causes[cause], ladder=at_once)}
    return BreakerPanel(
        Senses(venue=venue, slow=facts, halted=lambda _symbol, _now: False),
        terms={
            symbol: WatchTerms(
                rulebook=rulebooks["us_luld"],
                timeline=TIMELINE,
                tier=LuldTier.ONE,
                groups=rules.groups_of(symbol, "stock"),
            )
            for symbol in venue.symbols
        },
        rules=BreakerRules(
            groups=rules.groups, integrity=replace(seen, causes=causes), windows=rules.windows
        ),
        notes=memory,
        # A gauge may have 2,000 series, fewer than 500 markets have stages; nobody shows any here.
        metrics=PanelMetrics.create(registry, symbols=venue.symbols[:1]),
    )


def run() -> dict[str, float]:
    """Measure; name → number, the unit in the name."""
    configure_logging(stream=io.StringIO(), as_json=True)
    try:
        return _quiet() | _breached()
    finally:
        configure_logging()


def _quiet() -> dict[str, float]:
    rig = Rig(MARKETS)
    steps, singles = [], []
    for number in range(ROUNDS):
        rig.venue.tick(breath_ppm=number % 7 * 100)
        steps.append(_cpu_ms(rig.panel.wanted))
        market = MarketId(number)
        rig.venue.tell(market, PriceE8(MARK + number), PriceE8(MARK + number))
        singles.append(_cpu_ms(rig.panel.wanted))
    # The first step makes the machines.
    return {
        "breaker_step_500_cpu_ms": median(steps[1:]),
        "breaker_step_500_one_market_cpu_ms": median(singles[1:]),
    }


def _breached() -> dict[str, float]:
    spent, steps, figures = {}, [], {}
    for count in (FEWER, MARKETS):
        rig = Rig(count)
        for _ in range(3):
            rig.venue.tick()
            rig.panel.wanted()
        before = rig.memory.writes
        rig.venue.tick(index=BREACHED)
        steps.append(_cpu_ms(rig.panel.wanted))
        figures = {"breaker_breach_500_notes": float(rig.memory.writes - before)}
        began = time.process_time()
        cycles = asyncio.run(rig.drain())
        spent[count] = (time.process_time() - began) * 1_000
        assert cycles == count, f"expected a cycle for each of {count} writes, found {cycles}"
        assert {each.status for each in rig.venue.markets.values()} == {MarketStatus.HALTED}
        figures["breaker_drain_500_notes"] = float(rig.memory.writes - before)
    return figures | {
        "breaker_breach_500_cpu_ms": steps[-1],
        "breaker_drain_500_cpu_ms": spent[MARKETS],
        "breaker_drain_500_over_125_ratio": spent[MARKETS] / spent[FEWER],
    }


def _cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1_000


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
