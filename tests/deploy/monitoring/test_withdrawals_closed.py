"""Withdrawals may be closed by the gate or by a breaker: the alert hears of either, alone."""

import json
from pathlib import Path

import pytest

from deploy.monitoring import build
from deploy.monitoring.alert import one
from tests.deploy.monitoring.tools import assert_well, run

BY_GATE = one("bellkeeper_withdrawal_gate_closed", "0 1+0x9")
BY_BREAKER = one("bellkeeper_breaker_done_total", "0 0 1+0x9", what="withdrawals")


@pytest.mark.parametrize("series", [BY_GATE, BY_BREAKER], ids=["gate", "breaker"])
def test_either_alone_is_heard_of(series: dict[str, str], tmp_path: Path) -> None:
    (alert,) = [each for each in build.every_alert() if each.name == "WithdrawalsClosed"]
    (tmp_path / "alerts.yml").write_text(build.files()[Path("alerts") / "solvency.yml"])
    firing = {"exp_labels": {"severity": "page"}, "exp_annotations": alert.annotations}
    wanted = {"eval_time": "4m", "alertname": alert.name, "exp_alerts": [firing]}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in series.items()],
        "alert_rule_test": [wanted],
    }
    # JSON is YAML too.
    text = json.dumps({"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": [test]})
    (tmp_path / "test.yml").write_text(text)
    assert_well(run("promtool", "test", "rules", tmp_path / "test.yml"))
