"""The corporate desk: where each action of each market stands, one step a second of the venue's clock.

It joins what is told and ordered with what the chain says at one sealed block, has the machine of
`risk.corporate_market` step, and writes the outcome down before anybody can act on it. It halts nobody
and writes to no chain itself: what a market should have is its wish (the breaker panel asks), what should
be written is the keeper's to send.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from monitors.corporate.desk_metrics import ActionMetrics
from monitors.corporate.facts import FactFinder, outside_price
from monitors.corporate.memory import ActionMemory
from monitors.corporate.sums import Survey
from monitors.prices.explanation import PlayedRound
from risk.corporate_market import NOTHING, MarketDecision, step_market
from risk.corporate_rules import CorporateRules
from risk.corporate_state import ActionDecision, ActionState, MarketActions, Stage, VenueFacts
from risk.corporate_values import Effect, Ratio
from risk.market import Market
from risk.precedence import Wish
from risk.split_suspicion import Suspicion
from risk.units import MarketId, MarketStatus, PriceE8, QuoteAtoms, Seconds

HOLDING: Final = frozenset({Stage.HALTED, Stage.UNDOING})
"""Stages in which sources may be on one basis and the venue on the other: no price is made."""

log = structlog.get_logger(__name__)


class Venue(Protocol):
    """The venue as the feed tells it."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""


class Prices(Protocol):
    """Who plays the rounds of prices."""

    def play_rounds(self) -> None:
        """Play every market's round, unless it was played in this second."""

    def last_round(self, symbol: str) -> PlayedRound | None:
        """Give a market's last round."""

    def suspicion(self, symbol: str) -> Suspicion | None:
        """Give the split that a market's sources look like, and nobody announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """A market at one sealed block, and what was sent there."""

    market: Market
    epoch: int
    insurance_fund: QuoteAtoms
    is_write_in_flight: bool
    refusal: str | None
    """Why the exchange would refuse the write that was wanted last; None: it would not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsWanted:
    """At which price the book must be walked, and for which split."""

    price: PriceE8
    ratio: Ratio | None


@dataclass(slots=True)
class _Seat:
    """One market at the desk."""

    actions: MarketActions
    decision: MarketDecision | None = None
    stepped_on: tuple[Seconds, int] | None = None
    said: dict[str, tuple[Stage, str, bool]] = field(default_factory=dict)
    """What was last said of each action."""


