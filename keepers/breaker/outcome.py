"""How a cycle of the breaker keeper ends."""

from enum import StrEnum, auto


class BreakerCycle(StrEnum):
    """The one outcome of a cycle."""

    ACTED = auto()
    IDLE = auto()
    """Every market is as it ought to be, as far as it may be written now."""
    WAITING = auto()
    """What is to be written is on its way, or must wait."""
    REFUSED = auto()
    """The sender took nothing."""
    DISTRUSTED = auto()
