"""Observing: one fault from end to end with the real servers, and every way in which a verdict says no."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.monitoring.alert import Severity
from deploy.monitoring.build import severities
from drills.anvil import ROOT
from drills.observe import tools
from drills.observe.episode import Episode
from drills.observe.faults import ALWAYS, FAULTS
from drills.observe.receiver import running_receiver
from drills.observe.table import as_report, as_text
from drills.observe.verdict import RECEIVERS, problems
from keepers.cli import main
from runtime.errors import OperatorError
from tests.deploy.monitoring.tools import MONITORING, run, tool


def good() -> Episode:
    return Episode(
        name="quorum",
        what="two of three go",
        expected=frozenset({"PriceQuorumLost", "PriceSourceLost"}),
        expected_inhibited=frozenset({"PriceSourceLost"}),
        fired={"PriceQuorumLost": 2.0, "PriceSourceLost": 30.0},
        resolved={"PriceQuorumLost": 1.0, "PriceSourceLost": 1.5},
        notified={"PriceQuorumLost": "pager", "DeadMansSwitch": "dead-mans-switch"},
        told_of_end={"PriceQuorumLost"},
        targets={"127.0.0.1:1": "up"},
        rules=77,
        firing=ALWAYS,
    )


def test_one_fault_raises_its_alert_and_no_other_by_the_real_servers(tmp_path: Path) -> None:
    for name in ("promtool", "prometheus"):
        tool(name)
    words = ("observe", "keeper killed", "--json", "-", "--folder", str(tmp_path))
    ended = subprocess.run(
        [sys.executable, "-m", "keepers", *words],
        cwd=ROOT,
        capture_output=True,
        timeout=110,
        check=False,
    )
    report = json.loads(ended.stdout)
    (episode,) = report["episodes"]
    assert episode["problems"] == []
    assert set(episode["fired_after_seconds"]) == {"KeeperDown"}
    assert episode["receivers"] == {"DeadMansSwitch": "dead-mans-switch", "KeeperDown": "pager"}
    assert episode["stopped"] == ["DeadMansSwitch"]
    assert set(episode["targets"].values()) == {"up"}
    assert episode["rules"] > 70
    assert (report["is_as_expected"], ended.returncode) == (True, 0)


def test_an_episode_as_expected_has_no_problems() -> None:
    assert problems(good(), severities()) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda e: e.fired.pop("PriceQuorumLost"), "PriceQuorumLost did not fire"),
        (lambda e: e.fired.update(BadDebt=1.0), "BadDebt fired and should not"),
        (lambda e: e.hushed.add("DeadMansSwitch"), "DeadMansSwitch stopped and should not"),
        (lambda e: e.notified.pop("PriceQuorumLost"), "nobody was notified of PriceQuorumLost"),
        (
            lambda e: e.notified.update(PriceSourceLost="tickets"),
            "PriceSourceLost was notified although another says more",
        ),
        (
            lambda e: e.notified.update(PriceQuorumLost="tickets"),
            "PriceQuorumLost went to tickets, not to pager",
        ),
        (lambda e: e.resolved.pop("PriceQuorumLost"), "PriceQuorumLost did not end"),
        (lambda e: e.told_of_end.clear(), "nobody was told that PriceQuorumLost ended"),
        (lambda e: e.targets.clear(), "no target is scraped"),
        (lambda e: e.targets.update(x="down"), "target x is down"),
        (lambda e: e.unhealthy_rules.update(BadDebt="bad"), "rule BadDebt is unwell: bad"),
        (lambda e: setattr(e, "rules", 0), "no rule is loaded"),
        (
            lambda e: setattr(e, "expected_hushed", frozenset({"DeadMansSwitch"})),
            "DeadMansSwitch did not stop",
        ),
    ],
)
def test_every_difference_is_said(spoil: Callable[[Episode], Any], said: str) -> None:
    episode = good()
    spoil(episode)
    assert said in problems(episode, severities())
    report = as_report([good(), episode], severities(), factor=20, seconds=1)
    assert report["is_as_expected"] is False
    assert f"- quorum: {said}" in as_text([episode], severities(), factor=20)


def test_the_table_says_who_heard_and_who_was_spared() -> None:
    lines = list(as_text([good()], severities(), factor=20))
    assert "divided by 20" in lines[0]
    (first,) = [line for line in lines if "PriceQuorumLost" in line]
    assert first.split(" | ")[2:] == ["2.0 s", "pager", "1.0 s", "yes |"]
    assert any("PriceSourceLost" in line and "nobody: inhibited" in line for line in lines)


@pytest.mark.parametrize("severity", Severity)
def test_a_severity_has_the_receiver_that_the_shipped_routes_give_it(severity: Severity) -> None:
    config = MONITORING / "alertmanager" / "alertmanager.yml"
    words = ("config", "routes", "test", f"--config.file={config}", f"severity={severity}")
    assert run("amtool", *words).stdout.split() == [RECEIVERS[severity]]


def test_faults_name_alerts_that_exist_and_say_what_they_leave_out_of_what_fires() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 8
    for fault in FAULTS:
        assert fault.fires <= set(severities())
        assert fault.inhibited | fault.lasting | fault.afterwards <= fault.fires
        assert fault.hushes <= ALWAYS


async def test_the_receiver_takes_down_who_heard_and_when_it_ended() -> None:
    def message(*alerts: tuple[str, str]) -> dict[str, object]:
        return {
            "alerts": [{"labels": {"alertname": name}, "status": state} for name, state in alerts]
        }

    async with running_receiver() as receiver, aiohttp.ClientSession() as session:
        for path, sent in (
            ("pager", message(("KeeperDown", "firing"))),
            ("tickets", message(("BookLost", "firing"), ("BookLost", "resolved"))),
            ("pager", message(("KeeperDown", "resolved"))),
        ):
            async with session.post(f"{receiver.url}/{path}", json=sent) as answer:
                assert answer.status == 200
    assert {name: each.receiver for name, each in receiver.heard.items()} == {
        "KeeperDown": "pager",
        "BookLost": "tickets",
    }
    assert receiver.heard["KeeperDown"].resolved_at is not None
    # One of its series goes on.
    assert receiver.heard["BookLost"].resolved_at is None


@pytest.mark.parametrize(
    "arguments", [("no such fault",), ("--factor", "0"), ("--together", "99")], ids=" ".join
)
def test_an_impossible_wish_is_one_sentence_and_exit_code_78(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    tool("prometheus")
    assert main(["observe", *arguments]) == OperatorError.exit_code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_missing_tool_is_one_sentence_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "BROUGHT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match=r"expected prometheus, found none: run `make monitor"):
        tools.tool("prometheus")
