"""What the price board exports of every source: that it speaks, what it says, what went wrong.

Labels are closed sets: the configured sources, the venue's symbols, the kinds of fault.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

from monitors.prices.port import FaultKind
from runtime.metrics import counter, gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMetrics:
    """Collectors of the price board."""

    reports: Counter
    out_of_order: Counter
    unknown_symbol: Counter
    faults: Counter
    price: Gauge
    observed_at: Gauge

    @classmethod
    def create(
        cls, registry: CollectorRegistry, *, sources: Sequence[str], symbols: Sequence[str]
    ) -> "SourceMetrics":
        """Create the collectors on a registry, with every label combination there is."""
        by_source = {"source": sources}
        by_kind = {"source": sources, "kind": [kind.value for kind in FaultKind]}
        by_market = {"source": sources, "market": symbols}
        return cls(
            reports=counter(
                registry,
                "bellkeeper_price_source_reports",
                "Reports taken from a price source since start",
                by_source,
            ),
            out_of_order=counter(
                registry,
                "bellkeeper_price_source_out_of_order",
                "Reports older than one already held, which were left out",
                by_source,
            ),
            unknown_symbol=counter(
                registry,
                "bellkeeper_price_source_unknown_symbol",
                "Reports about a symbol that the venue does not list",
                by_source,
            ),
            faults=counter(
                registry,
                "bellkeeper_price_source_faults",
                "Faults of a price source by kind since start",
                by_kind,
            ),
            price=gauge(
                registry,
                "bellkeeper_price_source_price_usd",
                "Newest price from a source, not yet judged",
                by_market,
            ),
            observed_at=gauge(
                registry,
                "bellkeeper_price_source_observed_timestamp_seconds",
                "When the source last saw the underlying trade or quote",
                by_market,
            ),
        )
