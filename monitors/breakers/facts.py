"""From what is seen to the facts that the breakers judge: whole numbers, or None for not known.

Where this process plays no rounds of prices, the venue's own prices stand in, and what only a round
knows (inputs, deviation of sources) is unknown. The last close of the regular session is remembered
here, over restarts too: it is what percentages are reckoned from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from monitors.breakers.rebasing import rebased_close
from monitors.breakers.terms import BreakerRules, Senses, WatchTerms
from monitors.prices.explanation import PlayedRound, deviation
from risk.band_rules import PriceBand
from risk.band_state import BandFacts
from risk.corporate_prices import Rebase
from risk.discovery_bound import limits
from risk.fact_windows import FactWindow, Window, fall, rise, with_value
from risk.integrity_facts import ExchangeFacts, MarketFacts
from risk.integrity_rules import Cause
from risk.mark_price import Mode
from risk.market import Market
from risk.market_wide_rules import MarketWideFacts, trading_day
from risk.order_book import OrderBook
from risk.price_support import Rung
from risk.sessions import Session
from risk.source_validity import Validity
from risk.units import (
    NOTIONAL_SCALE,
    PPM_SCALE,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    div_ceil,
    div_floor,
    notional,
)

DEPTH_REACH: Final = Ppm(10_000)
"""Depth counts within 1 % of the middle of the book."""


@dataclass(slots=True)
class _Memory:
    """What facts of one market need of earlier moments."""

    regular_price: PriceE8 = PriceE8(0)
    """The index when the regular session was last seen."""
    previous_close: PriceE8 = PriceE8(0)
    depth: Window = field(default_factory=Window)
    open_interest: Window = field(default_factory=Window)


class FactBook:
    """Makes the facts of every market, once a step."""

    def __init__(
        self, senses: Senses, terms: Mapping[str, WatchTerms], rules: BreakerRules
    ) -> None:
        self._senses = senses
        self._terms = terms
        self._rules = rules
        self._memory = {symbol: _Memory() for symbol in terms}
        self._insurance = Window()

    # --- over restarts ---------------------------------------------------------------------------

    def close_of(self, symbol: str) -> int:
        """Give a market's last regular close, in 1e-8 USD; 0 before there was one."""
        return self._memory[symbol].previous_close

    def remember_closes(self, closes: Mapping[str, int]) -> None:
        """Take over what an earlier life knew."""
        for symbol, close in closes.items():
            if symbol in self._memory and close > 0:
                self._memory[symbol].previous_close = PriceE8(close)

    def rebase(self, symbol: str, by: Rebase) -> None:
        """Rebase the closes that percentages are reckoned from."""
        memory = self._memory[symbol]
        memory.regular_price = rebased_close(memory.regular_price, by)
        memory.previous_close = rebased_close(memory.previous_close, by)

    # --- facts -----------------------------------------------------------------------------------

    def session(self, symbol: str, now: Seconds) -> Session:
        """Give the session that holds: that of the last round, else the calendar's."""
        played = self._played(symbol)
        if played is not None:
            return played.inputs.session
        timeline = self._terms[symbol].timeline
        return Session.UNKNOWN if timeline is None else timeline.session_at(now)

    def band_facts(self, market: Market, now: Seconds) -> BandFacts | None:
        """Give what the band machine judges; None before the market has a price."""
        if market.mark <= 0 or market.index <= 0:
            return None
        symbol = market.symbol
        terms, played, session = (
            self._terms[symbol],
            self._played(symbol),
            self.session(symbol, now),
        )
        wanted = _wanted_mark(market, played)
        timeline = terms.timeline
        border = None if timeline is None else timeline.next_boundary(now)
        return BandFacts(
            mark=market.mark,
            index=wanted,
            has_good_price=wanted > 0 and _is_good(market, played, now),
            opposite_side_quotes=_is_quoted(market, self._book(symbol)),
            session=session,
            seconds_to_close=None
            if border is None or not session.has_external_price
            else Seconds(border.start - now),
            previous_close=self._close(market, session),
            discovery=_discovery(market, played, wanted),
            tier=terms.tier,
            leverage=terms.leverage,
            held=(market.band_low, market.band_high) if market.band_high else None,
            held_tolerance=terms.band_tolerance,
        )

    def market_wide_facts(self, index: Market | None, symbol: str, now: Seconds) -> MarketWideFacts:
        """Give what is known of the market that a group looks at."""
        timeline = self._terms[symbol].timeline if symbol in self._terms else None
        day = None if timeline is None else trading_day(timeline, now)
        session = self.session(symbol, now) if symbol in self._terms else Session.UNKNOWN
        if index is None or (session is Session.REGULAR and day is None):
            return MarketWideFacts(
                session=Session.UNKNOWN, day=day, index=None, index_time=None, previous_close=None
            )
        price, told = _outside_price(index, self._played(symbol))
        return MarketWideFacts(
            session=session,
            day=day,
            index=price,
            index_time=told,
            previous_close=self._close(index, session),
        )

    def market_facts(self, market: Market, now: Seconds) -> MarketFacts:
        """Give what the integrity breaker judges of a market."""
        symbol, slow, proof = market.symbol, self._senses.slow, self._senses.proof
        memory, played = self._memory[symbol], self._played(symbol)
        book = self._book(symbol)
        depth = None if book is None else _depth(book)
        interest = notional(market.open_interest, market.mark)
        memory.depth, fell = self._measured(Cause.BOOK_EMPTIED, memory.depth, depth, now)
        memory.open_interest, rose = self._measured(
            Cause.OPEN_INTEREST_JUMP, memory.open_interest, interest, now
        )
        return MarketFacts(
            price_age=Seconds(max(0, now - market.price_timestamp)) if market.mark else None,
            inputs=None if played is None else played.state.support.inputs,
            source_deviation=None if played is None else _worst_source(played),
            divergence=_divergence(market),
            depth_fall=fell,
            open_interest_rise=rose,
            largest_share=slow.largest_share(market.id),
            backlog_blocks=slow.backlog_blocks(market.id),
            is_underlying_halted=self._senses.halted(symbol, now),
            limits_changed=slow.limits_changed(market.id),
            risk_asks=None if proof is None else proof.asked_of(symbol),
        )

    def exchange_facts(self, now: Seconds) -> ExchangeFacts:
        """Give what the integrity breaker judges of the whole exchange."""
        slow, proof = self._senses.slow, self._senses.proof
        self._insurance, fell = self._measured(
            Cause.INSURANCE_FALLING, self._insurance, slow.insurance_fund(), now
        )
        gap = slow.solvency_gap
        return ExchangeFacts(
            insurance_fall=fell,
            solvency_gap=None if gap is None else QuoteAtoms(gap),
            roles_changed=slow.roles_changed,
            head_age=slow.head_age,
            proof_asks=None if proof is None else proof.asked_everywhere,
        )

    # --- within ----------------------------------------------------------------------------------

    def _played(self, symbol: str) -> PlayedRound | None:
        rounds = self._senses.rounds
        return None if rounds is None else rounds.last_round(symbol)

    def _book(self, symbol: str) -> OrderBook | None:
        books = self._senses.books
        if books is None or symbol not in self._senses.book_symbols:
            return None
        return books.book(symbol)

    def _close(self, market: Market, session: Session) -> PriceE8:
        """Keep the last regular close up to date and give it; the index before there was one."""
        memory = self._memory[market.symbol]
        if session is Session.REGULAR:
            memory.regular_price = market.index
        elif memory.regular_price:
            memory.previous_close, memory.regular_price = memory.regular_price, PriceE8(0)
        if not memory.previous_close:
            memory.previous_close = market.index
        return memory.previous_close

    def _measured(
        self, cause: Cause, window: Window, value: int | None, now: Seconds
    ) -> tuple[Window, Ppm | None]:
        """Feed a window and measure in it; nothing is measured for a cause without one."""
        how = self._rules.windows.get(cause)
        if how is None:
            return window, None
        if value is not None:
            window = with_value(window, value, now=now, rules=how.rules)
        return window, _change(cause, window, value, now, how)


