"""The metrics contract: the page and the list are what the program exports, and that keeps the rules."""

import asyncio
import re

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from keepers.duty_choice import DUTIES
from keepers.metrics_catalogue import HISTOGRAM, MetricEntry, catalogue, page_of, read_page
from keepers.metrics_document import BY_PROFILE, CONTRACT, PAGE, contract, document, unit_of
from runtime.metrics import LATENCY_BUCKETS, PREFIX, counter, gauge
from tests.deploy.monitoring.tools import run

HOW = "run `python -m keepers.metrics_document` and read the difference: alerts rely on these names"
NOT_BASE = re.compile(
    r"_(ms|milliseconds|micros|us|ns|minutes|hours|days|bps|bp|ppm|percent|wei|gwei|atoms|e8|kb|mb)(_|$)"
)
ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}|\b[0-9a-fA-F]{40,}\b")


@pytest.fixture(scope="module")
def entries() -> tuple[MetricEntry, ...]:
    return asyncio.run(catalogue())


@pytest.fixture(scope="module")
def ours(entries: tuple[MetricEntry, ...]) -> list[MetricEntry]:
    return [entry for entry in entries if entry.name.startswith(PREFIX)]


def test_names_types_and_labels_are_those_that_alerts_rely_on(
    entries: tuple[MetricEntry, ...],
) -> None:
    assert CONTRACT.read_text(encoding="utf-8") == contract(entries), HOW


def test_the_page_is_up_to_date(entries: tuple[MetricEntry, ...]) -> None:
    # The version of Python is a label's value, and not the same everywhere: it is never listed.
    assert PAGE.read_text(encoding="utf-8") == document(entries), HOW


def test_every_duty_exports_something_of_its_own(ours: list[MetricEntry]) -> None:
    assert {duty for entry in ours for duty in entry.duties} == set(DUTIES)
    for duty in DUTIES:
        assert any(duty in entry.duties and len(entry.duties) < len(DUTIES) for entry in ours), duty


def test_names_are_ours_or_the_runtimes(entries: tuple[MetricEntry, ...]) -> None:
    for entry in entries:
        assert entry.name.startswith((PREFIX, "process_", "python_gc_")), entry.name


def test_every_label_combination_is_there_from_the_start(entries: tuple[MetricEntry, ...]) -> None:
    assert [entry.name for entry in entries if not entry.is_complete] == []


def test_labels_are_closed_and_hold_no_address(ours: list[MetricEntry]) -> None:
    for entry in ours:
        for label, values in entry.labels.items():
            assert values, (entry.name, label)
            assert label in BY_PROFILE or len(values) <= 32, (entry.name, label)
            assert label not in {"account", "address", "owner", "hash", "message", "error"}
            assert not any(ADDRESS.search(value) for value in values), (entry.name, label)


def test_units_are_base_units(ours: list[MetricEntry]) -> None:
    for entry in ours:
        assert not NOT_BASE.search(entry.name), entry.name
        assert entry.text, entry.name
        assert entry.name.endswith("_total") == (entry.kind == "counter"), entry.name


def test_histograms_have_the_edges_of_the_objectives(ours: list[MetricEntry]) -> None:
    histograms = [entry for entry in ours if entry.kind == HISTOGRAM]
    assert histograms
    for entry in histograms:
        assert entry.edges == LATENCY_BUCKETS, entry.name
        assert unit_of(entry.name) == "seconds", entry.name


async def test_promtool_finds_nothing_to_mend_in_a_real_page() -> None:
    page = await page_of(frozenset(DUTIES))
    done = run("promtool", "check", "metrics", given=page)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    bad = run("promtool", "check", "metrics", given="# TYPE a_ms gauge\na_ms 1\n")
    assert bad.returncode != 0


def test_a_series_that_is_missing_is_seen() -> None:
    registry = CollectorRegistry()
    sides = ("bid", "ask")
    gauge(registry, "bellkeeper_whole", "W.", {"side": sides, "market": ("A", "B")})
    partial = Gauge("bellkeeper_partial", "P.", ("side", "market"), registry=registry)
    partial.labels("bid", "A")
    partial.labels("ask", "B")
    Gauge("bellkeeper_none", "N.", ("side",), registry=registry)
    counter(registry, "bellkeeper_plain", "C.")
    found = {
        entry.name: entry.is_complete for entry in read_page(generate_latest(registry).decode())
    }
    assert found == {
        "bellkeeper_whole": True,
        "bellkeeper_partial": False,
        "bellkeeper_none": False,
        "bellkeeper_plain_total": True,
    }


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("bellkeeper_a_last_cycle_timestamp_seconds", "seconds since 1970"),
        ("bellkeeper_a_seconds", "seconds"),
        ("bellkeeper_rewards_usd_total", "USD"),
        ("bellkeeper_a_total", "count"),
        ("bellkeeper_state", "number"),
    ],
)
def test_a_name_tells_its_unit(name: str, unit: str) -> None:
    assert unit_of(name) == unit
