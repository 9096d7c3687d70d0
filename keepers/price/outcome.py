"""How a cycle of the price keeper ends."""

from enum import StrEnum, auto


class PriceCycle(StrEnum):
    """The one outcome of a cycle."""

    PUBLISHED = auto()
    IDLE = auto()
    """Nothing was due."""
    BUSY = auto()
    """The last publication is still on its way: a newer price behind it would only be too soon."""
    REFUSED = auto()
    """The sender took nothing."""
    DISTRUSTED = auto()
