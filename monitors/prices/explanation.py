"""Why a market's price is what it is: every input, weight and rejection, as people and the journal read it.

Written once, in plain JSON values, for `/prices`, `bellkeeper explain-price` and the journal alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from risk.discovery_bound import BoundRules
from risk.price_quorum import Combined
from risk.price_report import PriceReport
from risk.price_round import RoundInputs, RoundOutcome, RoundRules, RoundState
from risk.sessions import Session
from risk.source_validity import Validity
from risk.units import PPM_SCALE, PriceE8, Seconds, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRound:
    """A round with all that went into it."""

    now: Seconds
    calendar_session: Session
    is_disputed: bool
    """Whether sources say another session than the calendar."""
    inputs: RoundInputs
    bound_rules: BoundRules
    state: RoundState
    """After the round."""
    outcome: RoundOutcome


def explanation(played: PlayedRound, rules: RoundRules) -> dict[str, object]:
    """Tell a round: prices in 1e-8 USD, shares in ppm, ages in seconds on the venue's clock."""
    outcome, inputs = played.outcome, played.inputs
    result = outcome.result
    told: dict[str, object] = {
        "now_seconds": played.now,
        "session": inputs.session.value,
        "calendar_session": played.calendar_session.value,
        "session_disputed": played.is_disputed,
        "seconds_since_boundary": inputs.seconds_since_boundary,
        "underlying_halted": inputs.is_underlying_halted,
        "sources": _sources(played, rules),
        "agreement": outcome.combined.agreement.value,
        "providers": outcome.combined.providers,
        "combined_e8": outcome.combined.price,
        "jump": None if outcome.step is None else outcome.step.value,
        "accepted_e8": played.state.jump.accepted,
        "book": _book(inputs),
        "participants_e8": inputs.participants,
        "confidence_e8": outcome.confidence,
        "rung": outcome.rung.name.lower(),
        "inputs_behind": played.state.support.inputs,
    }
    if result is None:
        return told | {"why": "there was never a price to start from"}
    return told | {
        "mode": result.mode.value,
        "why": result.why,
        "index_e8": result.index,
        "mark_e8": result.mark,
        "mark_is_median_of": dict(result.components),
        "warming_up": result.is_warming_up,
        "locked": result.is_locked,
        "bound_used_ppm": result.bound_used,
        "book_distance_ppm": distance_from_index(played, inputs.book.mid),
        "participants_distance_ppm": distance_from_index(played, inputs.participants),
        "carried": carried(played.state),
    }


def carried(state: RoundState) -> dict[str, object] | None:
    """Give what a restart must know to go on inside the same discovery bound."""
    mark = state.mark
    if mark is None:
        return None
    return {
        "close_e8": mark.close,
        "basis_e8": mark.basis,
        "reference_e8": mark.bound.reference,
        "resets_up": mark.bound.resets_up,
        "resets_down": mark.bound.resets_down,
        "external_at_seconds": mark.external_at,
    }


def _sources(played: PlayedRound, rules: RoundRules) -> list[dict[str, object]]:
    validities = dict(played.outcome.validities)
    reports = {report.source: report for report in played.inputs.reports}
    return [
        _source(name, reports.get(name), validities.get(name), played, rules)
        for name in sorted(rules.sources)
    ]


def _source(
    name: str,
    report: PriceReport | None,
    validity: Validity | None,
    played: PlayedRound,
    rules: RoundRules,
) -> dict[str, object]:
    terms = rules.sources[name]
    told: dict[str, object] = {"source": name, "provider": terms.provider, "weight": terms.weight}
    if report is None or validity is None:
        return told | {"verdict": "silent"}
    return told | {
        "verdict": _verdict(name, validity, played.outcome.combined),
        "price_e8": report.price,
        "confidence_e8": report.confidence,
        "age_seconds": played.now - report.observed_at,
        "publishers": report.publishers,
        "session": None if report.session is None else report.session.value,
        "deviation_ppm": deviation(report, played.outcome.combined),
    }


def _verdict(name: str, validity: Validity, combined: Combined) -> str:
    return "outlier" if name in combined.outliers else validity.value


def deviation(report: PriceReport, combined: Combined) -> int | None:
    """Give how far a report lies from the combined price, in ppm of it, rounded down."""
    if not combined.price:
        return None
    return div_floor((report.price - combined.price) * PPM_SCALE, combined.price)


def distance_from_index(played: PlayedRound, price: PriceE8 | None) -> int | None:
    """Give how far a price lies from the round's index, in ppm of it, rounded down."""
    result = played.outcome.result
    if price is None or result is None:
        return None
    return div_floor((price - result.index) * PPM_SCALE, result.index)


def _book(inputs: RoundInputs) -> Mapping[str, object]:
    book = inputs.book
    return {
        "impact_bid_e8": book.impact.bid,
        "impact_ask_e8": book.impact.ask,
        "best_bid_e8": book.best_bid,
        "best_ask_e8": book.best_ask,
        "last_trade_e8": book.last_trade,
    }


def rejected(outcome: RoundOutcome) -> Sequence[tuple[str, str]]:
    """Give each source that was left out of the round, with the reason."""
    left_out = [
        (source, validity.value)
        for source, validity in outcome.validities
        if validity is not Validity.VALID
    ]
    return [*left_out, *((source, OUTLIER) for source in outcome.combined.outliers)]


OUTLIER = "outlier"
REASONS: Sequence[str] = (
    *(validity.value for validity in Validity if validity is not Validity.VALID),
    OUTLIER,
)
"""Every reason for which a source may be left out."""
