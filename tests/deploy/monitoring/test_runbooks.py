"""An alert has a page that says what to do, the page leads back, and its commands exist."""

import argparse
import importlib
import re
import shlex

import pytest

from deploy.monitoring import build
from deploy.monitoring.promql import CONTRACT, known_samples
from keepers.cli import COMMANDS
from tests.deploy.monitoring.tools import ROOT

RUNBOOKS = {path.stem: path for path in (ROOT / "docs" / "runbooks").glob("*.md")}
FILE_OF = {alert.name: name for name, alerts in build.ALERTS.items() for alert in alerts}
SECTIONS = ["Meaning", "Impact", "How to look", "What to do", "When to escalate"]
PAGES = pytest.mark.parametrize("name", sorted(RUNBOOKS))


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert set(RUNBOOKS) == set(FILE_OF)
    for alert in build.every_alert():
        assert ROOT / alert.annotations["runbook_url"] == RUNBOOKS[alert.name]


def test_every_alert_is_told_by_a_story_that_fires_it_and_one_that_does_not() -> None:
    for name, alerts in build.ALERTS.items():
        text = (build.FOLDER / "tests" / f"{name}.yml").read_text(encoding="utf-8")
        for alert in alerts:
            title = " ".join([alert.name, *alert.labels.values()])
            assert text.count(f'name: "{title} fires"') == 1
            assert text.count(f'name: "{title} stays silent"') == 1


@PAGES
def test_a_page_leads_back_to_its_alert(name: str) -> None:
    text = RUNBOOKS[name].read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert f"](../../deploy/monitoring/alerts/{FILE_OF[name]}.yml)" in text
    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == SECTIONS
    assert len(text.split()) < 400, "what is read at three in the morning is short"


@PAGES
def test_a_pages_links_lead_somewhere(name: str) -> None:
    path = RUNBOOKS[name]
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


@PAGES
def test_a_pages_commands_exist(name: str) -> None:
    for line in re.findall(r"^(bellkeeper .+)$|`(bellkeeper [^`]+)`", _text(name), re.MULTILINE):
        words = shlex.split(line[0] or line[1])[1:]
        if words == ["status"]:
            continue  # named in prose
        _parse(words)


@PAGES
def test_a_pages_metrics_exist(name: str) -> None:
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    for metric in re.findall(r"`((?:bellkeeper|process)_[a-z0-9_]+)", _text(name)):
        assert metric in samples or f"{metric}_bucket" in samples, metric


def _text(name: str) -> str:
    return RUNBOOKS[name].read_text(encoding="utf-8")


def _parse(words: list[str]) -> None:
    """Let the command's own parser read the words: an unknown verb or option ends the test."""
    module, _ = COMMANDS[words[0]]
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(module).add_arguments(parser)
    try:
        parser.parse_args(words[1:])
    except SystemExit:
        pytest.fail(f"expected a command that exists, found {' '.join(words)}")
