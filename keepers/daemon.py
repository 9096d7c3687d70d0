"""The running process: its workers, the order in which they end, and what it says of itself.

On stop the keepers plan no more, the lanes wait for the replies to what they had written, everybody who
reads ends, and only then do the transports close.
"""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from config.settings import Settings
from keepers.duties.liquidation import LiquidationDuty
from keepers.lanes import RunningSender
from keepers.price.keeper import KIND as PRICE_KIND
from keepers.sender import Lane
from keepers.transports import Transports
from keepers.version import VERSION
from monitors.accounts import AccountsMonitor
from runtime.clock import Clock
from runtime.errors import TransientError
from runtime.http import AdminHttp
from runtime.journal import Journal
from runtime.metrics import LoopLag
from runtime.sd_notify import ServiceManager
from runtime.supervise import (
    Worker,
    install_stop_signals,
    operator_error_in,
    sleep_unless,
    supervise,
)
from venues.port import Feed

CONNECT_SECONDS: Final = 5.0
"""Longest wait for the WebSocket before the feed starts without it."""
SHOW_SECONDS: Final = 0.5
"""Between two settings of the gauges that are not kept on the hot path."""
PRUNE_SECONDS: Final = 3_600.0
PRUNES_PER_CHECKPOINT: Final = 10
SECONDS_PER_DAY: Final = 86_400

log = structlog.get_logger(__name__)


