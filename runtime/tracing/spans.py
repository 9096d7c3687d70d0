"""From an intent's history to spans: what took how long, and how it ended.

One trace per intent. Each move of its state ends a phase, and each phase is a span: `judge` (from what woke
the keeper to the signer), `sign`, `send` (the durable commit and the bytes on the socket), `mine`,
`finalise`. Above them stands one span of the whole, named after the intent's kind, which is made when the
intent has ended. A history that the chain took back goes on with further spans of the same phases.
Times are wall-clock seconds out of the journal; a clock that stepped back gives a span of no length.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from runtime.journal.records import State
from runtime.tracing.ids import span_id_of, trace_id_of

Value: TypeAlias = str | int
Values: TypeAlias = Mapping[str, Value]

JUDGE: Final = "judge"
PHASES: Final = {
    State.PLANNED: "sign",
    State.SIGNED: "send",
    State.SENT: "mine",
    State.MINED: "finalise",
    State.CANCELLED: "return",
    State.EXPIRED: "return",
}
"""What an intent waits for in each state; the last two only where a cancel lost its race."""
ENDS: Final = frozenset({State.FINAL, State.FAILED, State.CANCELLED, State.EXPIRED})
REVERTED: Final = "the transaction reverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    at: float
    name: str
    attributes: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of a trace that is over; `error` says in words what went wrong."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str
    start: float
    end: float
    attributes: Values = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move of the intent's state; `id` counts all moves of a journal."""

    id: int
    at: float
    from_state: State | None
    to_state: State
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Signed bytes that carried the intent, by the times that are known of them."""

    hash: str
    lane: str
    nonce: int
    attempt: int
    fence: int
    max_fee: int
    reason: str
    signed_at: float
    decided_at: float | None
    signing_at: float | None
    mined_block: int | None
    status: int | None
    gas_used: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An intent with its moves, oldest first, and the attempts to carry it."""

    key: str
    kind: str
    market: str
    account: str
    planned_at: float
    outcome: str | None
    moves: Sequence[Move]
    attempts: Sequence[Attempt]
    lives: Sequence[tuple[int, float]]
    """When a process opened the journal (its fence, the time): more than one is a restart."""


def spans_of(story: Story, *, after: int = 0) -> Iterator[Span]:
    """Give the spans that ended with a move later than the move `after`."""
    trace_id = trace_id_of(story.key)
    first = story.attempts[0] if story.attempts else None
    began = story.planned_at if first is None else first.decided_at or story.planned_at
    # Two keepers may plan the same intent: their traces are one, their spans are not.
    own = (story.planned_at, "" if first is None else first.hash)
    root_id = span_id_of(trace_id, "intent", *own)
    for place, move in enumerate(story.moves):
        if move.from_state is None or move.id <= after:
            continue
        before = story.moves[place - 1]
        start = before.at
        if move.from_state is State.PLANNED and first is not None:
            start = first.signing_at or start
            if move.to_state is State.SIGNED and first.decided_at is not None:
                yield _phase(story, JUDGE, (first.decided_at, start), root_id, (own, place))
        name = PHASES[move.from_state]
        yield _phase(story, name, (start, move.at), root_id, (own, place), move)
        if move.to_state in ENDS:
            yield _root(story, move, (trace_id, root_id), min(began, story.planned_at))


def _phase(
    story: Story,
    name: str,
    times: tuple[float, float],
    root_id: str,
    place: tuple[object, ...],
    move: Move | None = None,
) -> Span:
    start, end = times[0], max(times)
    trace_id = trace_id_of(story.key)
    return Span(
        trace_id=trace_id,
        span_id=span_id_of(trace_id, name, *place),
        parent_id=root_id,
        name=name,
        start=start,
        end=end,
        attributes=_carrier(story) | ({} if move is None else _told(move)),
        events=tuple(_events(story, start, end)),
        error=None if move is None else _error(story, move),
    )


def _root(story: Story, move: Move, ids: tuple[str, str], start: float) -> Span:
    trace_id, root_id = ids
    outcome = {} if story.outcome is None else {"bellkeeper.intent.outcome": story.outcome}
    return Span(
        trace_id=trace_id,
        span_id=root_id,
        name=f"{story.kind} {story.market}".strip(),
        start=start,
        end=max(start, move.at),
        attributes={
            "bellkeeper.intent.key": story.key,
            "bellkeeper.intent.kind": story.kind,
            "bellkeeper.intent.market": story.market,
            "bellkeeper.intent.account": story.account,
            **outcome,
            **_carrier(story),
            **_told(move),
        },
        error=_error(story, move),
    )


def _told(move: Move) -> dict[str, Value]:
    reason: dict[str, Value] = {"bellkeeper.reason": move.reason} if move.reason else {}
    return {"bellkeeper.state": move.to_state.value, **reason}


def _carrier(story: Story) -> dict[str, Value]:
    """Tell what carries the intent now: the attempt that was mined, else the newest."""
    if not story.attempts:
        return {}
    mined = [each for each in story.attempts if each.mined_block is not None]
    carrier = mined[-1] if mined else story.attempts[-1]
    facts: dict[str, Value | None] = {
        "bellkeeper.transaction.hash": carrier.hash,
        "bellkeeper.lane": carrier.lane,
        "bellkeeper.nonce": carrier.nonce,
        "bellkeeper.attempts": len(story.attempts),
        "bellkeeper.block": carrier.mined_block,
        "bellkeeper.gas_used": carrier.gas_used,
        "bellkeeper.life": carrier.fence,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _events(story: Story, start: float, end: float) -> Iterator[SpanEvent]:
    """Give the restarts and the further attempts that fell into a span."""
    for fence, at in story.lives:
        if start < at <= end:
            yield SpanEvent(at=at, name="keeper_restarted", attributes={"bellkeeper.life": fence})
    for before, attempt in zip(story.attempts, story.attempts[1:], strict=False):
        if start < attempt.signed_at <= end:
            yield SpanEvent(
                at=attempt.signed_at,
                name="transaction_replaced",
                attributes={
                    "bellkeeper.transaction.hash": attempt.hash,
                    "bellkeeper.max_fee_wei": attempt.max_fee,
                    "bellkeeper.reason": before.reason,
                },
            )


def _error(story: Story, move: Move) -> str | None:
    if move.to_state is State.MINED and any(each.status == 0 for each in story.attempts):
        return REVERTED
    if move.to_state is State.FAILED or (move.to_state is State.EXPIRED and story.attempts):
        return move.reason or move.to_state.value
    return None
