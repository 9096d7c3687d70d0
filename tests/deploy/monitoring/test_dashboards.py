"""The boards: places, names and links that hold, and the same numbers as the alerts."""

import json
import re
import shutil
import subprocess
from collections import Counter
from typing import Any, Final

import pytest

from deploy.monitoring import build
from deploy.monitoring.alert import Board, Severity
from deploy.monitoring.dashboards import BOARDS, expressions
from deploy.monitoring.dashboards.liquidations import DISTANCES
from deploy.monitoring.dashboards.panels import PLAIN, Dashboard, Kind, Panel, Shape, Unit
from deploy.monitoring.dashboards.provisioning import SIDECAR_LABEL
from deploy.monitoring.dashboards.queries import runnable, state
from deploy.monitoring.dashboards.render import identifier
from deploy.monitoring.dashboards.states import DOUBTS, RUNGS, SESSIONS, STAGES, STATUSES
from deploy.monitoring.objectives import BURNS, OBJECTIVES
from deploy.monitoring.promql import CONTRACT, known_samples, labels_in, names_in
from deploy.monitoring.recording import recording_rules
from monitors.liquidation_map_metrics import DISTANCES as MEASURED
from risk.band_state import Stage
from risk.price_guard import Doubt
from risk.price_support import Rung
from risk.sessions import Session
from risk.units import MarketStatus
from tests.deploy.monitoring.tools import MONITORING, ROOT
from tests.deploy.program import at, maps, tree

FOLDER: Final = MONITORING / "grafana"
MOST_BYTES: Final = 200_000
"""`kubectl apply` keeps a copy in an annotation, which may hold 256 KiB."""
PANELS: Final = [(board, panel) for board in BOARDS for panel in board.panels]
EACH_BOARD = pytest.mark.parametrize("board", BOARDS, ids=lambda each: each.board.value)
EACH_PANEL = pytest.mark.parametrize(
    ("board", "panel"), PANELS, ids=[f"{board.board.value}/{panel.key}" for board, panel in PANELS]
)


def read(board: Dashboard) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{board.board.value}.json").read_text("utf-8"))
    return document


def test_every_alert_leads_to_a_board_that_exists() -> None:
    uids = [read(board)["uid"] for board in BOARDS]
    assert sorted(uids) == sorted(board.value for board in Board)
    for alert in build.every_alert():
        assert alert.annotations["dashboard_url"].removeprefix("/d/") in uids