class Duty(Protocol):
    """Something that runs, has gauges, and says how it is."""

    def workers(self) -> Mapping[str, Worker]:
        """Name its workers."""

    def show(self) -> None:
        """Set the gauges that are not kept on the hot path."""

    def status(self) -> Mapping[str, object]:
        """Say how it is, for `/status`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What sees, judges and acts, put together."""

    monitor: AccountsMonitor
    feed: Feed
    senders: Mapping[str, RunningSender]
    liquidation: LiquidationDuty | None
    """One of `running` too; it alone takes over an earlier life's work when the lanes start."""
    running: Sequence[Duty]
    """The duties that run here, and what several of them share."""

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duties that run."""
        return {name: worker for duty in self.running for name, worker in duty.workers().items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """Everything that runs in one process."""

    settings: Settings
    clock: Clock
    transports: Transports
    journal: Journal
    duties: Duties
    http: AdminHttp
    loop_lag: LoopLag
    attending: Mapping[str, Worker] = field(default_factory=dict)
    """Who listens to operators and tells people; none of them asks anything of the chain."""
    service_manager: ServiceManager = field(
        default_factory=lambda: ServiceManager.from_environment(os.environ)
    )
    """Who started us: its own variables say where it listens, and they are no settings."""
    _asking: set[str] = field(default_factory=set)
    """Workers that may ask something of the chain and have not ended."""
    _nobody_asks: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` or a stop signal. Raises OperatorError alone, bugs as a group."""
        await self.transports.probe(self.settings.network)
        install_stop_signals(stop)
        drain_seconds = self.settings.supervision.drain_seconds
        try:
            await supervise(self.workers(), stop=stop, drain_seconds=drain_seconds)
        except BaseExceptionGroup as group:
            error = operator_error_in(group)
            if error is None:
                raise
            raise error from None

    def workers(self) -> dict[str, Worker]:
        """Name the workers."""
        asking = {
            "probes": self._probes,
            "feed": self._follow,
            "lanes": self._lanes,
            **self.duties.workers(),
        }
        self._asking.update(asking)
        return {
            "rpc": self._rpc,
            "submit": self._submit,
            **{name: self._counted(name, worker) for name, worker in asking.items()},
            "http": self.http.run,
            **self.attending,
            "gauges": self._gauges,
            "loop_lag": self.loop_lag.run,
            "retention": self._retention,
            "service_manager": self._tell_manager,
        }

    def _counted(self, name: str, worker: Worker) -> Worker:
        """Note when a worker ends: the last one lets the transports close."""

        async def run(stop: asyncio.Event) -> None:
            try:
                await worker(stop)
            finally:
                self._asking.discard(name)
                if not self._asking:
                    self._nobody_asks.set()

        return run

    async def _rpc(self, _stop: asyncio.Event) -> None:
        await self.transports.pool.run(self._nobody_asks)

    async def _submit(self, _stop: asyncio.Event) -> None:
        await self.transports.submitter.run(self._nobody_asks)

    async def _tell_manager(self, stop: asyncio.Event) -> None:
        readiness = self.http.readiness
        await self.service_manager.run(readiness.reasons, stop=stop, drained=self._nobody_asks)

    async def _probes(self, stop: asyncio.Event) -> None:
        await self.transports.keep_probing(self.settings.network, stop)

    async def _follow(self, stop: asyncio.Event) -> None:
        feed = self.transports.pool.feed
        if feed is not None:
            # A feed that finds no WebSocket at its start would poll, and see prices later.
            with contextlib.suppress(TransientError):
                await feed.wait_connected(CONNECT_SECONDS)
        await self.duties.feed.run(self.duties.monitor, stop)

    async def _lanes(self, stop: asyncio.Event) -> None:
        """Recover once the markets are known, since the journal names them by symbol."""
        duties = self.duties
        await _first_of(duties.monitor.first_snapshot, stop)
        symbols = {market.symbol: market.id for market in duties.monitor.markets.values()}
        liquidation = duties.liquidation
        adopted = 0 if liquidation is None else liquidation.adopt(self.journal, symbols)
        log.info("lanes_started", lanes=sorted(duties.senders), adopted_items=adopted)
        async with asyncio.TaskGroup() as group:
            for sender in duties.senders.values():
                group.create_task(sender.run(stop))
            # A process without a key has no lane, and reads on all the same.
            group.create_task(stop.wait())

    async def _gauges(self, stop: asyncio.Event) -> None:
        while not await sleep_unless(stop, SHOW_SECONDS):
            self.duties.monitor.show()
            for duty in self.duties.running:
                duty.show()

    async def _retention(self, stop: asyncio.Event) -> None:
        journal = self.settings.journal
        kind_to_days = {None: journal.retention_days, PRICE_KIND: journal.price_retention_days}
        while not await sleep_unless(stop, PRUNE_SECONDS):
            for kind, days in kind_to_days.items():
                await self._prune(kind, days * SECONDS_PER_DAY, stop)

    async def _prune(self, kind: str | None, keep_seconds: int, stop: asyncio.Event) -> None:
        gone, calls = 1, 0
        while gone and not await sleep_unless(stop, 0):
            gone = self.journal.prune(self.clock.now() - keep_seconds, kind=kind)
            calls += 1
            if calls % PRUNES_PER_CHECKPOINT == 0:
                # What is pruned is written ahead too: a log that grows full would hold a commit up.
                await asyncio.to_thread(self.journal.maintain_apart)


def status_page(
    settings: Settings, duties: Duties, transports: Transports, *, is_dry_run: bool
) -> dict[str, object]:
    """Say how the process is, for `/status`."""
    lanes = {
        name: {
            "next_nonce": lane.next_nonce,
            "in_flight": lane.in_flight,
            "halted": lane.why_halted,
        }
        for name, lane in duties.senders.items()
        if isinstance(lane, Lane)
    }
    return {
        "version": VERSION,
        "network": settings.network.name,
        "exchange": settings.exchange.address,
        "is_dry_run": is_dry_run,
        "distrust": duties.monitor.distrust,
        "venue_time_seconds": duties.monitor.now,
        "applied_block": duties.monitor.applied_block,
        "sealed_block": duties.monitor.sealed_block,
        "accounts": len(duties.monitor.watch.book),
        "positions": duties.monitor.watch.book.position_count,
        "under_margin": duties.monitor.under_margin_count(),
        **{key: value for duty in duties.running for key, value in duty.status().items()},
        "lanes": lanes,
        "rpc": transports.pool.status(),
    }


async def _first_of(*events: asyncio.Event) -> None:
    """Wait until any of the events is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
