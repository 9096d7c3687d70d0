"""The breaker panel: every machine of every market, stepped when the venue's clock or a market moved.

It joins the wishes of all machines into what each market ought to be (`risk.precedence`), and says why in
one sentence. It acts on nothing. A status on chain that is stricter than any that we set is somebody
else's, and is taken for an operator's: ours to respect, not to undo. What machines remember is noted
whenever it changes in substance, so that a restart opens nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from monitors.breakers.facts import FactBook
from monitors.breakers.memory import (
    ExchangeMemory,
    MarketMemory,
    exchange_text,
    market_text,
    read_exchange,
    read_market,
)
from monitors.breakers.panel_metrics import PanelMetrics
from monitors.breakers.terms import BreakerRules, Senses, WatchTerms
from risk import bands, integrity, market_wide
from risk.band_state import BandDecision, BandState, begin
from risk.integrity import UNDOUBTED, IntegrityDecision, IntegrityState
from risk.integrity_rules import Cause
from risk.market import Market
from risk.market_wide import MarketWideDecision, MarketWideState
from risk.precedence import (
    SILENCE,
    BandEdges,
    Machine,
    Standing,
    Wanted,
    Wish,
    after_foreign_status,
    after_wishes,
    combined,
    integrity_wish,
    market_wide_wish,
)
from risk.units import MarketId, MarketStatus, Seconds

EXCHANGE_KEY: Final = "breaker"
NO_CAUSES: Final[frozenset[Cause]] = frozenset()

log = structlog.get_logger(__name__)


class Notes(Protocol):
    """Where texts survive a restart."""

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""

    def note(self, key: str, value: str) -> None:
        """Remember a text under a key."""


class Orders(Protocol):
    """What operators ordered, and the emergency plans that run."""

    def wishes(self, market: Market, now: Seconds) -> Mapping[Machine, Wish]:
        """Give the wishes of operator and emergency plans; a machine without an order is left out."""

    def released(self, symbol: str, now: Seconds) -> frozenset[Cause]:
        """Name the causes that an operator lets go in this market now."""


class NoOrders:
    """`Orders` of nobody."""

    def wishes(self, market: Market, now: Seconds) -> Mapping[Machine, Wish]:  # noqa: ARG002
        """Give none."""
        return {}

    def released(self, symbol: str, now: Seconds) -> frozenset[Cause]:  # noqa: ARG002
        """Name none."""
        return NO_CAUSES


@dataclass(slots=True)
class _Panel:
    """One market's machines."""

    terms: WatchTerms
    band: BandState | None = None
    integrity: IntegrityState = UNDOUBTED
    standing: Standing = SILENCE
    own_status: MarketStatus = MarketStatus.OPEN
    """The status that we set last; a stricter one on chain is somebody else's."""
    wanted: Wanted | None = None
    decision: BandDecision | None = None
    doubt: IntegrityDecision | None = None
    saved: tuple[object, ...] = ()
    stepped_on: tuple[Seconds, Market] | None = None
    """Time and state of the market in the last step."""


@dataclass(slots=True)
class _Group:
    """One group of the market-wide breaker."""

    state: MarketWideState = field(default_factory=MarketWideState)
    decision: MarketWideDecision | None = None


