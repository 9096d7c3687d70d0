"""What the count of spending exports; money spent and left is told by the desk."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.metrics import counter, gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingMetrics:
    """Collectors of the count of spending."""

    recounts: Counter
    mismatches: Counter
    is_mismatched: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "SpendingMetrics":
        """Create the collectors, with all of their series, on a registry."""
        return cls(
            recounts=counter(
                registry,
                "bellkeeper_incentive_recounts_total",
                "Times that the whole week's spending was counted anew from the chain.",
            ),
            mismatches=counter(
                registry,
                "bellkeeper_incentive_mismatches_total",
                "Times that such a count differed from what was counted as trades came.",
            ),
            is_mismatched=gauge(
                registry,
                "bellkeeper_incentive_is_mismatched",
                "1 from a count that differed until one that agrees; rebates do not rise meanwhile.",
            ),
        )
