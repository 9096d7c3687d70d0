"""How a cycle of the deleverage keeper ended, and what became of an item that was sent."""

from enum import StrEnum
from typing import Final


class DeleverageCycle(StrEnum):
    """One word for a cycle: acted, or why not."""

    ACTED = "acted"
    IDLE = "idle"
    """Nobody is bankrupt."""
    CARRIED = "carried"
    """Somebody is, and insurance fund and backstop can carry it: that is liquidation's business."""
    WAITING = "waiting"
    """Somebody is in need, and each has a reason to wait."""
    BUSY = "busy"
    """The last step is on its way, or not seen yet."""
    STANDBY = "standby"
    """Somebody is in need, and another keeper is to act first."""
    DISTRUSTED = "distrusted"
    """The state may not be acted on: the feed lost touch."""


NOT_MINED: Final = "not_mined"
"""The result of an item whose transaction expired, was cancelled or reverted."""
UNSEEN: Final = "unseen"
"""Mined, and the receipt has no such result."""
