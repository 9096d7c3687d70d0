"""From a board to Grafana's JSON: places, identifiers, queries, colours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias
from zlib import crc32

from deploy.monitoring.alert import Board
from deploy.monitoring.dashboards.options import options_of, style_of
from deploy.monitoring.dashboards.panels import (
    Color,
    Dashboard,
    Kind,
    Panel,
    Shape,
    Target,
    Variable,
)

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

SOURCE_UID: Final = "prometheus"
SOURCE: Final[Mapping[str, Json]] = {"type": "prometheus", "uid": SOURCE_UID}
TAG: Final = "bellkeeper"
SCREEN: Final = 24
RUNBOOKS: Final = "runbooks"
"""The variable that says where the runbooks are served."""
RUNBOOKS_PATH: Final = "/docs/runbooks"
NO_SERIES: Final = "no series: the duty does not run, or nothing is scraped"
NO_OBSERVATIONS: Final = "no observations"
"""What a panel says of NaN: a latency when nothing happened, a figure that is not known."""

_SCHEMA: Final = 39
_IDENTIFIERS: Final = 1_000_000
_METRIC_OF: Final = {
    Variable.MARKET: ("Market", "bellkeeper_mark_price_usd"),
    Variable.INSTANCE: ("Keeper", "bellkeeper_build_info"),
}


def text_of(board: Dashboard) -> str:
    """Give the file of a board."""
    return json.dumps(document(board), indent=1, ensure_ascii=False) + "\n"


def document(board: Dashboard) -> Mapping[str, Json]:
    """Give a board as Grafana reads it."""
    return {
        "uid": board.board.value,
        "title": board.title,
        "description": board.text,
        "tags": [TAG],
        "schemaVersion": _SCHEMA,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "timezone": "utc",
        "time": {"from": board.since, "to": "now"},
        "links": [_other_boards()],
        "templating": {"list": [*map(_variable, board.variables), _runbooks()]},
        "panels": list(_placed(board)),
    }


def identifier(board: Board, key: str) -> int:
    """Give a panel's identifier: of its name alone, so that links outlive its neighbours."""
    return 1 + crc32(f"{board.value}/{key}".encode()) % _IDENTIFIERS


def _placed(board: Dashboard) -> Iterator[Json]:
    top = 0
    for row in board.rows:
        yield {
            "id": identifier(board.board, f"row {row.title}"),
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": SCREEN, "h": 1},
            "panels": [],
        }
        top, left = top + 1, 0
        for panel in row.panels:
            if left + panel.width > SCREEN:
                top, left = top + row.height, 0
            place = {"x": left, "y": top, "w": panel.width, "h": row.height}
            yield {**_panel(board.board, panel), "gridPos": place}
            left += panel.width
        top += row.height


def _panel(board: Board, panel: Panel) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "id": identifier(board, panel.key),
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "targets": [
            _target(chr(ord("A") + number), each, panel.kind)
            for number, each in enumerate(panel.targets)
        ],
        "links": [*map(_runbook_link, panel.runbooks), *map(_board_link, panel.boards)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": options_of(panel),
    }
    if panel.kind is Kind.TABLE:
        shown["transformations"] = [
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": {}}}
        ]
    return shown


def _target(name: str, target: Target, kind: Kind) -> Json:
    is_instant = kind in {Kind.STAT, Kind.BARS, Kind.TABLE}
    return {
        "refId": name,
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": target.expr,
        "legendFormat": target.legend,
        "format": (Shape.TABLE if kind is Kind.TABLE else target.shape).value,
        "instant": is_instant,
        "range": not is_instant,
    }


def _defaults(panel: Panel) -> Mapping[str, Json]:
    shown: dict[str, Json] = {
        "unit": panel.unit.value,
        "noValue": NO_SERIES,
        "color": {"mode": "thresholds" if _is_coloured(panel) else "palette-classic"},
        "mappings": [*_mappings(panel)],
        "thresholds": {
            "mode": "absolute",
            "steps": [{"color": color.value, "value": value} for color, value in panel.limits],
        },
        "custom": style_of(panel),
    }
    if panel.decimals is not None:
        shown["decimals"] = panel.decimals
    return shown


def _is_coloured(panel: Panel) -> bool:
    return panel.kind is not Kind.LINES


def _mappings(panel: Panel) -> Iterator[Json]:
    if panel.words:
        yield {
            "type": "value",
            "options": {
                str(number): {"text": text, "color": color.value, "index": place}
                for place, (number, (text, color)) in enumerate(panel.words.items())
            },
        }
    result: Json = {
        "text": NO_OBSERVATIONS,
        "color": Color.NEUTRAL.value,
        "index": len(panel.words),
    }
    yield {"type": "special", "options": {"match": "nan", "result": result}}


# --- links and choices ---------------------------------------------------------------------------


def _runbook_link(alert: str) -> Json:
    url = f"${{{RUNBOOKS}}}/{alert}.md"
    return {"title": f"Runbook: {alert}", "url": url, "targetBlank": True}


def _board_link(board: Board) -> Json:
    url = f"/d/{board.value}?${{__url_time_range}}"
    return {"title": f"Board: {board.name.lower()}", "url": url, "targetBlank": False}


def _other_boards() -> Json:
    return {
        "type": "dashboards",
        "title": "Bellkeeper",
        "tags": [TAG],
        "asDropdown": False,
        "keepTime": True,
        "includeVars": False,
        "targetBlank": False,
    }


def _variable(variable: Variable) -> Json:
    label, metric = _METRIC_OF[variable]
    query = f"label_values({metric}, {variable.value})"
    return {
        "name": variable.value,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "Variables"},
        "includeAll": True,
        "allValue": ".+",
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
    }


def _runbooks() -> Json:
    return {
        "name": RUNBOOKS,
        "label": "Runbooks at",
        "type": "textbox",
        "query": RUNBOOKS_PATH,
        "current": {"text": RUNBOOKS_PATH, "value": RUNBOOKS_PATH},
        "hide": 0,
    }
