"""What the page asks: the parts of the running process, by the narrowest words that do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry

from monitors.accounts import AccountsMonitor
from monitors.liquidation_map import LiquidationMapMonitor
from risk.incentive_terms import ScheduleTerms
from risk.sessions import SessionTimeline
from runtime.clock import Clock
from runtime.supervise import Worker


class Reporting(Protocol):
    """A duty, as far as the page goes."""

    def workers(self) -> Mapping[str, Worker]:
        """Name its workers."""

    def status(self) -> Mapping[str, object]:
        """Say how it is."""


class Lane(Protocol):
    """A key's queue, as far as the page goes."""

    @property
    def next_nonce(self) -> int:
        """The nonce to be signed next."""

    @property
    def in_flight(self) -> int:
        """Transactions on their way."""

    @property
    def why_halted(self) -> str:
        """Why it signs nothing, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of a market: its calendar and, where incentives run, its schedule."""

    calendar: str
    timeline: SessionTimeline
    schedule: ScheduleTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSources:
    """All that is asked."""

    version: str
    network: str
    is_dry_run: bool
    monitor: AccountsMonitor
    liquidation_map: LiquidationMapMonitor
    duties: Sequence[Reporting]
    lanes: Mapping[str, Lane | None]
    """None: a lane that shows what it would do, and signs nothing."""
    not_ready: Callable[[], Mapping[str, str]]
    rpc_status: Callable[[], Mapping[str, object]]
    hours: Mapping[str, Hours]
    """By symbol; a market that is not in it has no calendar: its session is unknown."""
    registry: CollectorRegistry
    journal: Path
    clock: Clock