@EACH_BOARD
def test_panels_do_not_overlap_and_leave_no_gap_above(board: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(board)["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert {y for _, y in taken} == set(range(max(y for _, y in taken) + 1))


@EACH_BOARD
def test_rows_fill_the_screens_width(board: Dashboard) -> None:
    """A hole on a screen looks as if something were missing."""
    widths: Counter[int] = Counter()
    for panel in read(board)["panels"]:
        widths[panel["gridPos"]["y"]] += panel["gridPos"]["w"]
    assert set(widths.values()) == {24}


@EACH_BOARD
def test_identifiers_are_unique_and_of_the_name_alone(board: Dashboard) -> None:
    shown = read(board)["panels"]
    numbers = [panel["id"] for panel in shown]
    assert len(set(numbers)) == len(numbers)
    by_title = {panel["title"]: panel["id"] for panel in shown if panel["type"] != "row"}
    for panel in board.panels:
        assert by_title[panel.title] == identifier(board.board, panel.key)


def test_an_identifier_stays_what_it_was() -> None:
    assert identifier(Board.SAFE, "verdict") == 632_084


@EACH_PANEL
def test_a_panel_says_what_it_shows(board: Dashboard, panel: Panel) -> None:
    assert panel.title
    assert panel.text.endswith(".")
    assert len(panel.text.split()) >= 5
    assert panel.targets
    assert all(target.legend for target in panel.targets)
    assert panel.unit in Unit
    assert (panel.unit is Unit.STATE) == bool(panel.words) or panel.key == "verdict"
    if board.board is Board.SAFE:
        assert panel.runbooks, "what to do at three in the morning"
    if panel.kind is Kind.HEATMAP:
        assert panel.limits == PLAIN


@pytest.mark.parametrize(
    "panel",
    [each for each in BOARDS[0].panels if each.kind is Kind.STAT],
    ids=lambda each: each.key,
)
def test_the_first_board_tells_by_colour_and_then_in_words(panel: Panel) -> None:
    assert panel.limits != PLAIN
    assert re.search(r"Red|Orange|From \d", panel.text)


@EACH_PANEL
def test_a_panels_runbooks_and_boards_exist(board: Dashboard, panel: Panel) -> None:
    names = {alert.name for alert in build.every_alert()}
    assert set(panel.runbooks) <= names
    assert board.board not in panel.boards
    (shown,) = [each for each in read(board)["panels"] if each["title"] == panel.title]
    for link in shown["links"]:
        if link["title"].startswith("Runbook"):
            path = link["url"].removeprefix("${runbooks}/")
            assert (ROOT / "docs" / "runbooks" / path).is_file()


@pytest.mark.parametrize("name", expressions())
def test_a_query_names_what_exists(name: str) -> None:
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    query = expressions()[name]
    assert "$" not in query
    assert names_in(query) <= set(samples), query
    recorded = {rule for rule, _, _ in recording_rules()}
    assert set(re.findall(r"bellkeeper:[a-z0-9_:]+", query)) <= recorded
    for metric, labels in labels_in(query).items():
        assert labels <= samples[metric], (
            f"{metric} has no label {sorted(labels - samples[metric])}"
        )


@EACH_PANEL
def test_a_legends_labels_are_those_that_the_query_keeps(board: Dashboard, panel: Panel) -> None:
    del board
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    for target in panel.targets:
        wanted = set(re.findall(r"{{(\w+)}}", target.legend))
        kept = {
            label
            for labels in re.findall(r"by \(([^)]*)\)", target.expr)
            for label in re.split(r",\s*", labels)
        }
        if not kept:
            kept = {label for name in names_in(target.expr) for label in samples[name]}
        assert wanted <= kept, target.expr


def test_states_are_named_in_the_programs_order() -> None:
    assert [each.upper() for each in STATUSES] == [each.name for each in sorted(MarketStatus)]
    assert tuple(each.value for each in Session) == SESSIONS
    assert tuple(each.value for each in Stage) == STAGES
    assert set(DOUBTS) == {each.value for each in Doubt}
    assert len(RUNGS) == len(Rung)
    assert [label for label, _ in DISTANCES] == list(MEASURED)


def test_a_state_is_the_number_of_the_series_that_is_one() -> None:
    assert state("m", "s", ("", "b", "c"), "x='1'", by="y") == (
        "max by (y) (\n  m{s=\"b\", x='1'} * 1\n  or m{s=\"c\", x='1'} * 2\n)"
    )


def test_limits_are_those_of_the_burn_alerts() -> None:
    by_key = {panel.key: panel for panel in BOARDS[0].panels}
    for burn in BURNS:
        panel = by_key[f"burn_{burn.long}"]
        assert panel.limits[-1][1] == burn.factor
        assert len(panel.targets) == len(OBJECTIVES)
        for objective, target in zip(OBJECTIVES, panel.targets, strict=True):
            assert target.expr.endswith(f"/ {objective.budget:.6g}")
    pages = [each for each in build.every_alert() if each.severity is Severity.PAGE]
    assert 'severity="page"' in by_key["verdict"].targets[0].expr
    assert pages


def test_what_fires_a_page_is_on_the_first_board_or_one_step_away() -> None:
    linked = {name for _, panel in PANELS for name in panel.runbooks}
    silent = {
        alert.name
        for alert in build.every_alert()
        if alert.severity is Severity.PAGE and alert.name not in linked
    }
    assert silent == set(), "a page whose panel is nowhere"


def test_buckets_are_asked_as_buckets() -> None:
    for _, panel in PANELS:
        for target in panel.targets:
            assert (target.shape is Shape.BUCKETS) == ("sum by (le) (increase" in target.expr)


@EACH_BOARD
def test_every_query_asks_the_provisioned_prometheus(board: Dashboard) -> None:
    provisioned = tree(FOLDER / "provisioning" / "datasources" / "bellkeeper.yml")
    (source,) = maps(at(provisioned, "datasources"))
    wanted = {key: source[key] for key in ("type", "uid")}
    for panel in read(board)["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"] == panel["datasource"] == wanted
            assert target["expr"]
    for choice in read(board)["templating"]["list"]:
        assert choice.get("datasource", wanted) == wanted


@EACH_BOARD
def test_choices_are_offered_where_queries_need_them(board: Dashboard) -> None:
    samples = known_samples(CONTRACT.read_text(encoding="utf-8"))
    offered = {each["name"]: each for each in read(board)["templating"]["list"]}
    used = {
        name
        for panel in board.panels
        for target in panel.targets
        for name in re.findall(r"\$([a-z]+)", target.expr)
    }
    assert set(offered) == used | {"runbooks"}
    for name in used:
        match = re.fullmatch(r"label_values\((\w+), (\w+)\)", offered[name]["definition"])
        assert match is not None
        assert match[2] in samples[match[1]]


def test_nothing_is_only_silent_where_there_is_no_number() -> None:
    for board in BOARDS:
        for panel in read(board)["panels"]:
            if panel["type"] == "row":
                continue
            defaults = panel["fieldConfig"]["defaults"]
            assert "duty does not run" in defaults["noValue"]
            special = [each for each in defaults["mappings"] if each["type"] == "special"]
            assert [each["options"]["match"] for each in special] == ["nan"]


def test_choices_are_resolved_outside_grafana() -> None:
    query = 'rate(a{market=~"$market", instance=~"$instance"}[$__rate_interval])'
    assert runnable(query, span="9s") == 'rate(a{market=~".+", instance=~".+"}[9s])'


def test_a_cluster_finds_every_board_under_the_sidecars_label() -> None:
    found = tree(FOLDER / "kustomization.yaml")
    text = json.dumps(found)
    for board in BOARDS:
        path = FOLDER / f"{board.board.value}.json"
        assert f'"{path.name}"' in text
        assert path.stat().st_size < MOST_BYTES
    options = found["generatorOptions"]
    assert options == {"disableNameSuffixHash": True, "labels": {SIDECAR_LABEL: "1"}}


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not here: kustomize does NOT build the maps"
)
def test_kustomize_builds_the_maps() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", FOLDER], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    assert built.stdout.count("kind: ConfigMap") == len(BOARDS)
