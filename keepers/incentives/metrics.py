"""What the incentive keeper exports. Labels are closed sets."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from keepers.incentives.outcome import IncentiveCycle, WriteResult
from monitors.incentives.terms import TUNED
from runtime.metrics import counter, gauge, histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveMetrics:
    """Collectors of the incentive keeper."""

    cycles: Counter
    last_cycle: Gauge
    writes: Counter
    waiting: Gauge
    reaction: Histogram

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "IncentiveMetrics":
        """Create the collectors, with all of their series, on a registry."""
        return cls(
            cycles=counter(
                registry,
                "bellkeeper_incentive_cycles_total",
                "Cycles of the incentive keeper.",
                {"outcome": [outcome.value for outcome in IncentiveCycle]},
            ),
            last_cycle=gauge(
                registry,
                "bellkeeper_incentive_last_cycle_timestamp_seconds",
                "When the last cycle ended.",
            ),
            writes=counter(
                registry,
                "bellkeeper_incentive_writes_total",
                "Parameters handed to the sender, and what became of them.",
                {
                    "parameter": [each.name.lower() for each in TUNED],
                    "result": [result.value for result in WriteResult],
                },
            ),
            waiting=gauge(
                registry,
                "bellkeeper_incentive_waiting_markets",
                "Markets in which something is to be written now.",
            ),
            reaction=histogram(
                registry,
                "bellkeeper_incentive_reaction_seconds",
                "From the judgement to the write mined.",
            ),
        )
