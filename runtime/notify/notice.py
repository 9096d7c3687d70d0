"""What people are told, and what a way to them is.

A notice is one sentence with a severity and a key. One that tells of a state is raised and, under the
same key and severity, cleared; one that tells of an event is said once.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum, auto
from typing import Protocol

LONGEST_SENTENCE = 500


class Severity(IntEnum):
    """Who should hear of it, and when; a higher one matters more."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """Give its name in lower case."""
        return self.name.lower()


class Kind(StrEnum):
    """What a notice says about its key."""

    RAISED = auto()
    CLEARED = auto()
    TOLD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to be told."""

    key: str
    """What it is about: the same for a state that is raised and cleared."""
    kind: Kind
    severity: Severity
    sentence: str
    source: str
    """Which keeper says it."""
    at_seconds: int
    more: int = 0
    """How often the same was said since the last time, and not told again."""
    dropped: int = 0
    """How many others were given up since the last notice, because too many waited."""

    @property
    def text(self) -> str:
        """Give the whole sentence, with what is no longer so, repeated or lost."""
        said = f"no longer: {self.sentence}" if self.kind is Kind.CLEARED else self.sentence
        if self.more:
            said += f" ({self.more} more)"
        if self.dropped:
            said += f" ({self.dropped} other notices were dropped: too many waited)"
        return said


class NotTakenError(Exception):
    """The other side refuses this notice for good: why, without any secret."""


class Channel(Protocol):
    """One way to people."""

    @property
    def name(self) -> str:
        """Name it as the profile and the metrics do."""

    async def send(self, notice: Notice) -> None:
        """Deliver a notice. Raises TransientError to be tried again, NotTakenError for good."""
