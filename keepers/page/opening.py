"""Put the page together: hours from the calendars, schedules where incentives run, routes and worker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from config.calendars import calendar_of, load_calendars
from config.incentives import INCENTIVES_DIRECTORY, load_incentives
from config.markets import MARKETS_DIRECTORY, load_market
from config.settings import Settings
from keepers.lanes import RunningSender
from keepers.page.gather import Gatherer
from keepers.page.routes import page_routes
from keepers.page.sources import Hours, PageSources, Reporting
from keepers.page.stream import Looker, Stream
from keepers.sender import Lane
from keepers.transports import Transports
from keepers.version import VERSION
from monitors.accounts import AccountsMonitor
from monitors.liquidation_map import LiquidationMapMonitor
from risk.incentive_terms import ScheduleTerms
from runtime.clock import Clock
from runtime.supervise import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """The page of a process: workers and routes, in the shape of a duty that says nothing of itself."""

    stream: Stream
    liquidation_map: LiquidationMapMonitor
    routes: Sequence[web.RouteDef]

    def workers(self) -> Mapping[str, Worker]:
        """Name who tells those who follow, and who surveys the accounts."""
        return {"page": self.stream.run, "liquidation_map": self.liquidation_map.run}

    def show(self) -> None:
        """Create the gauges of the heat map as markets come."""
        self.liquidation_map.show()

    def status(self) -> Mapping[str, object]:
        """Nothing: what there is to say, the duties say."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParts:
    """What the page shares with the rest of the process."""

    settings: Settings
    monitor: AccountsMonitor
    duties: Sequence[Reporting]
    senders: Mapping[str, RunningSender]
    transports: Transports
    registry: CollectorRegistry
    clock: Clock
    not_ready: Callable[[], Mapping[str, str]]
    with_ramps: bool
    """Whether the duty that ramps levers runs here."""
    is_dry_run: bool


def open_status_page(parts: PageParts) -> StatusPage:
    """Put the page together; raises OperatorError as loading markets and calendars does."""
    settings = parts.settings
    lanes = {
        name: sender if isinstance(sender, Lane) else None for name, sender in parts.senders.items()
    }
    schedules = settings.incentives.schedule_directory or INCENTIVES_DIRECTORY
    liquidation_map = LiquidationMapMonitor(
        parts.monitor, registry=parts.registry, clock=parts.clock
    )
    sources = PageSources(
        version=VERSION,
        network=settings.network.name,
        is_dry_run=parts.is_dry_run,
        monitor=parts.monitor,
        liquidation_map=liquidation_map,
        duties=parts.duties,
        lanes=lanes,
        not_ready=parts.not_ready,
        rpc_status=parts.transports.pool.status,
        hours=market_hours(schedules if parts.with_ramps else None),
        registry=parts.registry,
        journal=settings.journal.path,
        clock=parts.clock,
    )
    looker = Looker(Gatherer(sources).gather, sources.clock)
    stream = Stream(looker)
    return StatusPage(
        stream=stream,
        liquidation_map=liquidation_map,
        routes=page_routes(looker, stream, version=sources.version),
    )


def market_hours(incentives: Path | None) -> dict[str, Hours]:
    """Give the hours of every market that has a file and a calendar, with ramps out of a folder.

    Raises OperatorError as loading does.
    """
    calendars = load_calendars()
    markets = [load_market(path.stem.upper()) for path in sorted(MARKETS_DIRECTORY.glob("*.toml"))]
    schedules: dict[str, ScheduleTerms] = {}
    if incentives is not None:
        found = load_incentives(incentives, markets=markets, calendars=calendars)
        schedules = {symbol: each.terms for symbol, each in found.markets.items()}
    hours = {}
    for market in markets:
        calendar = calendar_of(market.symbol, market.asset_class, calendars)
        if calendar is not None:
            hours[market.symbol] = Hours(
                calendar=calendar.name,
                timeline=calendar.timeline,
                schedule=schedules.get(market.symbol),
            )
    return hours
