"""What the journal keeps: intents, the transactions that carry them, and every move of both.

An intent is a wish with all that was known when it was judged. A transaction is signed bytes in a
lane at a nonce; several attempts may share a nonce, and at most one of them is ever mined.
Fees are wei per unit of gas, `expires_at` is chain time in seconds, all other times are wall-clock
seconds. The journal knows no market and no chain: kinds, markets and accounts are only names here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto

from runtime.tracing.ids import trace_id_of

SEPARATOR = "|"


class State(StrEnum):
    """How far an intent or a transaction has come; `states.py` holds the legal moves."""

    PLANNED = auto()
    SIGNED = auto()
    SENT = auto()
    MINED = auto()
    FINAL = auto()
    REPLACED = auto()
    CANCELLED = auto()
    EXPIRED = auto()
    FAILED = auto()


class Purpose(StrEnum):
    """Why a transaction was signed; a cancel says what ends with it."""

    CALL = auto()
    CANCEL_EXPIRED = auto()
    CANCEL_REFUSED = auto()
    FILL_GAP = auto()


class Subject(StrEnum):
    """Whose move a line of history tells."""

    INTENT = auto()
    TRANSACTION = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One wish; the same wish judged on the same facts has the same key, on any machine."""

    kind: str
    market: str
    account: str
    judged_on: str
    expires_at: int
    payload: Mapping[str, object]

    def __post_init__(self) -> None:
        parts = (self.kind, self.market, self.account, self.judged_on)
        if any(SEPARATOR in part for part in parts):
            raise ValueError(f"expected no {SEPARATOR!r} in the parts of an intent, was {parts}")

    @property
    def key(self) -> str:
        """Name this intent for ever: kind, market, account, and what it was judged on."""
        return f"{self.kind}|{self.market}|{self.account}|{self.judged_on}"

    @property
    def trace_id(self) -> str:
        """Name its trace; it follows from the key, so that a restarted keeper goes on with it."""
        return trace_id_of(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionDraft:
    """Signed bytes that nobody has seen yet."""

    lane: str
    nonce: int
    raw: bytes
    hash: str
    gas: int
    max_fee: int
    tip: int
    expires_at: int
    purpose: Purpose = Purpose.CALL
    decided_at: float | None = None
    """When what it was decided on was seen."""
    signing_at: float | None = None
    """When the signer was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRecord:
    """An intent as journaled; it is in flight until `settled_at` is set."""

    key: str
    kind: str
    market: str
    account: str
    judged_on: str
    expires_at: int
    payload: Mapping[str, object]
    state: State
    reason: str
    transaction_id: int | None
    outcome: str | None
    outcome_detail: Mapping[str, object] | None
    planned_at: float
    updated_at: float
    settled_at: float | None

    @property
    def trace_id(self) -> str:
        """Name its trace, as `Intent.trace_id` does."""
        return trace_id_of(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRecord:
    """A transaction as journaled, with the exact bytes that a recovery sends again."""

    id: int
    lane: str
    nonce: int
    attempt: int
    purpose: Purpose
    raw: bytes
    hash: str
    gas: int
    max_fee: int
    tip: int
    expires_at: int
    fence: int
    state: State
    reason: str
    signed_at: float
    sent_at: float | None
    updated_at: float
    mined_block: int | None
    status: int | None
    gas_used: int | None
    decided_at: float | None
    signing_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRecord:
    """One key's queue: whose nonces these are, and the first one never signed for."""

    lane: str
    address: str
    chain_id: int
    next_nonce: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One line of history."""

    at: float
    subject: Subject
    reference: str
    from_state: State | None
    to_state: State
    reason: str
