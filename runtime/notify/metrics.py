"""What notifying shows of itself. Labels are channels and outcomes; never an address or a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.metrics import counter, gauge


class Outcome(StrEnum):
    """What became of a notice in one channel."""

    SENT = auto()
    RETRIED = auto()
    FAILED = auto()
    """Refused for good, or tried as often as is sensible."""
    MERGED = auto()
    """The same was told a short while ago: it is counted, and told with the next."""
    DROPPED = auto()
    """Too many waited, and this was the least severe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyMetrics:
    """The collectors of all channels."""

    notifications: Counter
    waiting: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry, *, channels: Sequence[str]) -> "NotifyMetrics":
        """Make every collector with every series."""
        return cls(
            notifications=counter(
                registry,
                "bellkeeper_notifications_total",
                "Notices for people, by what became of them.",
                {"channel": list(channels), "outcome": list(Outcome)},
            ),
            waiting=gauge(
                registry,
                "bellkeeper_notifications_waiting",
                "Notices that wait to be sent.",
                {"channel": list(channels)},
            ),
        )

    def count(self, channel: str, outcome: Outcome) -> None:
        """Count what became of a notice."""
        self.notifications.labels(channel=channel, outcome=outcome).inc()
