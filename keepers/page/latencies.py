"""Latencies out of the metrics: what a scrape would see, for those collectors alone that are shown."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from keepers.page.facts import Latency

WAITING: Final = "bellkeeper_liquidation_oldest_waiting_blocks"
SKIPPED: Final = "bellkeeper_liquidation_accounts_skipped"
LOOP_LAG: Final = "bellkeeper_event_loop_lag_seconds"
SHOWN: Final = {
    "bellkeeper_liquidation_seen_to_sent_seconds": "seen under margin to signed and sent",
    "bellkeeper_sender_decided_to_written_seconds": "decided to written, all lanes",
    "bellkeeper_sender_written_to_receipt_seconds": "written to receipt, all lanes",
}
HALF: Final = 0.5
MOST: Final = 0.99
BUCKET: Final = "_bucket"
COUNT: Final = "_count"


def latencies(registry: CollectorRegistry) -> Mapping[str, Latency]:
    """Give every latency that is measured here, by what it is from and to."""
    return {
        SHOWN[metric.name]: latency_of(metric)
        for name in SHOWN
        for metric in _collected(registry, name, f"{name}{BUCKET}", f"{name}{COUNT}")
    }


def loop_lag(registry: CollectorRegistry) -> Latency | None:
    """Give how late the event loop wakes a sleeper; None where nobody measures."""
    found = _collected(registry, LOOP_LAG, f"{LOOP_LAG}{BUCKET}", f"{LOOP_LAG}{COUNT}")
    return next(map(latency_of, found), None)


def waiting_blocks(registry: CollectorRegistry) -> int | None:
    """Give for how many blocks the oldest under margin waits; None where nobody liquidates."""
    for metric in _collected(registry, WAITING):
        for sample in metric.samples:
            return int(sample.value)
    return None


def skipped(registry: CollectorRegistry) -> Mapping[str, int]:
    """Give the accounts under margin that the last plan left alone, by reason."""
    return {
        sample.labels["reason"]: int(sample.value)
        for metric in _collected(registry, SKIPPED)
        for sample in metric.samples
        if sample.value
    }


def latency_of(metric: Metric) -> Latency:
    """Sum a histogram over its labels, and find the edges that hold half and 99 of 100."""
    edges: dict[float, float] = {}
    for sample in metric.samples:
        if sample.name.endswith(BUCKET):
            edge = float(sample.labels["le"])
            edges[edge] = edges.get(edge, 0.0) + sample.value
    count = max(edges.values(), default=0.0)

    def within(share: float) -> float | None:
        found = (edge for edge in sorted(edges) if edges[edge] >= share * count)
        return next(found, None) if count else None

    return Latency(count=int(count), half_within=within(HALF), most_within=within(MOST))


def _collected(registry: CollectorRegistry, *names: str) -> list[Metric]:
    # Restricted: thousands of other series are left alone.
    return [metric for metric in registry.restricted_registry(names).collect() if metric.samples]
