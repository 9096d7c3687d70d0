"""Taking the times of the latency benchmark, from outside: nothing in the program knows of it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepers.daemon import Daemon
from risk.columns import AccountColumns
from risk.units import AccountId, Seconds
from runtime.rpc.submit import SubmissionFuture
from runtime.rpc.ws import RpcWs
from tests.bench.canaries import Canaries
from venues.port import BlockRef, Feed, FeedSink, MarketChanged, Snapshot, StampedChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One transaction: when sending it began; the future knows when bytes were written, and more."""

    began_at: float
    future: SubmissionFuture


@dataclass(slots=True, kw_only=True)
class Stopwatch:
    """Monotonic seconds of everything that is measured."""

    canaries: Canaries
    seen_at: dict[int, float] = field(default_factory=dict)
    """When the message with the price of a step was read from the socket."""
    shots: dict[str, Shot] = field(default_factory=dict)
    """By hash."""
    commits: list[float] = field(default_factory=list)
    """How long each durable commit took."""

    def note_prices(self, changes: Sequence[StampedChange], socket: RpcWs) -> None:
        """Note when each price was read, before anybody looked into the message."""
        for stamped in changes:
            change = stamped.change
            if isinstance(change, MarketChanged) and change.market.id == self.canaries.market:
                step = self.canaries.step_of(change.market.mark)
                self.seen_at.setdefault(step, socket.received_at)

    def watch(self, daemon: Daemon) -> None:
        """Take the times of what leaves the process, and of the journal."""
        submitter, journal = daemon.transports.submitter, daemon.journal
        start, plan_and_sign = submitter.start, journal.plan_and_sign

        def timed_start(raw: bytes, *, tx_hash: str | None = None) -> SubmissionFuture:
            began_at = time.monotonic()
            future = start(raw, tx_hash=tx_hash)
            self.shots[str(tx_hash)] = Shot(began_at=began_at, future=future)
            return future

        def timed_commit(*arguments: Any) -> None:
            before = time.monotonic()
            plan_and_sign(*arguments)
            self.commits.append(time.monotonic() - before)

        _replace(submitter, "start", timed_start)
        _replace(journal, "plan_and_sign", timed_commit)


class TimedFeed:
    """A feed whose snapshots hold more accounts than the chain, and whose prices are timed."""

    def __init__(
        self, feed: Feed, stopwatch: Stopwatch, socket: RpcWs, more: Sequence[AccountColumns]
    ) -> None:
        self._feed = feed
        self._stopwatch = stopwatch
        self._socket = socket
        self._more = list(more)

    async def run(self, sink: FeedSink, stop: asyncio.Event) -> None:
        """Follow until `stop`."""
        await self._feed.run(_TimedSink(sink, self._stopwatch, self._socket, self._more), stop)


class _TimedSink:
    """Stands between the feed and the monitor."""

    def __init__(
        self, sink: FeedSink, stopwatch: Stopwatch, socket: RpcWs, more: list[AccountColumns]
    ) -> None:
        self._sink = sink
        self._stopwatch = stopwatch
        self._socket = socket
        self._more = more
        self._real: Sequence[AccountId] = ()
        self.on_sealed = sink.on_sealed
        self.on_interrupted = sink.on_interrupted
        self.audit: Callable[[BlockRef, AccountColumns], int] = sink.audit

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self._real = [account for page in snapshot.accounts for account in page.ids]
        self._sink.on_snapshot(
            Snapshot(
                block=snapshot.block,
                markets=snapshot.markets,
                accounts=[*snapshot.accounts, *self._more],
                funds=snapshot.funds,
                rules=snapshot.rules,
                backstop_account=snapshot.backstop_account,
            )
        )

    def on_changes(self, changes: Sequence[StampedChange], *, now: Seconds) -> None:
        self._stopwatch.note_prices(changes, self._socket)
        self._sink.on_changes(changes, now=now)

    def accounts_for_audit(self, count: int) -> Sequence[AccountId]:
        """Name accounts that the chain knows."""
        return self._real[:count]


def _replace(owner: object, name: str, function: Callable[..., object]) -> None:
    setattr(owner, name, function)
