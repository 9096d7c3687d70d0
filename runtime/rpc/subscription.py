"""What a WebSocket subscription hands to its consumer: notifications, in order, and gaps.

Whenever something may be missing, a `Gap` stands exactly where it is missing: what follows it is
contiguous again. The reader never waits for a consumer: a queue that is full is emptied, and a Gap
with the count of what was dropped takes its place. Level-triggered consumers then resync.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self, TypeAlias

Notification: TypeAlias = Any
"""The decoded `params.result` of an eth_subscription message."""


class GapReason(Enum):
    """Why notifications may be missing."""

    RECONNECTED = "reconnected"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Notifications may be missing here; `dropped` counts those that we know of."""

    reason: GapReason
    dropped: int = 0


OnMessage = Callable[[Notification | Gap], None]
"""Called in the reader, so it must be quick, must not block, and its exception is a bug."""


class Subscription:
    """An async iterator of notifications and gaps for one consumer, or a synchronous callback."""

    def __init__(
        self,
        params: Sequence[Any],
        *,
        capacity: int,
        on_message: OnMessage | None,
        on_dropped: Callable[[int], None],
    ) -> None:
        if capacity < 1:
            raise ValueError(f"expected a capacity of at least 1, found {capacity}")
        self.params = tuple(params)
        self.live = False
        """Whether the endpoint is sending to us now."""
        self._capacity = capacity
        self._on_message = on_message
        self._on_dropped = on_dropped
        self._queue: deque[Notification | Gap] = deque()
        self._gaps = 0
        self._waiter: asyncio.Future[None] | None = None
        self.ended = False
        self._failure: BaseException | None = None
        self._opened_before = False

    @property
    def gapped(self) -> bool:
        """Whether a Gap waits in the queue: what the consumer knows is out of date."""
        return self._gaps > 0

    @property
    def waiting(self) -> int:
        """How many items the consumer has not taken yet."""
        return len(self._queue)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notification | Gap:
        while not self._queue:
            if self._failure is not None:
                raise RuntimeError("the reader of this subscription died") from self._failure
            if self.ended:
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("expected one consumer of a subscription, found two")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        item = self._queue.popleft()
        if isinstance(item, Gap):
            self._gaps -= 1
        return item

    # --- for the reader ---------------------------------------------------------------------

    def open(self) -> None:
        """Note that the endpoint sends from here on; after the first time, that is a gap."""
        self.live = True
        if self._opened_before:
            self._push(Gap(reason=GapReason.RECONNECTED))
        self._opened_before = True

    def deliver(self, notification: Notification) -> None:
        """Hand over one notification."""
        self._push(notification)

    def lose(self, dropped: int) -> None:
        """Note that notifications were dropped before they got here."""
        self._on_dropped(dropped)
        self._push(Gap(reason=GapReason.OVERFLOW, dropped=dropped))

    def end(self, failure: BaseException | None = None) -> None:
        """Let the consumer take what is queued, then end, with an error if the reader died."""
        self.live = False
        self.ended = True
        self._failure = failure
        self._wake()

    def _push(self, item: Notification | Gap) -> None:
        if self._on_message is not None:
            self._on_message(item)
            return
        if len(self._queue) >= self._capacity and not isinstance(item, Gap):
            self._overflow()
        if isinstance(item, Gap):
            self._gaps += 1
        self._queue.append(item)
        self._wake()

    def _overflow(self) -> None:
        dropped = sum(not isinstance(item, Gap) for item in self._queue)
        known = sum(item.dropped for item in self._queue if isinstance(item, Gap))
        self._queue.clear()
        self._queue.append(Gap(reason=GapReason.OVERFLOW, dropped=dropped + known))
        self._gaps = 1
        self._on_dropped(dropped)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