def _change(
    cause: Cause, window: Window, value: int | None, now: Seconds, how: FactWindow
) -> Ppm | None:
    measure = rise if cause is Cause.OPEN_INTEREST_JUMP else fall
    return measure(window, value, now=now, rules=how.rules, least_base=how.least_base)


def _wanted_mark(market: Market, played: PlayedRound | None) -> PriceE8:
    """Give where the mark would be without a band."""
    result = None if played is None else played.outcome.result
    return market.index if result is None else result.mark


def _is_good(market: Market, played: PlayedRound | None, now: Seconds) -> bool:
    """Say whether the price is fresh on chain, well supported, and warm."""
    if market.is_stale(now):
        return False
    if played is None:
        return True
    result = played.outcome.result
    return (
        result is not None
        and not result.is_warming_up
        and played.outcome.rung <= Rung.WIDENED
        and not played.inputs.is_underlying_halted
    )


def _is_quoted(market: Market, book: OrderBook | None) -> bool:
    """Say whether somebody takes the other side at the edge that the mark is at."""
    if book is None:
        return False
    if market.band_low and market.mark <= market.band_low:
        return book.best_bid is not None and book.best_bid >= market.band_low
    if market.band_high and market.mark >= market.band_high:
        return book.best_ask is not None and book.best_ask <= market.band_high
    return book.best_bid is not None and book.best_ask is not None


