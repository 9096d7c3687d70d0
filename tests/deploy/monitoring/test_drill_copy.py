"""The drill copy differs from what is shipped in durations, addresses and receivers, and in nothing else."""

import re
from pathlib import Path

import pytest

from deploy.monitoring import build, drill_copy
from tests.deploy.monitoring.tools import MONITORING, assert_well, run

FACTOR = 20
TIME = re.compile(r"[0-9]+(?:ms|s|m|h|d)\b")
SHIPPED = {
    path: text for path, text in build.files().items() if path.parts[0] in {"rules", "alerts"}
}


@pytest.mark.parametrize(
    ("duration", "factor", "expected"),
    [
        ("5m", 20, "15s"),
        ("30s", 20, "1500ms"),
        ("3d", 20, "12960s"),
        ("1h", 1, "3600s"),
        ("0s", 20, "0s"),
        ("10ms", 20, "1ms"),
    ],
)
def test_a_duration_is_divided(duration: str, factor: int, expected: str) -> None:
    assert drill_copy.divided(duration, factor) == expected


def test_what_is_no_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a duration like 5m, found '5 minutes'"):
        drill_copy.divided("5 minutes", 20)


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_every_wait_window_and_offset_is_divided_and_nothing_else(path: Path) -> None:
    copy = drill_copy.rule_files(FACTOR)[path]
    before, after = SHIPPED[path].splitlines(), copy.splitlines()
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert TIME.sub("T", old) == TIME.sub("T", new)
    shipped, divided = drill_copy.durations_of(SHIPPED[path]), drill_copy.durations_of(copy)
    expected: dict[str, int] = {}
    for duration, count in shipped.items():
        each = drill_copy.divided(duration, FACTOR)
        expected[each] = expected.get(each, 0) + count
    assert divided == expected


def test_the_heads_age_is_counted_on_the_venues_clock() -> None:
    plain = drill_copy.rule_files(FACTOR)
    moved = drill_copy.rule_files(FACTOR, venue_ahead_seconds=-86_400)
    differing = [path for path, text in plain.items() if text != moved[path]]
    assert differing == [Path("alerts") / "chain.yml"]
    assert (
        "(time() + -86400) - max(bellkeeper_feed_head_timestamp_seconds > 0) > 30"
        in moved[differing[0]]
    )


def test_no_other_rule_compares_our_clock_with_the_venues() -> None:
    of_venue = ("feed_head_timestamp", "price_timestamp", "venue_time", "observed_timestamp")
    mixing = [
        alert.name
        for alert in build.every_alert()
        if "time()" in alert.expr and any(name in alert.expr for name in of_venue)
    ]
    assert mixing == ["ChainStalled"]


def test_prometheus_takes_the_copy(tmp_path: Path) -> None:
    texts = drill_copy.rule_files(FACTOR, venue_ahead_seconds=5) | {
        Path("prometheus.yml"): drill_copy.prometheus_file(
            FACTOR, alertmanager="127.0.0.1:1", keeper="127.0.0.1:2"
        )
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    done = run("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert_well(done)
    assert done.stdout.count("rules found") == len(SHIPPED)
    text = texts[Path("prometheus.yml")]
    assert "scrape_interval: 250ms" in text
    assert "evaluation_interval: 250ms" in text
    assert "scrape_timeout: 200ms" in text


def test_alertmanager_takes_the_copy_and_routes_as_shipped(tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(drill_copy.alertmanager_file(FACTOR, webhook="http://127.0.0.1:1"))
    assert_well(run("amtool", "check-config", config))
    for severity in ("page", "ticket", "heartbeat"):
        answers = [
            run(
                "amtool",
                "config",
                "routes",
                "test",
                f"--config.file={path}",
                f"severity={severity}",
            )
            for path in (config, MONITORING / "alertmanager" / "alertmanager.yml")
        ]
        assert answers[0].stdout == answers[1].stdout != ""
    text = config.read_text()
    assert text.count("send_resolved: true") == 2
    assert text.count("send_resolved: false") == 1
    shipped = (MONITORING / "alertmanager" / "alertmanager.yml").read_text()
    inhibitions = re.search(r"inhibit_rules:.*?(?=\nreceivers:)", shipped, re.DOTALL)
    assert inhibitions is not None
    assert inhibitions[0] in text
    assert "secrets" not in text.partition("receivers:")[2]
