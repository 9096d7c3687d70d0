"""Alertmanager: its own tool takes the configuration, each severity reaches its receiver, no secret is in it."""

import re

import pytest

from deploy.monitoring import build
from deploy.monitoring.alert import Severity
from tests.deploy.monitoring.tools import MONITORING, assert_well, run

CONFIG = MONITORING / "alertmanager" / "alertmanager.yml"
RECEIVERS = {
    Severity.PAGE: "pager",
    Severity.TICKET: "tickets",
    Severity.HEARTBEAT: "dead-mans-switch",
}


def test_amtool_takes_it() -> None:
    assert_well(run("amtool", "check-config", CONFIG))


@pytest.mark.parametrize("severity", Severity)
def test_a_severity_reaches_its_receiver(severity: Severity) -> None:
    done = run(
        "amtool", "config", "routes", "test", f"--config.file={CONFIG}", f"severity={severity}"
    )
    assert_well(done)
    assert done.stdout.split() == [RECEIVERS[severity]]


def test_inhibition_names_alerts_that_exist() -> None:
    named = set()
    for expression in re.findall(r'alertname=~?"([^"]+)"', CONFIG.read_text(encoding="utf-8")):
        named.update(expression.split("|"))
    assert {"ChainStalled", "MarkFreshnessBudgetBurning"} <= named
    assert named <= set(build.severities())


def test_nothing_silences_what_must_always_be_heard() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    targets = " ".join(re.findall(r"target_matchers:(.*?)(?=equal|source|\n\n)", text, re.DOTALL))
    for name in ("SolvencyBreach", "RoleChanged", "ForeignNonce", "KeeperDown", "DeadMansSwitch"):
        assert name not in targets


def test_secrets_come_from_files() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    keys = re.findall(
        r"^\s*-?\s*(\w*(?:key|token|password|secret|api_url|credentials)\w*):", text, re.MULTILINE
    )
    assert keys
    assert all(key.endswith("_file") for key in keys), keys