def _discovery(market: Market, played: PlayedRound | None, wanted: PriceE8) -> PriceBand:
    """Give the discovery bound of the last round, else one margin around the venue's index."""
    mark = None if played is None else played.state.mark
    if played is not None and mark is not None:
        low, high = limits(mark.bound, played.bound_rules)
        return PriceBand(reference=mark.bound.reference, low=low, high=high)
    reference, width = market.index or wanted, market.initial_margin
    low = PriceE8(max(1, div_ceil(reference * (PPM_SCALE - width), PPM_SCALE)))
    high = PriceE8(div_floor(reference * (PPM_SCALE + width), PPM_SCALE))
    return PriceBand(reference=reference, low=min(low, reference), high=high)


def _outside_price(
    index: Market, played: PlayedRound | None
) -> tuple[PriceE8 | None, Seconds | None]:
    """Give the index market's outside price and its time; nothing while no outside market is heard."""
    if played is None:
        return index.index, index.price_timestamp
    result, jump = played.outcome.result, played.state.jump
    if result is None or result.mode is not Mode.EXTERNAL or jump.accepted is None:
        return None, None
    return jump.accepted, jump.accepted_at


def _divergence(market: Market) -> Ppm | None:
    if market.mark <= 0 or market.index <= 0:
        return None
    return Ppm(div_ceil(abs(market.mark - market.index) * PPM_SCALE, market.index))


def _worst_source(played: PlayedRound) -> Ppm | None:
    """Give how far the farthest usable source is from the combined price."""
    combined, validities = played.outcome.combined, dict(played.outcome.validities)
    if combined.price is None:
        return None
    far = [
        abs(deviation(report, combined) or 0)
        for report in played.inputs.reports
        if validities.get(report.source) is Validity.VALID
    ]
    return Ppm(max(far, default=0))


def _depth(book: OrderBook) -> QuoteAtoms:
    """Give what the thinner side offers near the middle, in quote atoms, rounded down."""
    middle = book.mid
    if middle is None:
        return QuoteAtoms(0)
    reach = div_floor(middle * DEPTH_REACH, PPM_SCALE)
    bids = sum(price * size for price, size in book.walk_bids() if price >= middle - reach)
    asks = sum(price * size for price, size in book.walk_asks() if price <= middle + reach)
    return QuoteAtoms(div_floor(min(bids, asks), NOTIONAL_SCALE))
