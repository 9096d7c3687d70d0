"""Rules and alerts: generated, valid, proven by promtool, and about metrics that exist."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.monitoring import build
from deploy.monitoring.alert import Alert, Severity
from deploy.monitoring.objectives import (
    BREAKER_SECONDS,
    BURNS,
    EXCUSED,
    LIQUIDATION_BLOCKS,
    OBJECTIVES,
    WINDOWS,
)
from deploy.monitoring.promql import CONTRACT, known_samples, labels_in, names_in
from deploy.monitoring.recording import NOW, RATIO, recording_rules
from deploy.monitoring.yaml_text import Tree, yaml_text
from keepers.page import verdict
from runtime.metrics import LATENCY_BUCKETS
from tests.deploy.monitoring.tools import MONITORING, assert_well, run

EXPRESSIONS = {
    **{f"{name} {objective}": text for name, objective, text in recording_rules()},
    **{f"{each.name} {each.labels.get('window', '')}": each.expr for each in build.every_alert()},
}
STORIES = [
    (each.name, series)
    for each in build.every_alert()
    for story in (each.fires, each.quiet)
    for series in story.series
]
ALERTS = pytest.mark.parametrize(
    "alert", build.every_alert(), ids=lambda each: f"{each.name}{each.labels.get('window', '')}"
)


@pytest.mark.parametrize("path", build.files(), ids=str)
def test_what_is_committed_is_what_the_code_gives(path: Path) -> None:
    assert (MONITORING / path).read_text(encoding="utf-8") == build.files()[path], (
        "run `python -m deploy.monitoring.build`"
    )


def test_no_generated_file_is_left_over() -> None:
    there = {
        path.relative_to(MONITORING)
        for folder in ("rules", "alerts", "tests", "grafana")
        for path in (MONITORING / folder).rglob("*")
        if path.is_file()
    }
    assert there == set(build.files())


def test_promtool_takes_prometheus_with_all_rules() -> None:
    done = run("promtool", "check", "config", MONITORING / "prometheus.yml")
    assert_well(done)
    count = len(build.every_alert()) + len(list(recording_rules()))
    found = sum(
        int(line.split(" rules found")[0].rsplit(" ", 1)[-1])
        for line in done.stdout.splitlines()
        if "rules found" in line
    )
    assert found == count


@pytest.mark.parametrize("name", build.ALERTS)
def test_every_alert_fires_and_stays_silent_as_told(name: str) -> None:
    assert_well(run("promtool", "test", "rules", MONITORING / "tests" / f"{name}.yml"))


def test_promtool_would_see_an_alert_that_does_not_fire(tmp_path: Path) -> None:
    for path, text in build.files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    alerts = tmp_path / "alerts" / "lanes.yml"
    alerts.write_text(alerts.read_text().replace("_seconds > 60", "_seconds > 6000"))
    done = run("promtool", "test", "rules", tmp_path / "tests" / "lanes.yml")
    assert done.returncode == 1
    assert "StuckNonce" in done.stdout + done.stderr


@pytest.mark.parametrize("key", EXPRESSIONS)
def test_an_expression_names_what_exists(key: str) -> None:
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    expression = EXPRESSIONS[key]
    own = {NOW, *(f"{RATIO}{window}" for window in WINDOWS)}
    assert names_in(expression) <= set(samples), expression
    assert names_in(expression) or any(name in expression for name in own)
    for name, labels in labels_in(expression).items():
        assert labels <= samples[name], f"{name} has no label {sorted(labels - samples[name])}"


def test_a_story_is_told_of_series_that_exist() -> None:
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    for alert, series in STORIES:
        for name, labels in labels_in(series).items():
            assert name in samples, (alert, name)
            assert labels <= samples[name], (alert, name, labels)


@ALERTS
def test_an_alert_can_be_acted_on(alert: Alert) -> None:
    assert alert.summary
    assert not alert.summary.endswith(".")
    assert alert.description.endswith(".")
    assert len(alert.description.split()) >= 12
    assert alert.severity in Severity
    assert alert.annotations["dashboard_url"].startswith("/d/bellkeeper-")
    if alert.severity is Severity.TICKET:
        assert alert.hold != "0s" or "[" in alert.expr, "a ticket is no matter of one scrape"


def test_every_objective_has_every_pair_of_windows() -> None:
    found = {
        (alert.name, alert.labels["window"]): alert.severity for alert in build.ALERTS["objectives"]
    }
    assert found == {
        (objective.alert, burn.long): burn.severity for objective in OBJECTIVES for burn in BURNS
    }
    assert [(burn.long, burn.short, burn.factor) for burn in BURNS] == [
        ("1h", "5m", 14.4),
        ("6h", "30m", 6),
        ("3d", "6h", 1),
    ]


def test_an_edge_of_the_histogram_lies_on_the_objective() -> None:
    assert BREAKER_SECONDS in LATENCY_BUCKETS


def test_a_duty_that_stamps_its_cycles_is_watched() -> None:
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    stamps = {name for name in samples if name.endswith("_last_cycle_timestamp_seconds")}
    (alert,) = [each for each in build.every_alert() if each.name == "KeeperNotCycling"]
    assert len(stamps) >= 4
    assert names_in(alert.expr) == stamps


def test_yaml_keeps_texts_as_they_are() -> None:
    tree: Mapping[str, Tree] = {
        "a_b": 'say "no": # {{ $value }}',
        "c": "two\n  lines",
        "d": [],
        "e": {},
        "f": [{"g": 1}],
        "h": True,
    }
    assert yaml_text(tree, note="n").splitlines() == [
        "# n",
        'a_b: "say \\"no\\": # {{ $value }}"',
        "c: |-",
        "  two",
        "    lines",
        "d: []",
        "e: {}",
        "f:",
        "  - g: 1",
        "h: true",
    ]
    with pytest.raises(TypeError, match="expected a map, a text or a number"):
        yaml_text({"a": [["nested"]]}, note="n")


def test_the_status_page_calls_late_what_the_objective_calls_late() -> None:
    assert verdict.WAITING_BLOCKS == LIQUIDATION_BLOCKS
    assert {reason.value for reason in verdict.EXCUSED} == set(EXCUSED)
