"""What a scrape costs: every metric of every duty, for a hundred markets and ten sources, over HTTP.

The families, their labels and edges are those that the composed process tells on its own page; only markets and
sources are more. Who scrapes is a process of its own, as Prometheus is. Between two scrapes a tenth of
the series change, and once all of them.

    python -m tests.bench.bench_scrape
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from keepers.duty_choice import DUTIES
from keepers.metrics_catalogue import COUNTER, HISTOGRAM, MetricEntry, page_of, read_page
from runtime.http import AdminHttp, Readiness
from runtime.logging import configure_logging
from runtime.metrics import PREFIX, counter, gauge, histogram, new_registry

MARKETS: Final = tuple(f"M{number:03}" for number in range(100))
SOURCES: Final = tuple(f"source-{number}" for number in range(10))
SCRAPES: Final = 30
PROBE_SECONDS: Final = 0.0005
_CLIENT: Final = """
import sys, time, urllib.request
for line in sys.stdin:
    began = time.perf_counter()
    body = urllib.request.urlopen(sys.argv[1]).read()
    print(time.perf_counter() - began, len(body), flush=True)
"""
Metric = Counter | Gauge | Histogram


@dataclass(slots=True)
class Probe:
    """A task that wants to run all the time, and what it had to wait."""

    delay: float = 0.0
    cpu: float = 0.0
    """Of this thread between two of its turns: a delay that is our doing, on a busy machine too."""
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    delays: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Sleep and wake until cancelled."""
        while True:
            asked, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(PROBE_SECONDS)
            late = time.perf_counter() - asked - PROBE_SECONDS
            self.delay = max(self.delay, late)
            self.cpu = max(self.cpu, time.thread_time() - cpu)
            self.turn.set()

    async def begin(self) -> None:
        """Begin anew, once what was done before has been waited for."""
        for _ in range(2):
            self.turn.clear()
            await self.turn.wait()
        self.delay = self.cpu = 0.0

    def note(self) -> None:
        """Take down the longest of this scrape."""
        self.delays.append(self.delay)
        self.cpus.append(self.cpu)


def run() -> dict[str, float]:
    """Give the median time of a scrape, and what the event loop waited meanwhile, in milliseconds."""
    configure_logging(level="error")
    return asyncio.run(_measured())


async def _measured() -> dict[str, float]:
    registry = new_registry(version="bench")
    metrics = _families(registry, read_page(await page_of(frozenset(DUTIES))))
    library = _seconds_of(registry)
    stop, probe = asyncio.Event(), Probe()
    http = AdminHttp("127.0.0.1:0", registry=registry, readiness=Readiness(), status=dict)
    serving = asyncio.create_task(http.run(stop))
    await http.started.wait()
    probing = asyncio.create_task(probe.run())
    client = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CLIENT,
        f"http://127.0.0.1:{http.port}/metrics",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    times, size = [], 0
    for number in range(SCRAPES + 1):
        _change(metrics, every=1 if number == SCRAPES else 10)
        await probe.begin()
        seconds, size = await _scrape(client)
        probe.note()
        times.append(seconds)
    assert client.stdin is not None
    client.stdin.close()
    await client.wait()
    probing.cancel()
    stop.set()
    await serving
    return {
        "scrape_100x10_ms": median(times[1:-1]) * 1_000,
        "scrape_100x10_loop_delay_ms": median(probe.delays[1:]) * 1_000,
        "scrape_100x10_loop_cpu_ms": max(probe.cpus[1:]) * 1_000,
        "scrape_100x10_all_changed_ms": times[-1] * 1_000,
        "scrape_100x10_library_ms": library * 1_000,
        "scrape_100x10_bytes": float(size),
        "scrape_100x10_series": float(generate_latest(registry).count(b"\n")),
    }


async def _scrape(client: asyncio.subprocess.Process) -> tuple[float, int]:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"now\n")
    seconds, size = (await client.stdout.readline()).split()
    return float(seconds), int(size)


def _seconds_of(registry: CollectorRegistry) -> float:
    """Say how long the library's own page takes."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        generate_latest(registry)
        times.append(time.perf_counter() - began)
    return median(times)


def _families(registry: CollectorRegistry, entries: Sequence[MetricEntry]) -> list[Metric]:
    """Make every family of the program, with all of its series; give the series."""
    found: list[Metric] = []
    for entry in entries:
        if not entry.name.startswith(PREFIX) or "python" in entry.labels or not entry.series:
            continue
        more = {"market": MARKETS, "source": SOURCES}
        labels = {name: more.get(name, values) for name, values in entry.labels.items()}
        if entry.kind == COUNTER:
            family: Metric = counter(registry, entry.name, entry.text, labels)
        elif entry.kind == HISTOGRAM:
            family = histogram(registry, entry.name, entry.text, labels, buckets=entry.edges)
        else:
            family = gauge(registry, entry.name, entry.text, labels)
        found.extend(getattr(family, "_metrics", {"": family}).values())
    return found


def _change(metrics: Sequence[Metric], *, every: int) -> None:
    for metric in metrics[::every]:
        if isinstance(metric, Histogram):
            metric.observe(0.3)
        else:
            metric.inc(1.25)


if __name__ == "__main__":
    sys.stdout.write(json.dumps({key: round(value, 3) for key, value in run().items()}) + "\n")
