"""Which moves are legal.

A move that is not listed is a bug in the caller and raises. Going back is legal in one place only,
when the chain itself went back (a reorganisation): MINED to SENT, also after it was held FINAL (or
FAILED, if it was mined and reverted), and an intent whose cancel was undone. History keeps both.
A replaced or cancelled attempt may still win the race for its nonce, hence their way to MINED.
"""

from collections.abc import Mapping

from runtime.journal.records import State, Subject

TRANSACTION_MOVES: Mapping[State, frozenset[State]] = {
    State.SIGNED: frozenset(
        {State.SENT, State.MINED, State.REPLACED, State.CANCELLED, State.FAILED}
    ),
    State.SENT: frozenset({State.MINED, State.REPLACED, State.CANCELLED, State.FAILED}),
    State.MINED: frozenset({State.SENT, State.FINAL, State.FAILED}),
    State.REPLACED: frozenset({State.MINED, State.CANCELLED, State.FAILED}),
    State.CANCELLED: frozenset({State.MINED, State.REPLACED, State.FAILED}),
    State.FINAL: frozenset({State.SENT}),
    State.FAILED: frozenset({State.SENT}),
}

INTENT_MOVES: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SIGNED, State.CANCELLED, State.EXPIRED, State.FAILED}),
    State.SIGNED: frozenset(
        {State.SENT, State.MINED, State.CANCELLED, State.EXPIRED, State.FAILED}
    ),
    State.SENT: frozenset({State.MINED, State.CANCELLED, State.EXPIRED, State.FAILED}),
    State.MINED: frozenset({State.SENT, State.FINAL, State.FAILED}),
    State.CANCELLED: frozenset({State.SENT, State.MINED}),
    State.EXPIRED: frozenset({State.SENT, State.MINED}),
    State.FINAL: frozenset({State.SENT}),
    State.FAILED: frozenset({State.SENT}),
}

PENDING = frozenset({State.SIGNED, State.SENT})
"""A transaction that may be mined at any moment."""


class IllegalTransitionError(Exception):
    """A caller asked for a move that no intent or transaction can make: a bug."""


def check_move(subject: Subject, reference: str, from_state: State, to_state: State) -> None:
    """Raise unless the move is legal."""
    moves = INTENT_MOVES if subject is Subject.INTENT else TRANSACTION_MOVES
    if to_state not in moves.get(from_state, frozenset()):
        raise IllegalTransitionError(f"{subject} {reference} cannot go {from_state} -> {to_state}")
