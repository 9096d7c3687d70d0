"""What the quotes' desk exports: who quotes, what was refused and why, how far each is trusted.

Labels are closed sets: the registered participants' names, the venue's symbols, the verdicts. Until
its signature is checked a quote is only claimed to be a participant's, and counts under that name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from risk.participant_quotes import QuoteVerdict
from runtime.metrics import counter, gauge

UNKNOWN: Final = "unknown"
"""Label of what names no registered participant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantMetrics:
    """Collectors of the quotes' desk and of its endpoint."""

    quotes: Counter
    score: Gauge
    accepted_at: Gauge
    standing: Gauge
    refused_connections: Counter

    @classmethod
    def create(
        cls, registry: CollectorRegistry, *, participants: Sequence[str], symbols: Sequence[str]
    ) -> "ParticipantMetrics":
        """Create the collectors on a registry, with every label combination there is."""
        by_participant = {"participant": participants}
        return cls(
            quotes=counter(
                registry,
                "bellkeeper_participant_quotes",
                "Quotes by the participant that they claim and by verdict since start",
                {
                    "participant": [*participants, UNKNOWN],
                    "verdict": [verdict.value for verdict in QuoteVerdict],
                },
            ),
            score=gauge(
                registry,
                "bellkeeper_participant_score_ratio",
                "How well a participant foresaw reopenings, 0 to 1",
                by_participant,
            ),
            accepted_at=gauge(
                registry,
                "bellkeeper_participant_accepted_timestamp_seconds",
                "When a quote of a participant was last accepted, on the venue's clock",
                by_participant,
            ),
            standing=gauge(
                registry,
                "bellkeeper_participant_standing_quotes",
                "Quotes that made the last standing price of a market",
                {"market": symbols},
            ),
            refused_connections=counter(
                registry,
                "bellkeeper_participant_refused_connections",
                "Connections closed at once because there were too many",
            ),
        )
