"""What the price desk exports of every round. Labels are closed sets: markets, sources, reasons."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from monitors.prices.explanation import (
    REASONS,
    PlayedRound,
    deviation,
    distance_from_index,
    rejected,
)
from risk.mark_price import Mode
from risk.price_round import RoundOutcome, RoundRules
from risk.sessions import Boundary, Session
from risk.source_validity import Validity
from risk.units import PPM_SCALE
from runtime.metrics import counter, gauge

PRICE_SCALE: Final = 10**8
NOT_ASKED: Final = -1
"""Of a source that the profile asks for no price of the market: it cannot be lost."""
UP: Final = "up"
DOWN: Final = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskMetrics:
    """Collectors of the price desk."""

    rounds: Counter
    rejections: Counter
    suspicions: Counter
    age: Gauge
    valid: Gauge
    deviation: Gauge
    weight: Gauge
    session: Gauge
    border: Gauge
    is_locked: Gauge
    is_disputed: Gauge
    is_halted: Gauge
    halts_age: Gauge
    is_internal: Gauge
    mark: Gauge
    index: Gauge
    confidence: Gauge
    bound_used: Gauge
    bound_resets: Gauge
    rung: Gauge
    is_warming_up: Gauge
    book_distance: Gauge
    participants_distance: Gauge

    @classmethod
    def create(
        cls, registry: CollectorRegistry, *, sources: Sequence[str], symbols: Sequence[str]
    ) -> "DeskMetrics":
        """Create the collectors on a registry, with every label combination there is."""
        by_market = {"market": symbols}
        by_source = {"source": sources, "market": symbols}

        def of_market(name: str, text: str) -> Gauge:
            return gauge(registry, name, text, by_market)

        def of_source(name: str, text: str) -> Gauge:
            return gauge(registry, name, text, by_source)

        valid = of_source(
            "bellkeeper_price_source_valid",
            "1 when the last round used the source, 0 when not; -1 where none is asked of it.",
        )
        for source, symbol in itertools.product(sources, symbols):
            valid.labels(source, symbol).set(NOT_ASKED)
        return cls(
            valid=valid,
            rounds=counter(
                registry, "bellkeeper_price_rounds_total", "Rounds that were played.", by_market
            ),
            suspicions=counter(
                registry,
                "bellkeeper_price_split_suspicions_total",
                "Moves that look like a split that nobody announced.",
                by_market,
            ),
            rejections=counter(
                registry,
                "bellkeeper_price_source_rejections_total",
                "Rounds that left a source out, by the first reason.",
                {"source": sources, "reason": REASONS},
            ),
            age=of_source(
                "bellkeeper_price_source_age_seconds",
                "Age of a source's price on the venue's clock in the last round.",
            ),
            deviation=of_source(
                "bellkeeper_price_source_deviation_ratio",
                "Distance of a source's price from the combined one, as a share of it.",
            ),
            weight=of_source(
                "bellkeeper_price_source_weight", "Weight of a source; 0 while it is left out."
            ),
            session=gauge(
                registry,
                "bellkeeper_price_session",
                "1 for the session that holds.",
                {"market": symbols, "session": [session.value for session in Session]},
            ),
            border=of_market(
                "bellkeeper_price_next_boundary_timestamp_seconds",
                "When the calendar's session ends; 0 without a calendar.",
            ),
            is_locked=of_market(
                "bellkeeper_price_transition_locked", "1 right after a session's border."
            ),
            is_disputed=of_market(
                "bellkeeper_price_session_disputed",
                "1 while a source tells another session than the calendar.",
            ),
            is_halted=of_market(
                "bellkeeper_price_underlying_halted", "1 while the underlying's trading is halted."
            ),
            halts_age=gauge(
                registry,
                "bellkeeper_price_halts_age_seconds",
                "How long ago the trading halts were read; -1 when they never were.",
            ),
            is_internal=of_market(
                "bellkeeper_price_internal", "1 while no outside market is followed."
            ),
            mark=of_market("bellkeeper_price_fair_mark_usd", "The mark as it ought to be."),
            index=of_market("bellkeeper_price_fair_index_usd", "The index as it ought to be."),
            confidence=of_market(
                "bellkeeper_price_confidence_usd",
                "Half-width of the interval in which the price lies.",
            ),
            bound_used=of_market(
                "bellkeeper_price_bound_used_ratio", "Share of the discovery bound that is used."
            ),
            bound_resets=gauge(
                registry,
                "bellkeeper_price_bound_resets",
                "Resets of the discovery bound since the last outside price.",
                {"market": symbols, "direction": [UP, DOWN]},
            ),
            rung=of_market(
                "bellkeeper_price_rung",
                "Support: 0 full, 1 widened, 2 reduce-only wanted, 3 silent.",
            ),
            is_warming_up=of_market(
                "bellkeeper_price_warming_up", "1 while outside updates are still too few."
            ),
            book_distance=of_market(
                "bellkeeper_price_book_distance_ratio",
                "Distance of the middle of the book from the index, as a share of it.",
            ),
            participants_distance=of_market(
                "bellkeeper_price_participants_distance_ratio",
                "Distance of what participants quote together from the index, as a share of it.",
            ),
        )

    def count(self, symbol: str, outcome: RoundOutcome) -> None:
        """Count a round and whom it left out."""
        self.rounds.labels(symbol).inc()
        for source, reason in rejected(outcome):
            self.rejections.labels(source, reason).inc()

    def show(
        self, symbol: str, played: PlayedRound, rules: RoundRules, border: Boundary | None
    ) -> None:
        """Set a market's gauges from its last round."""
        self._show_sources(symbol, played, rules)
        for session in Session:
            self.session.labels(symbol, session.value).set(session is played.inputs.session)
        self.border.labels(symbol).set(0 if border is None else border.start)
        self.is_disputed.labels(symbol).set(played.is_disputed)
        self.is_halted.labels(symbol).set(played.inputs.is_underlying_halted)
        self.rung.labels(symbol).set(played.outcome.rung)
        self.confidence.labels(symbol).set(played.outcome.confidence / PRICE_SCALE)
        result, mark = played.outcome.result, played.state.mark
        if result is None or mark is None:
            return
        self.mark.labels(symbol).set(result.mark / PRICE_SCALE)
        self.index.labels(symbol).set(result.index / PRICE_SCALE)
        self.is_internal.labels(symbol).set(result.mode is Mode.INTERNAL)
        self.is_locked.labels(symbol).set(result.is_locked)
        self.is_warming_up.labels(symbol).set(result.is_warming_up)
        self.bound_used.labels(symbol).set(result.bound_used / PPM_SCALE)
        inputs = played.inputs
        for far, price in (
            (self.book_distance, inputs.book.mid),
            (self.participants_distance, inputs.participants),
        ):
            distance = distance_from_index(played, price)
            far.labels(symbol).set(0 if distance is None else distance / PPM_SCALE)
        self.bound_resets.labels(symbol, UP).set(mark.bound.resets_up)
        self.bound_resets.labels(symbol, DOWN).set(mark.bound.resets_down)

    def show_halts(self, age_seconds: float | None) -> None:
        """Set how old the knowledge of trading halts is."""
        self.halts_age.set(-1 if age_seconds is None else age_seconds)

    def _show_sources(self, symbol: str, played: PlayedRound, rules: RoundRules) -> None:
        validities, combined = dict(played.outcome.validities), played.outcome.combined
        told = {report.source for report in played.inputs.reports}
        for source in rules.sources.keys() - told:
            self.valid.labels(source, symbol).set(0)
        for report in played.inputs.reports:
            source = report.source
            is_used = validities[source] is Validity.VALID and source not in combined.outliers
            labels = (source, symbol)
            self.age.labels(*labels).set(played.now - report.observed_at)
            self.valid.labels(*labels).set(is_used)
            self.weight.labels(*labels).set(rules.sources[source].weight if is_used else 0)
            off = deviation(report, combined)
            if off is not None:
                self.deviation.labels(*labels).set(off / PPM_SCALE)
