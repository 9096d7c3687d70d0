"""What one report is worth: the first reason not to use it, in a fixed order.

The order is Drift's (non-positive, too volatile, too uncertain, stale, insufficient data, valid),
with the hazards that feeds document added where they belong: a report from the future is judged
before its price is believed, and a value at a feed's own bound says only that the truth lies beyond.
Freshness needs two proofs: a recent observation, and, while the underlying trades, a value that
changes; a carried-forward or repeated price has the first and lacks the second.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from risk.price_report import Micros, PriceReport
from risk.sessions import EXTERNAL_SESSIONS, Session
from risk.units import PPM_SCALE, Ppm, PriceE8, Seconds


class Validity(StrEnum):
    """What a report is worth; the first that holds, in this order."""

    NON_POSITIVE = "non_positive"
    FUTURE_DATED = "future_dated"
    OUT_OF_ORDER = "out_of_order"
    AT_BOUND = "at_bound"
    TOO_VOLATILE = "too_volatile"
    TOO_UNCERTAIN = "too_uncertain"
    STALE = "stale"
    UNCHANGED = "unchanged"
    INSUFFICIENT_DATA = "insufficient_data"
    WRONG_SESSION = "wrong_session"
    VALID = "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRules:
    """What a source's reports must keep."""

    max_age: Seconds
    """Oldest observation that still counts."""
    future_tolerance: Seconds = Seconds(1)
    """How far a timestamp may lie ahead of the venue's clock as far as we know it."""
    max_confidence: Ppm = Ppm(20_000)
    """Widest half-width in ppm of the price; Drift's default is 2 %."""
    volatility_ratio: int = 5
    """Largest ratio between the price and the last valid one, either way; Drift's default is 5."""
    max_unchanged: Seconds = Seconds(120)
    """Longest time without a new value while the underlying trades."""
    min_publishers: int = 1
    """Fewest contributors, where the source tells how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMemory:
    """What is remembered of one source about one market."""

    order: Micros | None = None
    """Of the last valid report."""
    price: PriceE8 | None = None
    """The last valid price."""
    value: PriceE8 | None = None
    """The last value told, valid or not."""
    changed_at: Seconds = Seconds(0)
    """When a new value was last told, on the venue's clock."""
    distrusted: PriceE8 | None = None
    """A value that must not be believed until another was told: the price before a split."""


FRESH_MEMORY = SourceMemory()


def distrust(memory: SourceMemory) -> SourceMemory:
    """Forget a source's price after a split: the old close may be repeated until the first print."""
    return replace(memory, price=None, distrusted=memory.value)


def judge_report(
    report: PriceReport,
    memory: SourceMemory,
    *,
    session: Session,
    now: Seconds,
    rules: SourceRules,
) -> tuple[Validity, SourceMemory]:
    """Judge a report at `now` (the venue's clock) in the calendar's `session`.

    Gives what it is worth and what to remember. The same report may be judged again and again: it
    grows stale by itself.
    """
    is_new = report.price != memory.value
    changed_at = now if is_new else memory.changed_at
    distrusted = None if is_new and report.price != memory.distrusted else memory.distrusted
    validity = _first_reason(
        report, memory, session, now, rules, changed_at=changed_at, distrusted=distrusted
    )
    is_valid = validity is Validity.VALID
    return validity, SourceMemory(
        order=report.order if is_valid else memory.order,
        price=report.price if is_valid else memory.price,
        value=report.price,
        changed_at=changed_at,
        distrusted=distrusted,
    )


def _first_reason(
    report: PriceReport,
    memory: SourceMemory,
    session: Session,
    now: Seconds,
    rules: SourceRules,
    *,
    changed_at: Seconds,
    distrusted: PriceE8 | None,
) -> Validity:
    price = report.price
    if price <= 0:
        return Validity.NON_POSITIVE
    if report.observed_at > now + rules.future_tolerance:
        return Validity.FUTURE_DATED
    if memory.order is not None and report.order < memory.order:
        return Validity.OUT_OF_ORDER
    if _is_at_bound(report):
        return Validity.AT_BOUND
    if memory.price is not None and _is_too_volatile(price, memory.price, rules.volatility_ratio):
        return Validity.TOO_VOLATILE
    if report.confidence * PPM_SCALE > price * rules.max_confidence:
        return Validity.TOO_UNCERTAIN
    if now - report.observed_at > rules.max_age:
        return Validity.STALE
    is_frozen = session is Session.REGULAR and now - changed_at > rules.max_unchanged
    if distrusted is not None or is_frozen:
        return Validity.UNCHANGED
    return _about_support(report, rules)


def _about_support(report: PriceReport, rules: SourceRules) -> Validity:
    if report.publishers is not None and report.publishers < rules.min_publishers:
        return Validity.INSUFFICIENT_DATA
    if report.session is not None and report.session not in EXTERNAL_SESSIONS:
        return Validity.WRONG_SESSION
    return Validity.VALID


def _is_at_bound(report: PriceReport) -> bool:
    is_lowest = report.lowest > 0 and report.price <= report.lowest
    return is_lowest or (report.highest > 0 and report.price >= report.highest)


def _is_too_volatile(price: PriceE8, last: PriceE8, ratio: int) -> bool:
    return price > last * ratio or last > price * ratio
