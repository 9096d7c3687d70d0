"""The synchronous half of the feed: from the socket's reader to the sink, without a hop.

While a snapshot is taken, logs are held; afterwards they go straight through. What goes wrong here
is noted and ends the epoch: the sink hears of it at once, the asynchronous half takes the new
snapshot. The hold is bounded: when it is full it is emptied, because the audit that follows every
hold reads from the chain what was dropped.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from runtime.clock import Clock
from runtime.rpc.subscription import Gap, Notification
from venues.exchange.chain import Head, head_of
from venues.exchange.heads import HeadRing
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.metrics import FeedMetrics, ResyncReason
from venues.exchange.slicers import UndecodableError
from venues.port import FeedSink


class Stream:
    """Receive logs and heads, apply them, and remember what went wrong."""

    def __init__(
        self,
        sink: FeedSink,
        ledger: Ledger,
        heads: HeadRing,
        *,
        clock: Clock,
        metrics: FeedMetrics,
        most_held: int,
    ) -> None:
        self.heads = heads
        self.has_gap = False
        """Whether messages may be missing: the range since the last audit must be read."""
        self.head_at = clock.monotonic()
        """When the newest head came in, monotonic seconds."""
        self.urgent = asyncio.Event()
        self._sink = sink
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._most_held = most_held
        self._held: deque[Mapping[str, Any]] | None = deque()
        self._failure: FeedInterruptedError | None = None
        self._is_closed = False

    def on_log(self, message: Notification | Gap) -> None:
        """Take one log from the subscription; never blocks, never raises for what a log says."""
        if self._is_closed:
            return
        if isinstance(message, Gap):
            self._note_gap()
            return
        if self._held is not None:
            if len(self._held) >= self._most_held:
                self._held.clear()
            self._held.append(message)
            return
        if self._failure is None:
            self._apply(message)

    def on_head(self, message: Notification | Gap) -> None:
        """Take one block header from the subscription."""
        if self._is_closed:
            return
        if isinstance(message, Gap):
            self._note_gap()
            return
        try:
            self.add_head(head_of(message))
        except UndecodableError as error:
            self.fail(FeedInterruptedError(ResyncReason.UNDECODABLE, str(error)))
        except FeedInterruptedError as error:
            self.fail(error)

    def add_head(self, head: Head) -> None:
        """Remember a sealed block; raises FeedInterruptedError when it rewrites history."""
        if not self.heads.add(head):
            return
        self.head_at = self._clock.monotonic()
        self._ledger.advance_clock(head.ref.timestamp)
        self._metrics.head_block.set(head.number)
        self._metrics.head_timestamp.set(head.ref.timestamp)

    def hold(self) -> None:
        """Keep logs back from now on."""
        if self._held is None:
            self._held = deque()

    def release(self) -> None:
        """Let logs through again, those kept back first."""
        held, self._held = self._held or (), None
        for message in held:
            if self._failure is None:
                self._apply(message)

    def fail(self, error: FeedInterruptedError) -> None:
        """Note that the epoch is over; the sink hears of it now, not when the loop turns."""
        if self._failure is None:
            self._failure = error
            self._sink.on_interrupted(str(error))
            self.urgent.set()

    def close(self) -> None:
        """Let nothing through any more: another stream takes over the ledger."""
        self._is_closed = True

    def raise_failure(self) -> None:
        """Raise what went wrong in the socket's reader, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _note_gap(self) -> None:
        # Holding keeps what comes after the gap from overtaking what is missing.
        self.has_gap = True
        self.hold()
        self.urgent.set()

    def _apply(self, message: Mapping[str, Any]) -> None:
        try:
            change = self._ledger.take(message)
        except FeedInterruptedError as error:
            self.fail(error)
            return
        if change is not None:
            self._sink.on_changes((change,), now=self._ledger.now)
