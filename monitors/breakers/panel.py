"""The breaker panel: every machine of every market, stepped when the venue's clock or a market moved.

It joins the wishes of all machines into what each market ought to be (`risk.precedence`), and says why in
one sentence. It acts on nothing. A status on chain that is stricter than any that we set is somebody
else's: ours to respect, not to undo, until an operator resumes the market. What machines remember is noted whenever it changes in substance, so that a restart opens
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from monitors.breakers import by_hand
from monitors.breakers.facts import FactBook
from monitors.breakers.memory import Notes
from monitors.breakers.panel_metrics import PanelMetrics
from monitors.breakers.panel_notes import PanelNotes
from monitors.breakers.panel_state import (
    Exchange,
    Group,
    MarketPanel,
    Occasion,
    action_wishes,
    explained,
    gate_wishes,
)
from monitors.breakers.rebasing import rebase_panel
from monitors.breakers.terms import (
    EXCHANGE,
    BreakerRules,
    NoOrders,
    Orders,
    Senses,
    WatchTerms,
)
from risk import bands, integrity, market_wide
from risk.band_state import BandDecision, begin
from risk.corporate_prices import Rebase
from risk.emergency_watch import PlanFacts
from risk.integrity import IntegrityDecision
from risk.integrity_facts import ExchangeFacts, MarketFacts
from risk.market import Market
from risk.precedence import (
    BandEdges,
    Machine,
    Wanted,
    Wish,
    after_wishes,
    combined,
    integrity_wish,
    market_wide_wish,
)
from risk.units import MarketId, MarketStatus, Seconds

log = structlog.get_logger(__name__)


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
        self._senses, self._rules, self._metrics = senses, rules, metrics
        self._orders: Orders = orders or NoOrders()
        self._facts = FactBook(senses, terms, rules)
        self._notes = PanelNotes(notes)
        self._panels = {symbol: MarketPanel(terms=each) for symbol, each in terms.items()}
        self._exchange = Exchange(groups={name: Group() for name in rules.groups})
        self._stepped_on: Occasion | None = None
        """Of the last step of what is judged once."""
        self._group_turns = 0
        """How often a group changed what it wants: then every market that follows is stepped."""
        self._facts.remember_closes(self._notes.recall(self._exchange, self._panels))

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
        return MarketStatus.OPEN if panel is None else panel.ownership.own

    def set_by_us(self, market: MarketId, status: MarketStatus) -> None:
        """Learn that this status on chain is ours; a stricter one is somebody else's."""
        panel = self._panels.get(self.markets[market].symbol)
        if panel is not None:
            # Noted with the next step: what a crash loses of it is adopted again.
            panel.ownership = replace(panel.ownership, own=status)

    def rebase(self, market: Market, by: Rebase) -> None:
        """Go on at what prices are worth now that a split ended, or a dividend was paid, on chain."""
        panel = self._panels.get(market.symbol)
        if panel is None:
            return
        self._facts.rebase(market.symbol, by)
        rebase_panel(panel, by)
        self._notes.forget(market.symbol)
        if panel.wanted is not None:
            self._save(market.symbol, panel)
            self._notes.flush()

    # --- for people ------------------------------------------------------------------------------

    def explain(self, symbol: str) -> Mapping[str, object]:
        """Tell a market's machines. KeyError for a market that is not watched."""
        return explained(self._panels[symbol], self._exchange.groups)

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
        """Step what moved: all in a new second and after new orders, else the markets that changed."""
        by_symbol = {market.symbol: market for market in self.markets.values()}
        self._step_groups(by_symbol, now)
        proof = self._senses.proof
        proven = 0 if proof is None else proof.revision
        occasion = (now, self._orders.revision, self._group_turns, proven)
        is_new, self._stepped_on = occasion != self._stepped_on, occasion
        exchange_facts = self._step_exchange(now) if is_new else None
        moved = [
            (panel, market)
            for symbol, panel in self._panels.items()
            if (market := by_symbol.get(symbol)) is not None
            and not market.is_settled
            and panel.stepped_on != (occasion, market)
        ]
        symbol_to_facts = {
            market.symbol: self._facts.market_facts(market, now) for _, market in moved
        }
        if exchange_facts is not None:
            marks = {market.symbol: market.mark for _, market in moved}
            self._orders.observe(
                PlanFacts(markets=symbol_to_facts, exchange=exchange_facts, marks=marks), now
            )
        for panel, market in moved:
            panel.stepped_on = (occasion, market)
            self._step_market(market, panel, symbol_to_facts[market.symbol], now)
        self._notes.flush()

    def _step_groups(self, by_symbol: Mapping[str, Market], now: Seconds) -> None:
        """Step each group in a new second, and when its index market moved within one."""
        if self._senses.rounds is not None:
            self._senses.rounds.play_rounds()
        for name, group in self._exchange.groups.items():
            rules, before = self._rules.groups[name], group.decision
            index = by_symbol.get(rules.index)
            if group.stepped_on == (now, index):
                continue
            group.stepped_on = (now, index)
            of_index = self._facts.market_wide_facts(index, rules.index, now)
            group.state, group.decision = market_wide.step(
                group.state, of_index, now=now, rules=rules
            )
            self._group_turns += before is None or before.status is not group.decision.status

    def _step_exchange(self, now: Seconds) -> ExchangeFacts:
        """Step what is judged once for all markets; give the facts that it was judged by."""
        exchange = self._exchange
        heard = self._orders.heard(EXCHANGE, now, after=exchange.heard)
        exchange.heard = heard.sequence
        facts = self._facts.exchange_facts(now)
        exchange.integrity, exchange.doubt = integrity.step(
            exchange.integrity,
            facts,
            now=now,
            rules=self._rules.integrity,
            released=heard.released,
        )
        self._notes.save_exchange(exchange)
        return facts

    def _step_market(
        self, market: Market, panel: MarketPanel, facts: MarketFacts, now: Seconds
    ) -> None:
        symbol = market.symbol
        heard = self._orders.heard(symbol, now, after=panel.heard)
        panel.heard = heard.sequence
        if heard.is_resumed:
            panel.ownership = by_hand.resumed(panel.ownership, market.status)
        wishes = dict(heard.wishes)
        band_facts = self._facts.band_facts(market, now)
        if band_facts is not None:
            if panel.band is None:
                pause = panel.terms.rulebook.pause.length
                panel.band = begin(panel.ownership.own, now=now, pause=pause)
            panel.band, panel.decision = bands.step(
                panel.band, band_facts, now=now, rules=panel.terms.rulebook
            )
            wishes[Machine.BAND] = _band_wish(panel.decision)
        wishes[Machine.MARKET_WIDE] = self._market_wide_wish(panel)
        wishes |= gate_wishes(self._senses.proof)
        wishes |= action_wishes(self._senses.actions, symbol, is_resumed=heard.is_resumed)
        panel.integrity, doubt = integrity.step(
            panel.integrity, facts, now=now, rules=self._rules.integrity, released=heard.released
        )
        exchange_doubt = self._exchange.doubt
        assert exchange_doubt is not None, "stepped with the first second"
        panel.doubt = integrity.strictest_of(doubt, exchange_doubt)
        wishes[Machine.INTEGRITY] = integrity_wish(
            panel.doubt, mark=market.mark or None, half_width=self._rules.integrity.tighter_band
        )
        wishes[Machine.BY_HAND] = Wish(status=MarketStatus.OPEN, why="not looked at yet")
        panel.standing = after_wishes(panel.standing, wishes)
        ours = combined(panel.standing).status
        panel.ownership = by_hand.looked(panel.ownership, market.status, ours, now)
        theirs = by_hand.wish(panel.ownership)
        panel.standing = after_wishes(panel.standing, {Machine.BY_HAND: theirs})
        before, panel.wanted = panel.wanted, combined(panel.standing)
        self._tell(market, before, panel.wanted, panel.doubt)
        self._save(symbol, panel)

    def _market_wide_wish(self, panel: MarketPanel) -> Wish:
        decisions = {
            name: decision
            for name in panel.terms.groups
            if (decision := self._exchange.groups[name].decision) is not None
        }
        return market_wide_wish(market_wide.strictest_followed(decisions, decisions))

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
            closes_withdrawals=wanted.closes_why or None,
            mark_e8=market.mark,
        )

    def _save(self, symbol: str, panel: MarketPanel) -> None:
        self._notes.save(symbol, panel, self._facts.close_of(symbol))


def _band_wish(decision: BandDecision) -> Wish:
    band = BandEdges(low=decision.band.low, high=decision.band.high)
    return Wish(status=decision.status, band=band, why=decision.why)
