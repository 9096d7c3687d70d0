"""How a cycle of the incentive keeper ends, and what became of a write."""

from enum import StrEnum, auto
from typing import Final


class IncentiveCycle(StrEnum):
    """The one outcome of a cycle."""

    ACTED = auto()
    IDLE = auto()
    """Every lever is where it ought to be, as far as it may be written now."""
    WAITING = auto()
    """What is to be written is on its way, must wait, or is left to another keeper for a while."""
    REFUSED = auto()
    """The sender took nothing."""
    DISTRUSTED = auto()


class WriteResult(StrEnum):
    """What became of a write."""

    SENT = auto()
    DONE = auto()
    STALE_EPOCH = auto()
    """Somebody else wrote in between: read again and judge again."""
    COOLING_DOWN = auto()
    STEP_TOO_LARGE = auto()
    OUTSIDE_LIMITS = auto()
    REFUSED = auto()
    """The exchange gave another reason, or none that came through."""
    NOT_MINED = auto()
    """It expired, was cancelled, or failed."""
    UNSEEN = auto()
    """Mined, and the receipt holds no such change."""
    WOULD_HAVE_SENT = auto()


REASONS: Final = {
    "stale epoch": WriteResult.STALE_EPOCH,
    "cooling down": WriteResult.COOLING_DOWN,
    "step too large": WriteResult.STEP_TOO_LARGE,
    "outside limits": WriteResult.OUTSIDE_LIMITS,
    "no limits": WriteResult.OUTSIDE_LIMITS,
    "fees below zero": WriteResult.OUTSIDE_LIMITS,
    "below maintenance margin": WriteResult.OUTSIDE_LIMITS,
}
"""The exchange's own words (venues/exchange/contracts/tuning.vy)."""


def refusal_of(reason: str) -> WriteResult:
    """Understand a refused write from the reason that came with it."""
    known = (result for words, result in REASONS.items() if words in reason)
    return next(known, WriteResult.REFUSED)