class BreakerPanel:
    """Know what every watched market ought to be now, and why."""

    def __init__(
        self,
        senses: Senses,
        *,
        terms: Mapping[str, WatchTerms],
        rules: BreakerRules,
        notes: Notes,
        metrics: PanelMetrics,
        orders: Orders | None = None,
    ) -> None:
        self._senses, self._rules, self._notes = senses, rules, notes
        self._metrics = metrics
        self._orders: Orders = orders or NoOrders()
        self._facts = FactBook(senses, terms, rules)
        self._panels = {symbol: _Panel(terms=each) for symbol, each in terms.items()}
        self._groups = {name: _Group() for name in rules.groups}
        self._integrity: IntegrityState = UNDOUBTED
        self._exchange: IntegrityDecision | None = None
        self._stepped_at: Seconds | None = None
        self._saved_exchange: tuple[object, ...] = ()
        self._recall()

    # --- for the keeper --------------------------------------------------------------------------

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""
        return self._senses.venue.distrust

    @property
    def now(self) -> Seconds:
        """The venue's clock."""
        return self._senses.venue.now

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""
        return self._senses.venue.markets

    @property
    def applied_block(self) -> int:
        """The newest block of which anything was applied."""
        return self._senses.venue.applied_block

    def wanted(self) -> Mapping[MarketId, Wanted]:
        """Give what each watched market ought to be; the machines are stepped when the clock moved."""
        self._step(self.now)
        return {
            market.id: panel.wanted
            for market in self.markets.values()
            if (panel := self._panels.get(market.symbol)) is not None and panel.wanted is not None
        }

    def own_status(self, market: MarketId) -> MarketStatus:
        """Give the status that we set last; OPEN before we set any."""
        panel = self._panels.get(self.markets[market].symbol)
        return MarketStatus.OPEN if panel is None else panel.own_status

    def set_by_us(self, market: MarketId, status: MarketStatus) -> None:
        """Learn that this status on chain is ours; a stricter one is somebody else's."""
        panel = self._panels.get(self.markets[market].symbol)
        if panel is not None:
            panel.own_status = status
            self._save(self.markets[market].symbol, panel)

    # --- for people ------------------------------------------------------------------------------

    def explain(self, symbol: str) -> Mapping[str, object]:
        """Tell a market's machines. KeyError for a market that is not watched."""
        panel = self._panels[symbol]
        if panel.wanted is None:
            return {"why": "no step was made yet"}
        wanted, decision = panel.wanted, panel.decision
        groups = {name: self._groups[name].decision for name in panel.terms.groups}
        return {
            "wanted_status": wanted.status.name.lower(),
            "wanted_band_e8": None if wanted.band is None else [wanted.band.low, wanted.band.high],
            "closes_withdrawals": wanted.closes_withdrawals,
            "by": None if wanted.by is None else wanted.by.value,
            "why": wanted.why,
            "band_stage": None if decision is None else decision.stage.value,
            "wishes": {
                machine.value: {"status": wish.status.name.lower(), "why": wish.why}
                for machine, wish in panel.standing.wishes.items()
            },
            "causes": []
            if panel.doubt is None
            else [
                {"cause": each.cause.value, "action": each.action.name.lower(), "why": each.why}
                for each in panel.doubt.causes
            ],
            "groups": {name: None if each is None else each.why for name, each in groups.items()},
        }

    @property
    def symbols(self) -> Sequence[str]:
        """The markets that are watched."""
        return tuple(self._panels)

    def show(self) -> None:
        """Set the gauges."""
        for market in self.markets.values():
            panel = self._panels.get(market.symbol)
            if panel is not None and panel.wanted is not None and panel.decision is not None:
                since = None if panel.band is None else panel.band.since
                self._metrics.show(market, panel.wanted, panel.decision, since, self.now)

    # --- the step --------------------------------------------------------------------------------

    def _step(self, now: Seconds) -> None:
        by_symbol = {market.symbol: market for market in self.markets.values()}
        if now != self._stepped_at:
            self._stepped_at = now
            self._step_exchange(by_symbol, now)
        assert self._exchange is not None, "stepped with the first second"
        for symbol, panel in self._panels.items():
            market = by_symbol.get(symbol)
            if market is None or market.is_settled or panel.stepped_on == (now, market):
                continue
            panel.stepped_on = (now, market)
            self._step_market(market, panel, self._exchange, now)

    def _step_exchange(self, by_symbol: Mapping[str, Market], now: Seconds) -> None:
        """Step what is judged once for all markets, once in a second."""
        if self._senses.rounds is not None:
            self._senses.rounds.play_rounds()
        for name, group in self._groups.items():
            rules = self._rules.groups[name]
            facts = self._facts.market_wide_facts(by_symbol.get(rules.index), rules.index, now)
            group.state, group.decision = market_wide.step(group.state, facts, now=now, rules=rules)
        self._integrity, self._exchange = integrity.step(
            self._integrity,
            self._facts.exchange_facts(now),
            now=now,
            rules=self._rules.integrity,
            released=self._orders.released("", now),
        )
        self._save_exchange()

    def _step_market(
        self, market: Market, panel: _Panel, exchange: IntegrityDecision, now: Seconds
    ) -> None:
        symbol = market.symbol
        if market.status > panel.own_status:
            panel.standing = after_foreign_status(
                panel.standing,
                market.status,
                f"somebody else set {market.status.name} on chain: `bellkeeper resume` lifts it",
            )
        wishes = dict(self._orders.wishes(market, now))
        facts = self._facts.band_facts(market, now)
        if facts is not None:
            if panel.band is None:
                pause = panel.terms.rulebook.pause.length
                panel.band = begin(panel.own_status, now=now, pause=pause)
            panel.band, panel.decision = bands.step(
                panel.band, facts, now=now, rules=panel.terms.rulebook
            )
            wishes[Machine.BAND] = _band_wish(panel.decision)
        decisions = {
            name: decision
            for name in panel.terms.groups
            if (decision := self._groups[name].decision) is not None
        }
        followed = market_wide.strictest_followed(decisions, decisions)
        wishes[Machine.MARKET_WIDE] = market_wide_wish(followed)
        panel.integrity, doubt = integrity.step(
            panel.integrity,
            self._facts.market_facts(market, now),
            now=now,
            rules=self._rules.integrity,
            released=self._orders.released(symbol, now),
        )
        panel.doubt = integrity.strictest_of(doubt, exchange)
        wishes[Machine.INTEGRITY] = integrity_wish(
            panel.doubt, mark=market.mark or None, half_width=self._rules.integrity.tighter_band
        )
        panel.standing = after_wishes(panel.standing, wishes)
        before, panel.wanted = panel.wanted, combined(panel.standing)
        self._tell(market, before, panel.wanted, panel.doubt)
        self._save(symbol, panel)

    def _tell(
        self, market: Market, before: Wanted | None, wanted: Wanted, doubt: IntegrityDecision
    ) -> None:
        """Say once, in one sentence, what a market ought to be from now on."""
        is_same = before is not None and (before.status, before.by, before.closes_withdrawals) == (
            wanted.status,
            wanted.by,
            wanted.closes_withdrawals,
        )
        if is_same:
            return
        was = MarketStatus.OPEN if before is None else before.status
        if wanted.status > was:
            self._metrics.count_trip(market.symbol, wanted, doubt)
        level = log.warning if wanted.status > MarketStatus.OPEN else log.info
        level(
            "breaker_wants",
            market=market.symbol,
            status=wanted.status.name.lower(),
            by=None if wanted.by is None else wanted.by.value,
            why=wanted.why,
            mark_e8=market.mark,
        )

    # --- over restarts ---------------------------------------------------------------------------

    def _recall(self) -> None:
        text = self._notes.noted(EXCHANGE_KEY)
        memory = None if text is None else read_exchange(text)
        if memory is not None:
            self._integrity = memory.integrity
            for name, state in memory.groups.items():
                if name in self._groups:
                    self._groups[name].state = state
        closes = {}
        for symbol, panel in self._panels.items():
            text = self._notes.noted(_key(symbol))
            known = None if text is None else read_market(text)
            if known is None:
                continue
            panel.band, panel.integrity, panel.standing = (
                known.band,
                known.integrity,
                known.standing,
            )
            panel.own_status = MarketStatus(known.own_status)
            closes[symbol] = known.previous_close
        self._facts.remember_closes(closes)

    def _save(self, symbol: str, panel: _Panel) -> None:
        close = self._facts.closes().get(symbol, 0)
        substance = (
            None if panel.band is None else (panel.band.stage, panel.band.pause_ends),
            tuple((machine, wish.status) for machine, wish in panel.standing.wishes.items()),
            tuple((cause, state.action) for cause, state in panel.integrity.causes.items()),
            panel.own_status,
            close,
        )
        if substance == panel.saved:
            return
        panel.saved = substance
        memory = MarketMemory(
            band=panel.band,
            integrity=panel.integrity,
            standing=panel.standing,
            own_status=panel.own_status,
            previous_close=close,
        )
        self._notes.note(_key(symbol), market_text(memory))

    def _save_exchange(self) -> None:
        substance = (
            tuple((group.state.phase, group.state.used) for group in self._groups.values()),
            tuple((cause, state.action) for cause, state in self._integrity.causes.items()),
        )
        if substance == self._saved_exchange:
            return
        self._saved_exchange = substance
        memory = ExchangeMemory(
            groups={name: group.state for name, group in self._groups.items()},
            integrity=self._integrity,
        )
        self._notes.note(EXCHANGE_KEY, exchange_text(memory))


def _band_wish(decision: BandDecision) -> Wish:
    band = BandEdges(low=decision.band.low, high=decision.band.high)
    return Wish(status=decision.status, band=band, why=decision.why)


def _key(symbol: str) -> str:
    return f"{EXCHANGE_KEY}/{symbol}"
