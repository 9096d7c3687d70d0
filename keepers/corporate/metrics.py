"""What the corporate keeper exports. Labels are closed sets."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from keepers.corporate.outcome import CorporateCycle, What, WriteResult
from runtime.metrics import counter, gauge, histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateMetrics:
    """Collectors of the corporate keeper."""

    cycles: Counter
    last_cycle: Gauge
    writes: Counter
    reaction: Histogram

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "CorporateMetrics":
        """Create the collectors, with all of their series, on a registry."""
        return cls(
            cycles=counter(
                registry,
                "bellkeeper_corporate_cycles_total",
                "Cycles of the corporate keeper.",
                {"outcome": [outcome.value for outcome in CorporateCycle]},
            ),
            last_cycle=gauge(
                registry,
                "bellkeeper_corporate_last_cycle_timestamp_seconds",
                "When the last cycle ended.",
            ),
            writes=counter(
                registry,
                "bellkeeper_corporate_writes_total",
                "Writes handed to the sender, and what became of them.",
                {
                    "what": [what.value for what in What],
                    "result": [result.value for result in WriteResult],
                },
            ),
            reaction=histogram(
                registry,
                "bellkeeper_corporate_reaction_seconds",
                "From the decision to the write mined.",
            ),
        )
