"""What the chain in memory is made of: its pace, calls that wait, receipts, blocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from risk.units import Seconds
from venues.memory.gas import GasPrices
from venues.memory.requests import MemoryCall, Request
from venues.port import BlockRef, Change, StampedChange

CHANGES: Final = "changes"
"""Under which a receipt carries its `venues.port` changes."""
ANSWERS: Final = "answers"
"""Under which it carries what the duties read of it."""

Receipt = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPace:
    """How fast the chain is and how much fits into a block."""

    block_milliseconds: int = 1_000
    gas_limit: int = 1_000_000_000
    gas_prices: GasPrices = field(default_factory=GasPrices)

    def __post_init__(self) -> None:
        if self.block_milliseconds <= 0 or self.gas_limit <= 0:
            raise ValueError(
                f"expected blocks of some time and gas, found {self.block_milliseconds} ms and"
                f" {self.gas_limit} gas"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A call that waits for its block."""

    sequence: int
    caller: bytes
    request: Request
    gas: int | None
    """Its limit; None: whatever it takes."""
    due_block: int
    expires_at: Seconds | None

    @property
    def hash(self) -> bytes:
        """Name it for ever."""
        return self.sequence.to_bytes(32, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """A call that ended: in a block with its receipt, or expired without one."""

    call: Submitted
    receipt: Receipt | None
    reason: str
    """Why it was reverted or dropped; empty when it was carried out."""

    @property
    def is_carried_out(self) -> bool:
        """Say whether it changed anything."""
        return self.receipt is not None and not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What happened in one block."""

    ref: BlockRef
    gas_used: int
    ended: tuple[Included, ...]
    changes: tuple[StampedChange, ...]
    waiting: int
    """Calls that are still in the queue."""


def changes_of(receipt: Receipt) -> tuple[Change, ...]:
    """Give the changes that a receipt of this chain carries; TypeError for another's."""
    changes = receipt.get(CHANGES)
    if not isinstance(changes, tuple):
        raise TypeError("expected a receipt of the chain in memory, found one without changes")
    return changes


def call_of(call: object) -> MemoryCall:
    """Take a call that this venue made; TypeError for another's."""
    if not isinstance(call, MemoryCall):
        raise TypeError(f"expected a call of the exchange in memory, found {type(call).__name__}")
    return call
