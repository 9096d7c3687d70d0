"""One round of one market's price: from what the sources say to what ought to be published, and why.

Judge each report, combine the valid ones, ask whether a far price may be believed, make the mark, and
see how well it is supported. Pure: (state, inputs, now) → (state, outcome).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from risk.jump_guard import UNSEEN, JumpRules, JumpState, OperatorWord, Step, consider
from risk.mark_price import (
    BookPrices,
    MarkInputs,
    MarkResult,
    MarkRules,
    MarkState,
    next_mark,
)
from risk.price_quorum import Agreement, Combined, QuorumRules, Voice, combine
from risk.price_report import PriceReport
from risk.price_support import STARTING, Rung, Support, SupportRules, after_round, widened
from risk.sessions import Session
from risk.source_validity import (
    FRESH_MEMORY,
    SourceMemory,
    SourceRules,
    Validity,
    judge_report,
)
from risk.units import PriceE8, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTerms:
    """How one source counts."""

    provider: str
    weight: int
    rules: SourceRules


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRules:
    """Everything that a market's price is made by."""

    sources: Mapping[str, SourceTerms]
    quorum: QuorumRules
    mark: MarkRules
    support: SupportRules
    """Its inputs are independent providers in an external round; the sides of the book, the participants
    together and the last close otherwise."""
    jump: JumpRules = field(default_factory=JumpRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundState:
    """What is carried from one round to the next."""

    memories: Mapping[str, SourceMemory] = field(default_factory=dict)
    jump: JumpState = UNSEEN
    mark: MarkState | None = None
    support: Support = STARTING


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundInputs:
    """What is known now of one market."""

    reports: Sequence[PriceReport]
    """The newest of each source."""
    session: Session
    book: BookPrices = field(default_factory=BookPrices)
    participants: PriceE8 | None = None
    """What registered participants quote together."""
    is_underlying_halted: bool = False
    seconds_since_boundary: Seconds | None = None
    word: OperatorWord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOutcome:
    """What came of a round; `result` is None while there was never a price to start from."""

    validities: tuple[tuple[str, Validity], ...]
    combined: Combined
    step: Step | None
    """What became of the combined price; None when there was none."""
    result: MarkResult | None
    confidence: PriceE8
    rung: Rung


def price_round(
    state: RoundState, inputs: RoundInputs, *, now: Seconds, rules: RoundRules
) -> tuple[RoundState, RoundOutcome]:
    """Make a market's price at `now` (the venue's clock).

    Raises KeyError for a report of a source that the rules do not name.
    """
    memories, validities, voices = _judged(state, inputs, now, rules)
    combined = combine(voices, rules.quorum)
    jump, step = state.jump, None
    if combined.price is not None:
        jump, step = consider(
            jump,
            combined.price,
            combined.providers,
            now=now,
            rules=rules.jump,
            is_halted=inputs.is_underlying_halted,
            word=inputs.word,
        )
    made = next_mark(state.mark, _mark_inputs(inputs, jump), now=now, rules=rules.mark)
    mark, result = (state.mark, None) if made is None else made
    inputs_behind = _inputs_behind(result, combined, inputs)
    support = after_round(state.support, inputs_behind, now=now, rules=rules.support)
    confidence = combined.confidence
    if inputs_behind:
        confidence = widened(confidence, inputs_behind, rules.support)
    return (
        RoundState(memories=memories, jump=jump, mark=mark, support=support),
        RoundOutcome(
            validities=validities,
            combined=combined,
            step=step,
            result=result,
            confidence=confidence,
            rung=support.rung,
        ),
    )


def _judged(
    state: RoundState, inputs: RoundInputs, now: Seconds, rules: RoundRules
) -> tuple[dict[str, SourceMemory], tuple[tuple[str, Validity], ...], list[Voice]]:
    memories = dict(state.memories)
    validities: list[tuple[str, Validity]] = []
    voices: list[Voice] = []
    for report in inputs.reports:
        source = report.source
        terms = rules.sources[source]
        validity, memories[source] = judge_report(
            report,
            memories.get(source, FRESH_MEMORY),
            session=inputs.session,
            now=now,
            rules=terms.rules,
        )
        validities.append((source, validity))
        if validity is Validity.VALID:
            voices.append(
                Voice(
                    source=source,
                    provider=terms.provider,
                    price=report.price,
                    confidence=report.confidence,
                    weight=terms.weight,
                )
            )
    return memories, tuple(validities), voices


def _mark_inputs(inputs: RoundInputs, jump: JumpState) -> MarkInputs:
    return MarkInputs(
        session=inputs.session,
        external=jump.accepted,
        external_at=jump.accepted_at,
        book=inputs.book,
        participants=inputs.participants,
        is_underlying_halted=inputs.is_underlying_halted,
        seconds_since_boundary=inputs.seconds_since_boundary,
    )


def _inputs_behind(result: MarkResult | None, combined: Combined, inputs: RoundInputs) -> int:
    """Count what stands behind a price: providers outside; the book's sides, participants within.

    Where outside markets trade, and the underlying is not halted, only providers count: a book can
    carry a price over the night, but not over the loss of every source by day. In a session without
    outside markets the last close is an input too: holding it is by rule, not by accident.
    """
    if result is None:
        return 0
    is_open = result.session.has_external_price
    if is_open and not inputs.is_underlying_halted:
        return combined.providers if combined.agreement in _AGREED else 0
    impact = inputs.book.impact
    sides = (impact.bid is not None) + (impact.ask is not None)
    return sides + (inputs.participants is not None) + (not is_open)


_AGREED = frozenset({Agreement.FULL, Agreement.DEGRADED})
