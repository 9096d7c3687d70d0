"""How a cycle of the liquidation keeper ended."""

from enum import StrEnum


class CycleOutcome(StrEnum):
    """One word for a cycle: acted, or why not."""

    ACTED = "acted"
    IDLE = "idle"
    """Nobody is under margin."""
    WAITING = "waiting"
    """Somebody is, and each has a reason to wait."""
    BUSY = "busy"
    """As many transactions are on their way as are allowed."""
    DISTRUSTED = "distrusted"
    """The state may not be acted on: the feed lost touch or the lane is stopped."""
