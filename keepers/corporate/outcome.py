"""How a cycle of the corporate keeper ends, what it writes, and what became of a write."""

from enum import StrEnum, auto
from typing import Final

from risk.corporate_writes import (
    BeginSplit,
    CloseSettled,
    ContinueSplit,
    CoverLosses,
    PayDividend,
    SettleMarket,
    Write,
)


class CorporateCycle(StrEnum):
    """The one outcome of a cycle."""

    ACTED = auto()
    IDLE = auto()
    """Nothing is to be written now."""
    WAITING = auto()
    """What is to be written is on its way, must wait, or cannot be judged for lack of a reading."""
    REFUSED = auto()
    """The sender took nothing, or the exchange would refuse it."""
    DISTRUSTED = auto()


class What(StrEnum):
    """The exchange's function that is written to; a closed set, it is a metric label."""

    BEGIN_SPLIT = auto()
    CONTINUE_SPLIT = auto()
    DIVIDEND = auto()
    SETTLE_MARKET = auto()
    CLOSE_SETTLED = auto()
    COVER_LOSSES = auto()

    @property
    def carries_epoch(self) -> bool:
        """Say whether the exchange takes it once only."""
        return self in {What.BEGIN_SPLIT, What.DIVIDEND, What.SETTLE_MARKET}


class WriteResult(StrEnum):
    """What became of a write."""

    SENT = auto()
    DONE = auto()
    REFUSED = auto()
    """The exchange reverted it."""
    NOT_MINED = auto()
    """It expired, was cancelled, or failed."""
    WOULD_HAVE_SENT = auto()


_KINDS: Final = {
    BeginSplit: What.BEGIN_SPLIT,
    ContinueSplit: What.CONTINUE_SPLIT,
    PayDividend: What.DIVIDEND,
    SettleMarket: What.SETTLE_MARKET,
    CloseSettled: What.CLOSE_SETTLED,
    CoverLosses: What.COVER_LOSSES,
}


def what_of(write: Write) -> What:
    """Name a write's function."""
    return _KINDS[type(write)]
