"""The page in slices against the library's own: the same bytes, whatever the metrics and whenever they change."""

import asyncio
import math
from collections.abc import Callable

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Summary,
    disable_created_metrics,
    enable_created_metrics,
    generate_latest,
)

from runtime.exposition import BLOCK_SAMPLES, MetricsPage
from runtime.http import AdminHttp, Readiness
from runtime.metrics import counter, gauge, histogram, new_registry

MARKETS = [f"M{number}" for number in range(3 * BLOCK_SAMPLES // 2)]
ODD = 'a "quote", a \\ and\na new line'


async def page(registry: CollectorRegistry) -> bytes:
    return await MetricsPage(registry).render()


def full_registry() -> CollectorRegistry:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    counter(registry, "bellkeeper_a", f"Help with {ODD}.", {"kind": ["x", ODD]}).labels(ODD).inc(3)
    gauge(registry, "bellkeeper_b", "Many.", {"market": MARKETS, "a": ["1"]})
    gauge(registry, "bellkeeper_c", "One.").set(1.5e9)
    counter(registry, "bellkeeper_d_total", "One.").inc()
    lag = histogram(registry, "bellkeeper_e_seconds", "Buckets.", {"market": MARKETS[:60]})
    for number, market in enumerate(MARKETS[:60]):
        lag.labels(market).observe(number / 10)
    histogram(registry, "bellkeeper_f_seconds", "Buckets.").observe(0.2)
    Gauge("bellkeeper_empty", "No series.", ["market"], registry=registry)
    return registry


async def test_the_page_is_the_librarys_own_to_the_byte() -> None:
    registry = full_registry()
    Summary("other_summary", "Of another kind.", registry=registry).observe(3)
    Info("other_info", "Of another kind.", registry=registry).info({"a": ODD})
    Histogram("other_below", "Below zero.", buckets=(-1, 1), registry=registry).observe(0)
    assert await page(registry) == generate_latest(registry)


async def test_it_follows_values_and_series_that_come_and_go() -> None:
    registry = full_registry()
    served = MetricsPage(registry)
    assert await served.render() == generate_latest(registry)
    many = Gauge("later", "Comes later.", ["market"], registry=registry)
    changes: list[Callable[[], object]] = [
        lambda: many.labels("x").set(1),
        lambda: many.labels("y").set(2),
        lambda: many.remove("x"),
        lambda: many.labels("z").set(3),
        many.clear,
        lambda: registry.unregister(many),
        lambda: Counter("again", "Another.", registry=registry).inc(2),
        lambda: registry.set_target_info({"env": "prod"}),
        lambda: registry.set_target_info(None),
    ]
    for change in changes:
        change()
        assert await served.render() == generate_latest(registry)


@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=9))
def test_every_number_is_written_as_the_library_writes_it(values: list[float]) -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    one, served = Gauge("one", "One.", registry=registry), MetricsPage(registry)
    for value in values:
        one.set(value)
        assert asyncio.run(served.render()) == generate_latest(registry)


@pytest.mark.parametrize(
    ("before", "after"),
    [(0.0, -0.0), (-0.0, 0.0), (1.0, math.nan), (math.nan, 1.0), (True, 0), (1, 1.5)],
)
async def test_a_change_that_compares_equal_is_still_seen(before: float, after: float) -> None:
    registry = CollectorRegistry()
    one, served = Gauge("one", "One.", registry=registry), MetricsPage(registry)
    for value in (before, after):
        one.set(value)
        assert await served.render() == generate_latest(registry)


async def test_times_of_creation_are_told_where_they_are_switched_on() -> None:
    enable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        registry = CollectorRegistry()
        Counter("made", "Counts.", ["kind"], registry=registry).labels("x").inc()
        Histogram("took", "Buckets.", registry=registry).observe(1)
        assert b"made_created" in generate_latest(registry)
        assert await page(registry) == generate_latest(registry)
    finally:
        disable_created_metrics()  # type: ignore[no-untyped-call]


async def test_others_have_their_turn_between_two_blocks() -> None:
    registry = full_registry()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await page(registry)
    task.cancel()
    blocks = len(MARKETS) // BLOCK_SAMPLES + 60 * 19 // BLOCK_SAMPLES
    assert turns >= blocks


async def test_it_is_served_with_the_type_that_it_has() -> None:
    registry, stop = full_registry(), asyncio.Event()
    http = AdminHttp("127.0.0.1:0", registry=registry, readiness=Readiness(), status=dict)
    serving = asyncio.create_task(http.run(stop))
    await http.started.wait()
    url = f"http://127.0.0.1:{http.port}/metrics"
    try:
        async with aiohttp.ClientSession() as session:
            for accept in ("*/*", "application/openmetrics-text; version=1.0.0"):
                async with session.get(url, headers={"Accept": accept}) as answer:
                    assert answer.headers["Content-Type"] == CONTENT_TYPE_LATEST
                    assert await answer.read() == generate_latest(registry)
    finally:
        stop.set()
        await serving


async def test_the_process_and_what_was_built_are_on_the_page() -> None:
    text = (await page(new_registry(version="1.2.3"))).decode()
    assert 'bellkeeper_build_info{python="' in text
    assert "process_cpu_seconds_total" in text
    assert "python_gc_collections_total" in text
