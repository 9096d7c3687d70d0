"""The corporate duty put together: files and orders, the desk, the keeper.

It halts a market by its wish to the breaker panel and holds its price back at the price desk, so both
duties run beside it in the same process; without them it does not start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from config.corporate_actions import HeardActions, existing_directory, load_actions
from config.settings import Settings
from keepers.corporate.keeper import CorporateKeeper
from keepers.corporate.metrics import CorporateMetrics
from keepers.corporate.view import CorporateLimits, CorporateParts
from keepers.duties.price import PriceSensing
from keepers.sender import Lane, Sender
from monitors.accounts import AccountsMonitor
from monitors.corporate.desk import ActionDesk
from monitors.corporate.desk_metrics import ActionMetrics
from monitors.corporate.facts import FactFinder
from monitors.corporate.memory import ActionMemory
from monitors.corporate.orders import ActionOrders
from monitors.corporate.sources import ActionSources, Told
from risk.corporate_agreement import Agreement
from runtime.clock import Clock
from runtime.journal import Journal
from runtime.supervise import Worker
from venues.exchange.adapter import ExchangeVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateDuty:
    """The running corporate duty."""

    desk: ActionDesk
    sources: ActionSources
    keeper: CorporateKeeper
    metrics: ActionMetrics

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duty."""
        return {"corporate": self.keeper.run, "corporate_files": self.sources.run}

    def show(self) -> None:
        """Set the gauges."""
        self.desk.show()
        self.metrics.unreadable.set(len(self.sources.problems))

    def status(self) -> Mapping[str, object]:
        """Say where every action stands, for `/status`."""
        return {
            "corporate": {
                "actions": self.desk.explain(),
                "file_problems": list(self.sources.problems),
            }
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateBase:
    """What the duty shares with the rest of the process."""

    settings: Settings
    monitor: AccountsMonitor
    venue: ExchangeVenue
    journal: Journal
    registry: CollectorRegistry
    clock: Clock
    sensing: PriceSensing
    sender: Sender


def open_corporate_duty(base: CorporateBase) -> CorporateDuty:
    """Put the duty together; raises OperatorError with one sentence for what is wrong with it."""
    settings, knobs = base.settings, base.settings.corporate
    rules, symbols = knobs.rules, settings.prices.symbols

    def judge(told: Told) -> Mapping[str, Agreement]:
        return HeardActions(reports=told.reports, approvals=told.approvals).agreements(rules)

    sources = ActionSources(
        existing_directory(knobs.actions_directory), ActionOrders(knobs.orders_file), load=_load
    )
    sources.read()
    memory = ActionMemory(base.journal)
    metrics = ActionMetrics.create(base.registry, symbols=symbols)
    desk = ActionDesk(
        venue=base.monitor,
        prices=base.sensing.desk,
        facts=FactFinder(sources, memory, judge=judge),
        memory=memory,
        rules=rules,
        symbols=symbols,
        followed=knobs.followed,
        metrics=metrics,
    )
    base.sensing.desk.follow_actions(desk)
    keeper = CorporateKeeper(
        CorporateParts(
            view=base.monitor,
            desk=desk,
            venue=base.venue,
            sender=base.sender,
            address=base.sender.address if isinstance(base.sender, Lane) else None,
            journal=base.journal,
            limits=CorporateLimits(
                gas=knobs.gas,
                expiry_seconds=int(settings.sender.expiry_seconds),
                retry_seconds=knobs.retry_seconds,
                standby_seconds=knobs.standby_seconds,
            ),
            metrics=CorporateMetrics.create(base.registry),
            clock=base.clock,
        )
    )
    base.monitor.on_clock(keeper.wake)
    sources.on_read(keeper.wake)
    return CorporateDuty(desk=desk, sources=sources, keeper=keeper, metrics=metrics)


def _load(directory: Path) -> Told:
    heard = load_actions(directory)
    return Told(reports=heard.reports, approvals=heard.approvals)
