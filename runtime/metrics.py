"""Collectors with closed label sets, in a registry that is passed in.

Every name is written in full where it is declared, so that a search for an alert's metric finds
it. All label combinations exist from the start: a rate over a series that appears with its first
error misses that error. Base units; never an address, a hash or a message as a label.
"""

import asyncio
import itertools
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.process_collector import ProcessCollector

from runtime.clock import Clock
from runtime.supervise import sleep_unless

PREFIX: Final = "bellkeeper_"
LATENCY_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075,
    0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Seconds; an edge lies on each latency objective, so that its alert counts exactly."""
MOST_COMBINATIONS: Final = 2_000
"""More series than this in one metric means that a label set is not closed."""

Labels = Mapping[str, Sequence[str]]
_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


def new_registry(*, version: str, revision: str = "unknown") -> CollectorRegistry:
    """Make a registry that holds process and collector figures and `bellkeeper_build_info`."""
    # When a series began nobody asks, and the page would be a third longer.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    build = Gauge(
        "bellkeeper_build_info",
        "What runs; always 1.",
        ("version", "revision", "python"),
        registry=registry,
    )
    build.labels(version, revision, platform.python_version()).set(1)
    return registry


def counter(
    registry: CollectorRegistry, name: str, text: str, labels: Labels | None = None
) -> Counter:
    """Make a counter; `labels` maps each label to all of its values."""
    labels = labels or {}
    return _with_all_series(Counter(_checked(name), text, tuple(labels), registry=registry), labels)


def gauge(registry: CollectorRegistry, name: str, text: str, labels: Labels | None = None) -> Gauge:
    """Make a gauge; `labels` maps each label to all of its values."""
    labels = labels or {}
    return _with_all_series(Gauge(_checked(name), text, tuple(labels), registry=registry), labels)


def histogram(
    registry: CollectorRegistry,
    name: str,
    text: str,
    labels: Labels | None = None,
    *,
    buckets: Sequence[float] = LATENCY_BUCKETS,
) -> Histogram:
    """Make a histogram; `labels` maps each label to all of its values."""
    labels = labels or {}
    return _with_all_series(
        Histogram(_checked(name), text, tuple(labels), buckets=buckets, registry=registry), labels
    )


def set_one_hot(state_gauge: Gauge, states: Iterable[str], current: str, **labels: str) -> None:
    """Set the series of `current` in a gauge with label `state` to 1 and all others to 0."""
    for state in states:
        state_gauge.labels(state=state, **labels).set(1 if state == current else 0)


def _checked(name: str) -> str:
    if not name.startswith(PREFIX):
        raise ValueError(f"expected a metric name that starts with {PREFIX!r}, found {name!r}")
    return name


def _with_all_series(metric: _Metric, labels: Labels) -> _Metric:
    if labels:
        combinations = list(itertools.product(*labels.values()))
        if len(combinations) > MOST_COMBINATIONS:
            raise ValueError(
                f"expected at most {MOST_COMBINATIONS} series, found {len(combinations)}"
            )
        for values in combinations:
            metric.labels(*values)
    return metric


class LoopLag:
    """Measure how late the event loop wakes a sleeper: what every message waits at least."""

    def __init__(
        self, registry: CollectorRegistry, *, clock: Clock, interval_seconds: float = 0.25
    ) -> None:
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._histogram = histogram(
            registry,
            "bellkeeper_event_loop_lag_seconds",
            "How much later than asked the event loop woke a sleeping task.",
        )
        self.last_seconds = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Measure until `stop`."""
        while not stop.is_set():
            asked = self._clock.monotonic() + self._interval_seconds
            if await sleep_unless(stop, self._interval_seconds):
                return
            self.last_seconds = max(0.0, self._clock.monotonic() - asked)
            self._histogram.observe(self.last_seconds)
