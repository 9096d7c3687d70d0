"""From settings to the terms of each market's price: who counts how much, which hours, which bound."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.calendars import CALENDARS_DIRECTORY, calendar_of, load_calendars
from config.markets import MARKETS_DIRECTORY, load_market
from config.schema.fields import ATOMS_PER_USD, exact_units
from config.schema.price_sources import Source
from config.schema.prices import Mark, MarketPrices
from config.settings import Prices
from monitors.prices.inputs import MarketTerms
from risk.discovery_bound import BoundRules
from risk.internal_price import BlendWeights, InternalRules
from risk.jump_guard import JumpRules
from risk.mark_price import MarkRules
from risk.price_quorum import QuorumRules
from risk.price_round import RoundRules, SourceTerms
from risk.price_support import SupportRules
from risk.source_validity import SourceRules
from risk.units import Ppm, QuoteAtoms, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsFiles:
    """Where calendars and markets are described."""

    calendars: Path = CALENDARS_DIRECTORY
    markets: Path = MARKETS_DIRECTORY


def market_terms(prices: Prices, files: TermsFiles | None = None) -> dict[str, MarketTerms]:
    """Give the terms of every market that a source prices; raises OperatorError with one sentence."""
    files = files or TermsFiles()
    calendars = load_calendars(files.calendars)
    own = {each.symbol: each for each in prices.markets}
    terms = {}
    for symbol in prices.symbols:
        market = load_market(symbol, files.markets)
        calendar = calendar_of(symbol, market.asset_class, calendars)
        bound = _bound(prices.mark, own.get(symbol), market.initial_margin_ppm)
        sources = [source for source in prices.sources if symbol in source.symbols]
        terms[symbol] = MarketTerms(
            rules=RoundRules(
                sources={source.name: _source_terms(source) for source in sources},
                quorum=_quorum(prices),
                mark=_mark(prices.mark, bound),
                support=_support(prices),
                jump=_jumps(prices),
            ),
            timeline=None if calendar is None else calendar.timeline,
            session_sources=frozenset(source.name for source in sources if source.tells_session),
        )
    return terms


def impact_notionals(prices: Prices) -> Mapping[str, QuoteAtoms]:
    """Give what must be sold and bought at once in each market's book, in quote atoms."""
    if prices.book is None:
        return {}
    usual = prices.book.impact_notional_atoms
    found = dict.fromkeys(prices.symbols, QuoteAtoms(usual))
    for own in prices.markets:
        if own.impact_notional_usd is not None:
            found[own.symbol] = QuoteAtoms(exact_units(own.impact_notional_usd, ATOMS_PER_USD))
    return found


def _bound(mark: Mark, own: MarketPrices | None, initial_margin: int) -> Ppm:
    """Give the discovery bound: the market's own, else that of all, else 1 / largest leverage."""
    own_bound = None if own is None else own.discovery_bound_ppm
    return Ppm(own_bound or mark.discovery_bound_ppm or initial_margin)


def _source_terms(source: Source) -> SourceTerms:
    return SourceTerms(
        provider=source.provider_name,
        weight=source.weight,
        rules=SourceRules(
            max_age=Seconds(source.max_age_seconds),
            future_tolerance=Seconds(source.future_tolerance_seconds),
            max_confidence=Ppm(source.max_confidence_ppm),
            max_unchanged=Seconds(source.max_unchanged_seconds),
            min_publishers=source.min_publishers,
        ),
    )


def _quorum(prices: Prices) -> QuorumRules:
    quorum = prices.quorum
    return QuorumRules(
        wanted=quorum.wanted,
        minimum=quorum.minimum,
        max_deviation=Ppm(quorum.max_deviation_ppm),
    )


def _support(prices: Prices) -> SupportRules:
    quorum = prices.quorum
    return SupportRules(
        wanted=quorum.wanted,
        minimum=quorum.minimum,
        reduce_only_after=Seconds(quorum.reduce_only_after_seconds),
        silent_after=Seconds(quorum.silent_after_seconds),
        recovery_rounds=quorum.recovery_rounds,
    )


def _jumps(prices: Prices) -> JumpRules:
    jumps = prices.jumps
    return JumpRules(
        jump=Ppm(jumps.jump_ppm),
        jump_providers=jumps.jump_providers,
        persistence=Seconds(jumps.persistence_seconds),
        large_jump=Ppm(jumps.large_jump_ppm),
        large_jump_providers=jumps.large_jump_providers,
    )


def _mark(mark: Mark, bound: Ppm) -> MarkRules:
    return MarkRules(
        bound=BoundRules(
            bound=bound, threshold=Ppm(mark.bound_threshold_ppm), most_resets=mark.bound_resets
        ),
        internal=InternalRules(
            tau=Seconds(mark.tau_seconds),
            largest_step=Ppm(mark.largest_step_ppm),
            weights=BlendWeights(
                book=mark.book_weight,
                participants=mark.participants_weight,
                last_close=mark.last_close_weight,
            ),
        ),
        basis_tau=Seconds(mark.basis_tau_seconds),
        internal_basis_tau=Seconds(mark.internal_basis_tau_seconds),
        external_gap=Seconds(mark.external_gap_seconds),
        transition_lock=Seconds(mark.transition_lock_seconds),
        locked_step=Ppm(mark.locked_step_ppm),
        warm_up_updates=mark.warm_up_updates,
    )
