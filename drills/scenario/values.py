"""A scenario as it is played: facts on the venue's clock, in integers. Pure values; `path(seed)` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from drills.scenario.moment import Event
from drills.scenario.path import ScenarioPath
from drills.scenario.series import Series
from risk.sessions import SessionTimeline
from risk.units import Ppm, PriceE8, Seconds


class Origin(StrEnum):
    """Where a row comes from."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    RECALLED = "recalled"
    ASSUMPTION = "assumption"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioMarket:
    """A market of ours, and what moves it."""

    symbol: str
    follows: str
    beta: Ppm
    own_noise_bp: float
    price: PriceE8
    """At the start."""
    stands_in_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthCourse:
    """Known parts of the usual depth, in order of time."""

    symbols: tuple[str, ...]
    facts: Sequence[tuple[Seconds, Ppm]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What the world does, from `start` to `end`, both included."""

    name: str
    title: str
    story: str
    start: Seconds
    end: Seconds
    timeline: SessionTimeline
    """Of all its markets."""
    sources: tuple[str, ...]
    series: tuple[Series, ...]
    markets: tuple[ScenarioMarket, ...]
    depth: tuple[DepthCourse, ...]
    events: tuple[Event, ...]
    """In order of their start."""
    origins: tuple[Origin, ...] = field(repr=False)
    """Of every row that says where it comes from."""

    def path(self, seed: int) -> ScenarioPath:
        """Draw what happens; the same seed gives the same path, however it is asked."""
        return ScenarioPath(self, seed)

    def counted(self, origin: Origin) -> int:
        """Count the rows of an origin."""
        return sum(1 for each in self.origins if each is origin)
