"""All boards, their files, and their queries as Prometheus takes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.monitoring.dashboards.keeper import KEEPER
from deploy.monitoring.dashboards.liquidations import LIQUIDATIONS
from deploy.monitoring.dashboards.market import MARKETS
from deploy.monitoring.dashboards.panels import Dashboard
from deploy.monitoring.dashboards.provisioning import provisioning_files
from deploy.monitoring.dashboards.queries import runnable
from deploy.monitoring.dashboards.render import text_of
from deploy.monitoring.dashboards.safe import SAFE
from deploy.monitoring.dashboards.weekend import WEEKEND

BOARDS: Final = (SAFE, MARKETS, LIQUIDATIONS, WEEKEND, KEEPER)
FOLDER: Final = Path("grafana")


def files(note: str) -> dict[Path, str]:
    """Give every file that Grafana reads, by its path in the folder of the monitoring."""
    boards = {file_name(board): text_of(board) for board in BOARDS}
    made = {**boards, **provisioning_files(tuple(boards), note=note)}
    return {FOLDER / name: text for name, text in made.items()}


def file_name(board: Dashboard) -> str:
    """Give the name of a board's file: its identifier in links."""
    return f"{board.board.value}.json"


def expressions(span: str = "1m") -> Mapping[str, str]:
    """Give every query of every panel, with all choices at "All" and rates over `span`.

    The keys are `<board>/<panel>/<number of the query>`.
    """
    return {
        f"{board.board.value}/{panel.key}/{number}": runnable(target.expr, span=span)
        for board in BOARDS
        for panel in board.panels
        for number, target in enumerate(panel.targets)
    }