class ActionDesk:
    """Know where every corporate action stands, and what it wants of its market."""

    def __init__(
        self,
        *,
        venue: Venue,
        prices: Prices,
        facts: FactFinder,
        memory: ActionMemory,
        rules: CorporateRules,
        symbols: Sequence[str],
        followed: Mapping[str, str],
        metrics: ActionMetrics,
    ) -> None:
        """Go on where an earlier life left off; OperatorError for notes of another make.

        `followed` names markets whose sources follow another symbol.
        """
        self._venue, self._prices, self._facts, self._memory = venue, prices, facts, memory
        self._rules, self._followed, self._metrics = rules, dict(followed), metrics
        self._seats = {symbol: _Seat(memory.recall(symbol)) for symbol in symbols}
        self._turn = 0

    # --- for the keeper --------------------------------------------------------------------------

    def to_step(self) -> list[Market]:
        """Name the markets that were not judged since the second, the files or a write moved."""
        occasion = self._occasion()
        return [
            market
            for market in self._venue.markets.values()
            if (seat := self._seats.get(market.symbol)) is not None
            and seat.stepped_on != occasion
            and (seat.actions.states or self._facts.heard(market.symbol, self._venue.now))
        ]

    def again(self) -> None:
        """Judge again within the second: a write of ours has landed."""
        self._turn += 1

    def active(self, symbol: str) -> ActionState | None:
        """Give the action that a market is busy with, or None."""
        return self._seats[symbol].actions.active

    def sums_wanted(self, symbol: str) -> SumsWanted | None:
        """Say at which price the machine wants a market's sums; None: it does not want them."""
        seat, active = self._seats[symbol], self.active(symbol)
        if active is None or active.action is None or seat.decision is None:
            return None
        decision = seat.decision.decisions.get(active.key)
        if decision is None or decision.value_at is None:
            return None
        is_before = active.stage is Stage.HALTED and active.action.effect is Effect.RESCALE
        ratio = active.action.ratio if is_before else None
        return SumsWanted(price=decision.value_at, ratio=ratio)

    def step(
        self, market: Market, chain: ChainView | None, sums: Survey | None
    ) -> ActionDecision | None:
        """Advance a market's actions; give the one decision that has something to write.

        Without `chain` the feed's word stands in: enough for actions that restrict nobody yet. What was
        decided is durable before this returns.
        """
        symbol, now = market.symbol, self._venue.now
        self._prices.play_rounds()
        seat = self._seats[symbol]
        seat.stepped_on = self._occasion()
        before = seat.actions
        seat.actions, seat.decision = step_market(
            before,
            self._facts.heard(symbol, now),
            self._venue_facts(market, chain, sums),
            now=now,
            rules=self._rules,
        )
        self._memory.save(symbol, seat.actions)
        self._tell(symbol, before, seat)
        return next(
            (each for each in seat.decision.decisions.values() if each.write is not None), None
        )

    # --- for the breaker panel and the price desk ------------------------------------------------

    def wish(self, symbol: str) -> Wish | None:
        """Give what a market's actions want; None before they were judged."""
        seat = self._seats.get(symbol)
        if seat is None or seat.decision is None:
            return None if seat is not None and seat.actions.states else _wish(NOTHING)
        return _wish(seat.decision)

    def holds_price(self, symbol: str) -> str | None:
        """Tell why no price may be made: the sources' basis and the venue's may differ. None: one may."""
        state = self._holding(symbol)
        return (
            None
            if state is None
            else f"{state.key} is {state.stage}: prices may be of either basis"
        )

    def ratio_ahead(self, symbol: str) -> Ratio | None:
        """Give the ratio by which a market's sources may move now."""
        state = self._holding(symbol)
        if state is None:
            return None
        if state.action is not None:
            return state.action.ratio
        heard = self._facts.heard(symbol, self._venue.now).get(state.key)
        told = () if heard is None else heard.agreement.told
        return next((each.ratio for each in told if each.ratio is not None), None)

    # --- for people ------------------------------------------------------------------------------

    def explain(self) -> Mapping[str, object]:
        """Tell every action that is known of, and where it stands."""
        told: dict[str, object] = {}
        for symbol, seat in self._seats.items():
            decisions = {} if seat.decision is None else seat.decision.decisions
            for key, state in seat.actions.states.items():
                decision = decisions.get(key)
                told[key] = {
                    "market": symbol,
                    "stage": state.stage.value,
                    "since_seconds": state.since,
                    "terms": None if state.action is None else str(state.action),
                    "is_held": state.is_held,
                    "is_alarm": decision is not None and decision.is_alarm,
                    "why": None if decision is None else decision.why,
                    "inverse": None if decision is None else decision.inverse,
                }
        return told

    def show(self) -> None:
        """Set the gauges."""
        counts = dict.fromkeys(Stage, 0)
        for symbol, seat in self._seats.items():
            active = seat.actions.active
            self._metrics.show_market(
                symbol,
                None if active is None else active.stage,
                is_alarm=any(alarm for _, _, alarm in seat.said.values()),
            )
            for state in seat.actions.states.values():
                counts[state.stage] += 1
        self._metrics.show_counts(counts)

    # --- within ----------------------------------------------------------------------------------

    def _occasion(self) -> tuple[Seconds, int]:
        return self._venue.now, self._facts.revision + self._turn

    def _holding(self, symbol: str) -> ActionState | None:
        seat = self._seats.get(symbol)
        if seat is None:
            return None
        states = seat.actions.states.values()
        return next((each for each in states if each.stage in HOLDING or each.is_held), None)

    def _venue_facts(
        self, market: Market, chain: ChainView | None, sums: Survey | None
    ) -> VenueFacts:
        symbol = market.symbol
        seen = market if chain is None else chain.market
        return VenueFacts(
            status=seen.status,
            is_splitting=seen.is_splitting,
            mark=seen.mark,
            epoch=0 if chain is None else chain.epoch,
            followed_symbol=self._followed.get(symbol, symbol),
            outside=outside_price(self._prices.last_round(symbol)),
            totals=None if sums is None else sums.totals,
            open_accounts=() if sums is None else sums.holders,
            indebted=() if sums is None else sums.indebted,
            insurance_fund=QuoteAtoms(0) if chain is None else chain.insurance_fund,
            refusal=None if chain is None else chain.refusal,
            is_write_in_flight=chain is not None and chain.is_write_in_flight,
        )

    def _tell(self, symbol: str, before: MarketActions, seat: _Seat) -> None:
        """Say each change of a stage, and each alarm, once."""
        decisions = {} if seat.decision is None else seat.decision.decisions
        said: dict[str, tuple[Stage, str, bool]] = {}
        for key, decision in decisions.items():
            why = decision.why if decision.is_alarm else ""
            said[key] = (decision.stage, why, decision.is_alarm)
            if seat.said.get(key) == said[key]:
                continue
            was = before.states.get(key)
            if was is None or was.stage is not decision.stage:
                self._metrics.count(decision.stage)
            if decision.is_alarm:
                self._metrics.alarms.labels(symbol).inc()
                is_wrong = decision.stage is Stage.FIRST_PRICE
                self._metrics.differences.labels(symbol).inc(is_wrong)
            level = log.error if decision.is_alarm else log.warning
            level(
                "corporate_action",
                market=symbol,
                action=key,
                stage=decision.stage.value,
                why=decision.why,
                inverse=decision.inverse,
            )
        seat.said = said


def _wish(decision: MarketDecision) -> Wish:
    # An ended market is settled on chain: nothing is to be wished of it.
    return Wish(status=min(decision.status, MarketStatus.HALTED), why=decision.why)
