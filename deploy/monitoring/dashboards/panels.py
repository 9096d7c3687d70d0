"""What a panel is: a question in a title, its answer in PromQL, and from where on the answer is bad."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from deploy.monitoring.alert import Board


class Kind(StrEnum):
    """How an answer is drawn, by Grafana's names."""

    STAT = "stat"
    BARS = "bargauge"
    LINES = "timeseries"
    STATES = "state-timeline"
    HEATMAP = "heatmap"
    TABLE = "table"


class Unit(StrEnum):
    """Units, by Grafana's names; `suffix:` writes what follows behind the number."""

    COUNT = "short"
    PER_SECOND = "ops"
    TIMES = "suffix: ×"
    SHARE = "percentunit"
    SECONDS = "s"
    BLOCKS = "suffix: blocks"
    USD = "currencyUSD"
    ETHER = "suffix: ETH"
    BYTES = "bytes"
    STATE = "none"
    """No quantity: a number that the panel's words replace."""


class Color(StrEnum):
    """Colours of states and limits."""

    GOOD = "green"
    DOUBT = "orange"
    BAD = "red"
    OFF = "dark-blue"
    NEUTRAL = "text"


class Shape(StrEnum):
    """What Grafana makes of the series of a query."""

    SERIES = "time_series"
    BUCKETS = "heatmap"
    """Cumulative buckets by `le`."""
    TABLE = "table"


Limits: TypeAlias = "tuple[tuple[Color, float | None], ...]"
"""Colours with the value from which each holds, the lowest first, whose value is None."""
Words: TypeAlias = "Mapping[int, tuple[str, Color]]"
"""What a number means."""

PLAIN: Limits = ((Color.NEUTRAL, None),)


def above(bad: float, *, doubt: float | None = None) -> Limits:
    """Give limits of what is bad from a value on, and doubtful from a smaller one."""
    middle: Limits = () if doubt is None else ((Color.DOUBT, doubt),)
    return ((Color.GOOD, None), *middle, (Color.BAD, bad))


def below(good: float) -> Limits:
    """Give limits of what is bad under a value."""
    return ((Color.BAD, None), (Color.GOOD, good))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One query of a panel."""

    expr: str
    legend: str
    """A series' name: words, and labels in double braces."""
    shape: Shape = Shape.SERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. Its key names it for good: the identifier in links is made of it."""

    key: str
    title: str
    text: str
    """One sentence; on the board of three in the morning another that says what to do when it is red."""
    unit: Unit
    targets: tuple[Target, ...]
    kind: Kind = Kind.LINES
    limits: Limits = PLAIN
    words: Words = field(default_factory=dict)
    width: int = 8
    """Of 24."""
    decimals: int | None = None
    is_stacked: bool = False
    sorted_by: tuple[str, ...] = ()
    """Columns of a table, by which its lines are in order."""
    runbooks: tuple[str, ...] = ()
    """Alerts whose pages say what to do."""
    boards: tuple[Board, ...] = ()
    """Where to look closer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels under one heading, all of one height; they wrap at the screen's edge."""

    title: str
    height: int
    panels: tuple[Panel, ...]


class Variable(StrEnum):
    """What a reader may choose on a board."""

    MARKET = "market"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One board."""

    board: Board
    title: str
    text: str
    """What it answers, in a sentence."""
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-1h"
    """What it shows when it is opened."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Give its panels, in order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def one(expr: str, legend: str) -> tuple[Target, ...]:
    """Give the queries of a panel that asks once."""
    return (Target(expr=expr, legend=legend),)
