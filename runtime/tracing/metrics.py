"""What the export of traces says of itself."""

from dataclasses import dataclass
from enum import StrEnum, auto

from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.metrics import counter, gauge


class Fate(StrEnum):
    """What became of a span."""

    EXPORTED = auto()
    REJECTED = auto()
    """The collector took the request and refused this span of it."""
    REFUSED = auto()
    """The collector refused the whole request for good."""
    DROPPED = auto()
    """The collector was away for so long that it was never asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracingMetrics:
    """Collectors of the export."""

    spans: Counter
    failures: Counter
    behind: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "TracingMetrics":
        """Create the collectors, with all of their series, on a registry."""
        return cls(
            spans=counter(
                registry,
                "bellkeeper_tracing_spans_total",
                "Spans of intents, by what became of them.",
                {"result": [fate.value for fate in Fate]},
            ),
            failures=counter(
                registry,
                "bellkeeper_tracing_export_failures_total",
                "Attempts to export that will be made again: the collector was away or busy.",
            ),
            behind=gauge(
                registry,
                "bellkeeper_tracing_behind",
                "Moves in the journal that the export has not told yet.",
            ),
        )

    def count(self, fate: Fate, spans: int) -> None:
        """Count spans."""
        self.spans.labels(fate.value).inc(spans)
