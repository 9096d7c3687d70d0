"""The breakers of a drill: the real panel with what it is told of the chain, as the duty puts it together.

What the duty reads from a node is read from the exchange in memory here: roles, limits, money, the largest holder.
Orders, emergency plans and the proof of solvency are not played: nobody gives any.
"""

from collections.abc import Mapping
from typing import Final

from config.breakers import Breakers, load_breakers
from config.calendars import calendar_of, load_calendars
from config.rulebooks import load_rulebooks, rulebook_named
from drills.drill.sensing import Sensing
from drills.drill.setup import Cast
from drills.memory.stage import ROLE_TO_ADDRESS, MemoryStage
from drills.scenario.values import Scenario
from keepers.duties.breaker import LULD_TIERS
from monitors.breakers.backlog import Backlog
from monitors.breakers.panel import BreakerPanel
from monitors.breakers.panel_metrics import PanelMetrics
from monitors.breakers.terms import BreakerRules, Senses, WatchTerms, watchable
from monitors.corporate.wishes import ActionWishes
from risk.book_totals import largest_share
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from venues.exchange.readings import Role

READING_SECONDS: Final = 60
"""Money is added up, and the largest holder looked for, so often."""
STALL_MEMORY: Final = Seconds(60)
"""A stall of the chain counts for so long after it ended, as in `monitors.breakers.chain_watch`."""


class MemoryNotes:
    """Notes of a process that never restarts."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""
        return self._held.get(key)

    def note(self, key: str, value: str) -> None:
        """Remember a text under a key."""
        self._held[key] = value

    def note_all(self, notes: Mapping[str, str]) -> None:
        """Remember several texts."""
        self._held.update(notes)


class MemoryFacts:
    """`SlowFacts` of the panel, read from the exchange in memory."""

    def __init__(self, stage: MemoryStage) -> None:
        self._stage, self._monitor = stage, stage.monitor
        self._limits = dict(stage.exchange.state.limits)
        self._money = stage.exchange.money()
        self._gap = 0
        self._backlog = Backlog(stage.monitor)
        self._shares: dict[MarketId, Ppm] = {}
        self._read_at: Seconds | None = None
        self._stall, self._stalled_at = 0, Seconds(0)

    def look(self, now: Seconds) -> None:
        """Read what is read from time to time. Nobody deposits or withdraws in a drill."""
        if self._read_at is not None and now - self._read_at < READING_SECONDS:
            return
        self._read_at = now
        self._gap = self._money - self._stage.exchange.money()
        book = self._monitor.watch.book
        self._shares = {market: largest_share(book, market) for market in self._monitor.markets}

    def stalled(self, seconds: int, now: Seconds) -> None:
        """Learn that no block came for so long."""
        self._stall, self._stalled_at = seconds, now

    @property
    def roles_changed(self) -> int | None:
        """How many role holders differ from those of the beginning."""
        held = self._stage.exchange.state.roles
        return sum(
            held.get(address, Role.NONE) is not role for role, address in ROLE_TO_ADDRESS.items()
        )

    @property
    def solvency_gap(self) -> int | None:
        """What the exchange lacks to pay everybody, in quote atoms."""
        return self._gap

    @property
    def head_age(self) -> Seconds | None:
        """How long no block came, now or lately."""
        is_late = self._monitor.now - self._stalled_at > STALL_MEMORY
        return Seconds(0 if is_late else self._stall)

    def limits_changed(self, market: MarketId) -> int | None:
        """How many of the owner's limits differ from those of the beginning."""
        now = self._stage.exchange.state.limits
        return sum(
            now.get(key) != limits for key, limits in self._limits.items() if key[0] == market
        )

    def largest_share(self, market: MarketId) -> Ppm | None:
        """Part of the open interest that the largest account holds."""
        return self._shares.get(market)

    def backlog_blocks(self, market: MarketId) -> int | None:
        """For how many seconds a keeper has been waited for while this market may liquidate.

        A block a second, as the rules reckon; a drill's quiet steps are longer than a block.
        """
        since = self._backlog.since(market)
        return 0 if since is None else max(0, self._monitor.now - since[0])

    def insurance_fund(self) -> int | None:
        """The insurance fund in quote atoms."""
        return QuoteAtoms(self._monitor.insurance_fund)


def open_panel(
    stage: MemoryStage,
    facts: MemoryFacts,
    sensing: Sensing,
    scenario: Scenario,
    cast: Cast,
    *,
    hears_rounds: bool,
) -> BreakerPanel:
    """Put the panel together by the rules that ship.

    Where the mark is not the desk's (a frozen close), the venue's own prices stand in for its rounds.
    """
    rules = load_breakers()
    seen, _ = watchable(rules.integrity, has_rounds=hears_rounds, has_books=True, has_halts=True)
    panel = BreakerPanel(
        Senses(
            venue=stage.monitor,
            slow=facts,
            actions=ActionWishes(sensing.desk),
            rounds=sensing.desk if hears_rounds else None,
            books=sensing.books,
            book_symbols=cast.symbols,
            halted=sensing.halts.is_halted,
        ),
        terms=_terms(scenario, cast, rules, stage.settings.breaker.band_tolerance),
        rules=BreakerRules(groups=rules.groups, integrity=seen, windows=rules.windows),
        notes=MemoryNotes(),
        metrics=PanelMetrics.create(stage.registry, symbols=cast.symbols),
    )
    stage.monitor.on_rebased(panel.rebase)
    return panel


def _terms(
    scenario: Scenario, cast: Cast, rules: Breakers, tolerance: Ppm
) -> dict[str, WatchTerms]:
    calendars, rulebooks = load_calendars(), load_rulebooks()
    terms = {}
    for file in cast.files:
        calendar = calendar_of(file.symbol, file.asset_class, calendars)
        name = "static" if calendar is None else calendar.file.rulebook
        terms[file.symbol] = WatchTerms(
            rulebook=rulebook_named(name.replace("-", "_"), rulebooks),
            timeline=scenario.timeline,
            tier=LULD_TIERS[file.luld_tier],
            groups=rules.groups_of(file.symbol, file.asset_class),
            band_tolerance=tolerance,
        )
    return terms
