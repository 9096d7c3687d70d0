"""What the underlying's market does, and when: a timeline of sessions on the venue's clock.

A timeline is data, compiled from dated schedule files. What it does not cover is UNKNOWN, and an
unknown session is treated as restricted, never as open.
"""

from enum import StrEnum


class Session(StrEnum):
    """What the market of the underlying does."""

    REGULAR = "regular"
    PRE = "pre"
    POST = "post"
    OVERNIGHT = "overnight"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    HALTED = "halted"
    UNKNOWN = "unknown"

    @property
    def has_external_price(self) -> bool:
        """Say whether outside markets trade the underlying now, so that their price leads."""
        return self in EXTERNAL_SESSIONS


EXTERNAL_SESSIONS = frozenset({Session.REGULAR, Session.PRE, Session.POST, Session.OVERNIGHT})
