"""One epoch of the feed: from a subscription and a snapshot to whatever makes them doubtful.

The order is what makes it gap-free: subscribe and hold; snapshot at a sealed block B; read the
logs from B + 1 on; let the held ones through (B and duplicates drop out); follow; audit every
sealed block. A gap of the subscription is healed in the same way, without a snapshot: hold, read
all blocks since the last audit, let through.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import structlog

from runtime.backoff import Backoff
from runtime.clock import Clock
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from runtime.rpc.high_water import BlockHighWater
from runtime.rpc.subscription import Subscription
from venues.exchange.chain import ContractReader, Head, Subscriber, read_sealed_head
from venues.exchange.heads import HeadRing
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.log_auditor import LogAuditor
from venues.exchange.log_reader import LogSettings
from venues.exchange.metrics import FeedMetrics, ResyncReason
from venues.exchange.pages import PageSettings, StateGoneError
from venues.exchange.snapshot import SnapshotReader
from venues.exchange.state_auditor import StateAuditor
from venues.exchange.stream import Stream
from venues.port import BlockRef, FeedSink

_UNSUBSCRIBE_SECONDS: Final = 1.0
_SNAPSHOT_ATTEMPTS: Final = 5
_STREAMS: Final = 2
"""Logs and heads."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("exchange.feed")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """How to follow; times in seconds."""

    subscribe_pending: bool = False
    """Ask for logs of blocks in the making, on nodes whose logs otherwise wait for the seal."""
    audit_period_seconds: float = 0.25
    """How often sealed blocks are audited; without a WebSocket, how often we look at all."""
    silence_seconds: float = 2.0
    """A stream without a head for this long is helped along by polling."""
    resubscribe_seconds: float = 5.0
    """How often a stream that could not be had is tried again; until then we poll."""
    stall_seconds: float = 10.0
    """Without a new block, or without a working audit, for this long the state is doubtful."""
    state_audit_period_seconds: float = 15.0
    state_audit_accounts: int = 64
    """Accounts re-read from the chain in each audit of the state."""
    most_catch_up_blocks: int = 20_000
    """A longer gap is healed by a snapshot, which is cheaper than its logs."""
    most_held_logs: int = 200_000
    gas: int | None = None
    """Gas limit of views; None leaves it to the node."""
    pages: PageSettings = field(default_factory=PageSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    backoff: Backoff = field(default_factory=lambda: Backoff(first_seconds=0.1, most_seconds=10.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochParts:
    """What all epochs of a feed share."""

    contract: ContractReader
    subscriber: Subscriber | None
    snapshots: SnapshotReader
    log_auditor: LogAuditor
    state_auditor: StateAuditor
    ledger: Ledger
    heads: HeadRing
    high_water: BlockHighWater
    clock: Clock
    metrics: FeedMetrics
    settings: FeedSettings


class Epoch:
    """From one snapshot to the next interruption."""

    def __init__(self, parts: EpochParts, sink: FeedSink, *, at_least: int) -> None:
        self._parts = parts
        self._sink = sink
        self._at_least = at_least
        self._ledger = parts.ledger
        self._settings = parts.settings
        self._stream = Stream(
            sink,
            parts.ledger,
            parts.heads,
            clock=parts.clock,
            metrics=parts.metrics,
            most_held=parts.settings.most_held_logs,
        )
        self._subscriptions: list[Subscription] = []
        self._subscribed_at = parts.clock.monotonic()
        self._audited: BlockRef | None = None
        self._audited_at = parts.clock.monotonic()
        self._state_audited_at = parts.clock.monotonic()

    async def run(self) -> NoReturn:
        """Subscribe, snapshot, catch up and follow.

        Ends by an error only: FeedInterruptedError, TransientError or RpcError for what a new
        epoch may heal.
        """
        try:
            await self._subscribe()
            await self._begin()
            while True:
                await self._pause()
                self._stream.raise_failure()
                await self._step()
        finally:
            self._stream.close()
            await self._unsubscribe()

    # --- the start --------------------------------------------------------------------------

    async def _subscribe(self) -> None:
        """Open the stream, or fall back to polling until it can be had."""
        subscriber = self._parts.subscriber
        if subscriber is None:
            return
        self._subscribed_at = self._parts.clock.monotonic()
        wanted: dict[str, Any] = {"address": self._parts.contract.address_text}
        if self._settings.subscribe_pending:
            wanted |= {"fromBlock": "pending", "toBlock": "pending"}
        try:
            logs = await subscriber.subscribe(["logs", wanted], on_message=self._stream.on_log)
        except RpcError as error:
            log.warning("logs_are_polled", reason=str(error))
            return
        self._subscriptions.append(logs)
        try:
            heads = await subscriber.subscribe(["newHeads"], on_message=self._stream.on_head)
        except RpcError as error:
            log.warning("heads_are_polled", reason=str(error))
        else:
            self._subscriptions.append(heads)

    async def _resubscribe(self) -> None:
        """Try again to open a stream that could not be had; what was missed is a gap."""
        if self._parts.subscriber is None or self._subscriptions:
            return
        waited = self._parts.clock.monotonic() - self._subscribed_at
        if waited < self._settings.resubscribe_seconds:
            return
        self._stream.hold()
        await self._subscribe()
        self._stream.has_gap = True

    async def _unsubscribe(self) -> None:
        subscriber = self._parts.subscriber
        if subscriber is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNSUBSCRIBE_SECONDS):
                await asyncio.gather(
                    *(subscriber.unsubscribe(item) for item in self._subscriptions),
                    return_exceptions=True,
                )

    async def _begin(self) -> None:
        """Take the snapshot and hand it on; start over at a newer block when the old one is gone."""
        for attempt in range(_SNAPSHOT_ATTEMPTS):
            head = await self._newest()
            started = self._parts.clock.monotonic()
            try:
                snapshot = await self._parts.snapshots.read(head)
            except StateGoneError as error:
                if attempt == _SNAPSHOT_ATTEMPTS - 1:
                    raise
                log.warning("snapshot_restarted", block=head.number, reason=str(error))
                continue
            break
        else:
            raise AssertionError("the last attempt breaks or raises")
        self._stream.raise_failure()
        self._parts.metrics.snapshot_seconds.set(self._parts.clock.monotonic() - started)
        self._ledger.reset(snapshot)
        self._audited = snapshot.block
        self._sink.on_snapshot(snapshot)
        # What happened since the snapshot's block is a gap like any other.
        self._stream.has_gap = True
        self._stream.urgent.set()

    async def _newest(self) -> Head:
        """Wait for a sealed block that is not older than what we have seen or must be past.

        Raises FeedInterruptedError where that would never come: somebody told a block that is out of all
        reach, and everybody else would seem to lag for ever.
        """
        started = self._parts.clock.monotonic()
        while True:
            head = await read_sealed_head(self._parts.contract.reader)
            self._parts.heads.add(head)
            if head.number >= self._at_least and self._parts.high_water.accept(head.number):
                return head
            beyond = max(self._at_least, self._parts.high_water.highest) - head.number
            waited = self._parts.clock.monotonic() - started
            if (
                beyond > self._settings.most_catch_up_blocks
                and waited > self._settings.stall_seconds
            ):
                raise FeedInterruptedError(
                    ResyncReason.REORG,
                    f"block {head.number + beyond} was told, but the newest is {head.number}",
                )
            await asyncio.sleep(self._settings.audit_period_seconds)

    # --- following --------------------------------------------------------------------------

    async def _pause(self) -> None:
        """Wait for the next audit, or less when the stream says that something is wrong."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.audit_period_seconds):
                await self._stream.urgent.wait()

    async def _step(self) -> None:
        await self._resubscribe()
        try:
            if self._stream.has_gap:
                await self._catch_up()
            else:
                await self._audit(await self._head())
            await self._audit_state()
        except (TransientError, RpcError) as error:
            # The stream goes on; whether it may be trusted for long is for the stall to say.
            log.info("audit_postponed", error=str(error))
        self._require_progress()

    async def _head(self) -> Head:
        """Give the newest sealed block: the stream's, or one asked for if it is silent."""
        silent = self._parts.clock.monotonic() - self._stream.head_at
        has_heads = len(self._subscriptions) == _STREAMS
        if not has_heads or silent > self._settings.silence_seconds:
            await self._poll_head()
        return self._newest_seen()

    async def _poll_head(self) -> None:
        self._stream.add_head(await read_sealed_head(self._parts.contract.reader))

    def _newest_seen(self) -> Head:
        newest = self._parts.heads.newest
        assert newest is not None, "expected a snapshot before an audit"
        return newest

    async def _catch_up(self) -> None:
        """Read every block since the last audit while logs are held, then let them through."""
        self._stream.hold()
        self._stream.urgent.clear()
        self._stream.has_gap = False
        try:
            await self._poll_head()
            head = self._newest_seen()
            behind = head.number - self._since().number
            if behind > self._settings.most_catch_up_blocks:
                raise FeedInterruptedError(ResyncReason.GAP, f"{behind} blocks were missed")
            await self._audit(head)
        except (TransientError, RpcError):
            self._stream.has_gap = True  # try again: until then logs stay held
            raise
        if not self._stream.has_gap:
            self._stream.release()
            self._parts.metrics.is_following.set(1)
        self._stream.raise_failure()

    def _since(self) -> BlockRef:
        assert self._audited is not None, "expected a snapshot before an audit"
        return self._audited

    async def _audit(self, head: Head) -> None:
        since = self._since()
        lag = max(0, head.number - since.number)
        self._parts.metrics.audit_lag.set(lag)
        if lag:
            self._parts.high_water.accept(head.number)
            await self._parts.log_auditor.audit(head, since, self._stream, self._ledger, self._sink)
            self._audited = head.ref
            self._parts.metrics.audit_lag.set(0)
        self._audited_at = self._parts.clock.monotonic()

    async def _audit_state(self) -> None:
        now = self._parts.clock.monotonic()
        if now - self._state_audited_at < self._settings.state_audit_period_seconds:
            return
        self._state_audited_at = now
        await self._parts.state_auditor.audit(
            self._since(),
            self._settings.state_audit_accounts,
            self._stream,
            self._ledger,
            self._sink,
        )

    def _require_progress(self) -> None:
        """End the epoch when blocks stopped coming or could not be audited for too long."""
        limit = self._settings.stall_seconds
        now = self._parts.clock.monotonic()
        number = self._newest_seen().number
        if now - self._stream.head_at > limit:
            raise FeedInterruptedError(
                ResyncReason.STALLED,
                f"no block after {number} for {limit:g} s",
                at_least=number + 1,
            )
        if now - self._audited_at > limit:
            raise FeedInterruptedError(
                ResyncReason.STALLED,
                f"blocks after {self._since().number} could not be audited for {limit:g} s",
            )
