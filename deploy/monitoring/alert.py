"""What an alert is: a rule, words that a person can act on, and the stories that prove it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

JOB: Final = "bellkeeper"
"""The scrape job whose targets are keepers."""
INSTANCE: Final = "keeper-1:9464"
"""The keeper of the stories."""


class Severity(StrEnum):
    """Who hears of it, and when."""

    PAGE = "page"
    """Somebody is woken: money is at risk now, or the means to protect it are gone."""
    TICKET = "ticket"
    """Somebody looks in working hours."""
    HEARTBEAT = "heartbeat"
    """Always there; a receiver outside misses it when monitoring itself is dead."""


class Board(StrEnum):
    """The dashboards, by the identifiers under which their links stay the same."""

    SAFE = "bellkeeper-safe"
    MARKET = "bellkeeper-market"
    LIQUIDATIONS = "bellkeeper-liquidations"
    WEEKEND = "bellkeeper-weekend"
    KEEPER = "bellkeeper-keeper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Series as they come in, one sample a minute, and what the alert says at a moment."""

    series: Mapping[str, str]
    """Metric with labels → values in promtool's notation."""
    at: str
    """When to look: `5m`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the alert that fires, but for its severity; meaningless in a quiet story."""
    value: str = ""
    """The alert's value as its text writes it."""
    windows: tuple[str, ...] = ()
    """Of alerts that share a name and differ in their window: all that fire by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alerting rule. Several rules may share a name if `labels` tells them apart."""

    name: str
    severity: Severity
    expr: str
    hold: str
    """How long it must be so before it fires: `1m`; `0s` for at once."""
    summary: str
    description: str
    board: Board
    fires: Story
    quiet: Story
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def runbook(self) -> str:
        """Give the path of the page that says what to do."""
        return f"docs/runbooks/{self.name}.md"

    @property
    def annotations(self) -> dict[str, str]:
        """Give what the alert carries beside its labels."""
        return {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": self.runbook,
            "dashboard_url": f"/d/{self.board.value}",
        }


def one(name: str, values: str, **labels: str) -> dict[str, str]:
    """Give a series of the stories' keeper: `one("up", "1x9")`."""
    all_labels = {**labels, "instance": INSTANCE, "job": JOB}
    inner = ", ".join(f'{key}="{value}"' for key, value in all_labels.items())
    return {f"{name}{{{inner}}}": values}
