"""What duties see of a sender: hand over intents with a call, get a ticket, hear what became of it.

A refusal is an answer, not an error: the duty judges again next time, since nothing was recorded.
The real lane and the shadow both speak this.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Protocol, TypeAlias

from runtime.journal import Intent
from venues.port import Call

CallBuilder: TypeAlias = Callable[[Sequence[Intent]], Call]
"""Makes the call for those intents that are new."""


class Refusal(StrEnum):
    """Why nothing was signed."""

    DUPLICATE = auto()
    LANE_FULL = auto()
    LANE_HALTED = auto()
    NOT_READY = auto()
    EXPIRED = auto()
    SIGNER_UNAVAILABLE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What became of a submission so far: bytes on their way, or a refusal with its reason."""

    intents: tuple[Intent, ...] = ()
    transaction_hash: str | None = None
    nonce: int | None = None
    refusal: Refusal | None = None
    reason: str = ""


class Result(StrEnum):
    """What became of a transaction. Only the logs say what became of each intent."""

    MINED = auto()
    REVERTED = auto()
    TAKEN_BACK = auto()
    FINAL = auto()
    EXPIRED = auto()
    CANCELLED = auto()
    FAILED = auto()
    WOULD_HAVE_SENT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One thing that happened to a transaction, told to every listener."""

    lane: str
    nonce: int
    transaction_hash: str
    intent_keys: tuple[str, ...]
    result: Result
    receipt: Mapping[str, object] | None
    """As the node gave it, logs included; only with MINED and REVERTED."""
    reason: str


Listener: TypeAlias = Callable[[Outcome], None]


class Sender(Protocol):
    """One queue of transactions, real or not."""

    async def submit(
        self,
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        *,
        expires_at: int,
        decided_at: float | None = None,
    ) -> Ticket:
        """Make intents and signed bytes durable and start sending; does not wait for the chain.

        A fixed call stands for all its intents, so one known intent refuses it; a builder is
        given the new ones. `expires_at` is chain time, `decided_at` monotonic (for the metrics).
        """
        ...

    def subscribe(self, listener: Listener) -> None:
        """Tell this listener of every outcome, from the lane's own task."""
        ...
