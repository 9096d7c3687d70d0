"""What the breaker keeper exports. Labels are closed sets."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from keepers.breaker.deeds import What
from keepers.breaker.outcome import BreakerCycle
from runtime.metrics import counter, gauge, histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerMetrics:
    """Collectors of the breaker keeper."""

    cycles: Counter
    last_cycle: Gauge
    sent: Counter
    done: Counter
    not_mined: Counter
    lifted: Counter
    waiting: Gauge
    reaction: Histogram

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "BreakerMetrics":
        """Create the collectors, with all of their series, on a registry."""
        by_what = {"what": [what.value for what in What]}
        return cls(
            cycles=counter(
                registry,
                "bellkeeper_breaker_cycles_total",
                "Cycles of the breaker keeper.",
                {"outcome": [outcome.value for outcome in BreakerCycle]},
            ),
            last_cycle=gauge(
                registry,
                "bellkeeper_breaker_last_cycle_timestamp_seconds",
                "When the last cycle ended.",
            ),
            sent=counter(
                registry,
                "bellkeeper_breaker_sent_total",
                "Bands, statuses and closures handed to the sender.",
                by_what,
            ),
            done=counter(
                registry, "bellkeeper_breaker_done_total", "Those that the exchange took.", by_what
            ),
            not_mined=counter(
                registry,
                "bellkeeper_breaker_not_mined_total",
                "Those that expired, were cancelled, or that the exchange refused.",
                by_what,
            ),
            lifted=counter(
                registry,
                "bellkeeper_breaker_lifted_total",
                "Statuses made less strict by rule or by order.",
            ),
            waiting=gauge(
                registry,
                "bellkeeper_breaker_waiting_markets",
                "Markets that are not yet as they ought to be.",
            ),
            reaction=histogram(
                registry,
                "bellkeeper_breaker_reaction_seconds",
                "From the fact seen to the write mined.",
            ),
        )
