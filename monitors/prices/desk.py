"""The price desk: plays each market's round, once in every second of the venue's clock.

It joins what was said (sources, book, participants, halts, operators) with the session and hands it
to the judge, `risk.price_round`; what comes out are the fair prices that the keeper publishes. After a
restart a market goes on from the index that the venue holds, and from what an earlier life wrote
down of the discovery bound if no outside market has traded since.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from monitors.participants.store import Reopening
from monitors.prices.conditions import CONDITIONS, conditions_of
from monitors.prices.desk_metrics import DeskMetrics
from monitors.prices.explanation import PlayedRound, explanation
from monitors.prices.inputs import Actions, MarketTerms, NoActions, PriceInputs, VenueState
from monitors.prices.resumption import Earlier, resumed
from monitors.prices.split_watch import SplitWatch
from risk.corporate_prices import Rebase, rebased_round
from risk.jump_guard import JumpState
from risk.mark_price import BookPrices, Mode, rebased
from risk.market import Market
from risk.price_publication import FairPrice
from risk.price_round import RoundInputs, RoundState, price_round
from risk.price_support import Rung
from risk.session_check import reconciled
from risk.sessions import Session
from risk.source_validity import FRESH_MEMORY, distrust
from risk.split_suspicion import Suspicion, SuspicionRules
from risk.units import MarketId, PriceE8, Seconds, div_floor

MICROS_PER_SECOND: Final = 10**6
PRICE_SCALE: Final = 10**8

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Seat:
    """One market at the desk."""

    terms: MarketTerms
    state: RoundState = field(default_factory=RoundState)
    played: PlayedRound | None = None
    splits: SplitWatch
    was_splitting: bool = False
    conditions: tuple[object, ...] | None = None
    """What was last said of it."""


class PriceDesk:
    """Know the fair price of every market that has one, and why; a keeper's `PriceView`."""

    def __init__(
        self,
        *,
        venue: VenueState,
        terms: Mapping[str, MarketTerms],
        inputs: PriceInputs,
        metrics: DeskMetrics,
        earlier: Mapping[str, Earlier] | None = None,
        suspicion: SuspicionRules = SuspicionRules(),  # noqa: B008 - frozen
    ) -> None:
        self._venue = venue
        self._inputs = inputs
        self._metrics = metrics
        self._earlier = dict(earlier or {})
        self._seats = {
            symbol: _Seat(terms=each, splits=SplitWatch(suspicion, each.timeline))
            for symbol, each in terms.items()
        }
        self._actions: Actions = NoActions()
        self._rung_listeners: list[Callable[[str, Rung], None]] = []

    # --- for the keeper --------------------------------------------------------------------------

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""
        return self._venue.distrust

    @property
    def now(self) -> Seconds:
        """The venue's clock."""
        return self._venue.now

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""
        return self._venue.markets

    def fair_prices(self) -> Sequence[FairPrice]:
        """Give the prices as they ought to be now; a round is played when the clock has moved."""
        now, prices, halted = self._venue.now, [], self._halted()
        for market in self._venue.markets.values():
            seat = self._seats.get(market.symbol)
            if seat is None:
                continue
            if seat.played is None or seat.played.now != now:
                self._play(market, seat, now, is_halted=market.symbol in halted)
            price = _fair_price(market, seat.played)
            if price is not None:
                prices.append(price)
        return prices

    def why(self, market: MarketId) -> Mapping[str, object]:
        """Tell what made a market's price in its last round. KeyError for one not priced here."""
        return self.explain(self._venue.markets[market].symbol)

    # --- for people and other duties -------------------------------------------------------------

    def explain(self, symbol: str) -> Mapping[str, object]:
        """Tell a market's last round. KeyError for a market that is not priced here."""
        seat = self._seats[symbol]
        if seat.played is None:
            return {"why": "no round was played yet"}
        return explanation(seat.played, seat.terms.rules)

    def play_rounds(self) -> None:
        """Play every market's round, unless it was played in this second."""
        self.fair_prices()

    def last_round(self, symbol: str) -> PlayedRound | None:
        """Give a market's last round, None for one that is not priced here or was never played."""
        seat = self._seats.get(symbol)
        return None if seat is None else seat.played

    def summary(self, symbol: str) -> str:
        """Tell a market's last round in a few words. KeyError for one that is not priced here."""
        played = self._seats[symbol].played
        result = None if played is None else played.outcome.result
        if played is None or result is None:
            return "no price yet"
        return (
            f"{result.mark / PRICE_SCALE:.4f} USD, {played.outcome.rung.name.lower()},"
            f" {result.mode.value}: {result.why}"
        )

    def index(self, symbol: str) -> PriceE8 | None:
        """Give the index of a market's last round, None before the first."""
        seat = self._seats.get(symbol)
        result = None if seat is None or seat.played is None else seat.played.outcome.result
        return None if result is None else result.index

    @property
    def symbols(self) -> Sequence[str]:
        """The markets that are priced here."""
        return tuple(self._seats)

    def reduce_only_wanted(self) -> frozenset[str]:
        """Name the markets whose price is so badly supported that nobody should take new risk."""
        return frozenset(
            symbol
            for symbol, seat in self._seats.items()
            if seat.played is not None and seat.played.outcome.rung >= Rung.REDUCE_ONLY
        )

    def on_rung(self, listener: Callable[[str, Rung], None]) -> None:
        """Call `listener` with a market's symbol whenever its support changes."""
        self._rung_listeners.append(listener)

    def missing_markets(self) -> tuple[str, ...]:
        """Name the markets that are priced here and that the venue does not list."""
        listed = {market.symbol for market in self._venue.markets.values()}
        return tuple(sorted(set(self._seats) - listed))

    def show(self) -> None:
        """Set the gauges; called from time to time, so that the rounds do not pay for them."""
        now = self._venue.now
        for symbol, seat in self._seats.items():
            if seat.played is not None:
                timeline = seat.terms.timeline
                border = None if timeline is None else timeline.next_boundary(now)
                self._metrics.show(symbol, seat.played, seat.terms.rules, border)
        halts = self._inputs.halts
        if halts is not None:
            self._metrics.show_halts(halts.age_seconds())

    # --- splits and dividends --------------------------------------------------------------------

    def follow_actions(self, actions: Actions) -> None:
        """Ask here which markets are busy with a corporate action, from now on."""
        self._actions = actions

    def rebase(self, market: Market, by: Rebase) -> None:
        """Go on at what prices are worth now that a split ended, or a dividend was paid, on chain."""
        self._earlier.pop(market.symbol, None)
        seat = self._seats.get(market.symbol)
        if seat is None:
            return
        seat.splits.rebase()
        seat.played, seat.was_splitting = None, False
        try:
            seat.state = rebased_round(seat.state, by)
        except ValueError as error:
            log.error("price_begun_anew", market=market.symbol, why=str(error))  # noqa: TRY400 - said once
            seat.state = _anew(seat.state, market.index, self._venue.now)

    def suspicion(self, symbol: str) -> Suspicion | None:
        """Give the split that a market's sources look like, and nobody announced; None: they do not."""
        seat = self._seats.get(symbol)
        return None if seat is None else seat.splits.suspicion

    def lift_suspicion(self, symbol: str) -> None:
        """Believe a market's sources again, as an operator ordered."""
        seat = self._seats.get(symbol)
        if seat is not None and seat.splits.lift():
            memories = {
                source: replace(memory, price=None)
                for source, memory in seat.state.memories.items()
            }
            seat.state = replace(seat.state, memories=memories)
            log.warning("split_suspicion_lifted", market=symbol)

    def held_back(self, symbol: str) -> str | None:
        """Tell why no price of a market is made now, though its sources are heard; None: one is."""
        suspicion = self.suspicion(symbol)
        return self._actions.holds_price(symbol) if suspicion is None else suspicion.why

    def _look_for_splits(
        self, market: Market, seat: _Seat, inputs: RoundInputs, now: Seconds
    ) -> None:
        if market.is_splitting or market.is_settled:
            return
        if inputs.word is not None:
            self.lift_suspicion(market.symbol)
        sources, memories = seat.terms.rules.sources, seat.state.memories
        fresh = [
            report
            for report in inputs.reports
            if report.price > 0
            and 0 <= now - report.observed_at <= sources[report.source].rules.max_age
            # The last price from before a split may be repeated until the first one after it.
            and report.price != memories.get(report.source, FRESH_MEMORY).distrusted
        ]
        found = seat.splits.look(
            fresh,
            held=market.index,
            held_at=market.price_timestamp,
            now=now,
            expected=self._actions.ratio_ahead(market.symbol),
        )
        if found is not None:
            self._metrics.suspicions.labels(market.symbol).inc()
            log.error("split_suspected", market=market.symbol, why=found.why)

    # --- within ----------------------------------------------------------------------------------

    def _halted(self) -> Collection[str]:
        halts = self._inputs.halts
        return () if halts is None else halts.halted(self._venue.now)

    def _play(self, market: Market, seat: _Seat, now: Seconds, *, is_halted: bool) -> None:
        symbol = market.symbol
        if seat.state.mark is None and market.index:
            timeline, earlier = seat.terms.timeline, self._earlier.pop(symbol, None)
            bound = seat.terms.rules.mark.bound
            seat.state = resumed(seat.state, market, earlier, timeline, now, bound)
        if seat.was_splitting and not market.is_splitting:
            # A split whose end was not told: the feed was away, and a snapshot tells no ratio.
            seat.state = _anew(seat.state, market.index, now)
            seat.splits.rebase()
            log.warning("price_begun_anew_after_split", market=symbol, index_e8=market.index)
        seat.was_splitting = market.is_splitting
        inputs, calendar, is_disputed = self._gather(symbol, seat.terms, now, is_halted=is_halted)
        self._look_for_splits(market, seat, inputs, now)
        before = seat.state
        seat.state, outcome = price_round(before, inputs, now=now, rules=seat.terms.rules)
        if self.held_back(symbol) is not None:
            # Sources are listened to, and no price is made: it could be of either basis.
            seat.state = replace(before, memories=seat.state.memories)
            outcome = replace(outcome, result=None)
        seat.played = PlayedRound(
            now=now,
            calendar_session=calendar,
            is_disputed=is_disputed,
            inputs=inputs,
            bound_rules=seat.terms.rules.mark.bound,
            state=seat.state,
            outcome=outcome,
        )
        self._metrics.count(symbol, outcome)
        self._tell_changes(symbol, seat, seat.played)
        self._tell_reopening(symbol, before, seat.played)

    def _gather(
        self, symbol: str, terms: MarketTerms, now: Seconds, *, is_halted: bool
    ) -> tuple[RoundInputs, Session, bool]:
        given, timeline = self._inputs, terms.timeline
        reports = given.reports.reports(symbol)
        calendar = Session.UNKNOWN if timeline is None else timeline.session_at(now)
        border = None if timeline is None else timeline.last_boundary(now)
        since = None if border is None else Seconds(now - border.start)
        told = [
            report.session
            for report in reports
            if report.session is not None
            and report.source in terms.session_sources
            and now - div_floor(report.order, MICROS_PER_SECOND) <= terms.session_max_age
        ]
        lock = terms.rules.mark.transition_lock
        session, is_disputed = reconciled(
            calendar, told, is_settling=_is_settling(terms, now, since, lock)
        )
        inputs = RoundInputs(
            reports=reports,
            session=session,
            book=BookPrices() if given.books is None else given.books.prices(symbol, now),
            participants=None
            if given.participants is None
            else given.participants.standing_price(symbol),
            is_underlying_halted=is_halted,
            seconds_since_boundary=since,
            word=None if given.words is None else given.words.word(symbol, now),
        )
        return inputs, calendar, is_disputed

    def _tell_changes(self, symbol: str, seat: _Seat, played: PlayedRound) -> None:
        """Log what somebody on call would want to find: changes of session, mode, support."""
        conditions, before = conditions_of(played), seat.conditions
        if conditions == before:
            return
        seat.conditions = conditions
        changed = {
            name: value
            for place, (name, value) in enumerate(zip(CONDITIONS, conditions, strict=True))
            if before is None or before[place] != value
        }
        is_worth_a_look = any(conditions[CONDITIONS.index("session_disputed") :])
        level = log.warning if is_worth_a_look else log.info
        level("price_conditions_changed", market=symbol, **changed)
        if "rung" in changed:
            for listener in self._rung_listeners:
                listener(symbol, played.outcome.rung)

    def _tell_reopening(self, symbol: str, before: RoundState, played: PlayedRound) -> None:
        """Let participants be scored by the first outside price after a closed time."""
        participants, result, mark = self._inputs.participants, played.outcome.result, before.mark
        if participants is None or result is None or mark is None:
            return
        if mark.mode is Mode.INTERNAL and result.mode is Mode.EXTERNAL and mark.external_at:
            participants.on_reopening(
                Reopening(
                    symbol=symbol,
                    closed_at=mark.external_at,
                    opened_at=played.now,
                    close=mark.close,
                    price=played.state.jump.accepted or result.index,
                )
            )


def _is_settling(terms: MarketTerms, now: Seconds, since: Seconds | None, lock: Seconds) -> bool:
    """Say whether a border of the calendar is so near that clocks may differ about it."""
    if since is not None and since < lock:
        return True
    border = None if terms.timeline is None else terms.timeline.next_boundary(now)
    return border is not None and border.start - now <= lock


def _anew(state: RoundState, index: PriceE8, now: Seconds) -> RoundState:
    """Go on from the price that the venue holds; sources must print anew."""
    return replace(
        state,
        memories={source: distrust(memory) for source, memory in state.memories.items()},
        jump=JumpState(accepted=index, accepted_at=now, anchor=index, anchored_at=now),
        mark=None if state.mark is None else rebased(state.mark, index),
    )


def _fair_price(market: Market, played: PlayedRound | None) -> FairPrice | None:
    result = None if played is None else played.outcome.result
    if played is None or result is None:
        return None
    accepted_at = played.state.jump.accepted_at
    return FairPrice(
        market=market.id,
        mark=result.mark,
        index=result.index,
        # An outside price ages from when it was accepted: the venue's expiry must see a silence.
        timestamp=min(played.now, accepted_at) if result.mode is Mode.EXTERNAL else played.now,
        rung=played.outcome.rung,
    )
