"""The box in front of a channel: bounded, merged, paced; whoever puts a notice in never waits.

The most severe goes first, and of equals the oldest, so that a state is never cleared before it was
raised. The same again within the window is counted and told as "n more" when the window ends; a state
that was cleared in between is news, and is never held back by more than the pace. A full box gives up
the least severe, and says how many with the next that goes out.
"""

import asyncio
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import structlog

from runtime.backoff import Backoff
from runtime.clock import Clock
from runtime.errors import TransientError
from runtime.notify.metrics import NotifyMetrics, Outcome
from runtime.notify.notice import Channel, Notice, NotTakenError, Severity
from runtime.rpc.rate_limit import TokenBucket
from runtime.supervise import sleep_unless

LOOK_SECONDS: Final = 1.0
"""Between two looks for windows that have ended."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("notify")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRules:
    """How much, how often, how long."""

    least: Severity = Severity.INFO
    """What is less severe never goes in."""
    most_waiting: int = 100
    window_seconds: float = 300.0
    most_per_minute: int = 20
    at_once: int = 5
    backoff: Backoff
    """Delays between attempts; when it runs out the notice is given up."""
    drain_seconds: float = 5.0
    """After stop, for what still waits."""


@dataclass(slots=True, kw_only=True)
class _Window:
    """What was told last under a key."""

    notice: Notice
    ends: float
    more: int = 0


class Box:
    """What waits for one channel."""

    def __init__(
        self,
        channel: Channel,
        rules: BoxRules,
        *,
        metrics: NotifyMetrics,
        clock: Clock,
        random: Random,
    ) -> None:
        self._channel = channel
        self._rules = rules
        self._metrics = metrics
        self._clock = clock
        self._random = random
        self._pace = TokenBucket(
            rate_per_second=rules.most_per_minute / 60, burst=rules.at_once, clock=clock
        )
        self._waiting: list[Notice] = []
        self._windows: dict[str, _Window] = {}
        self._dropped = 0
        self._wake = asyncio.Event()

    @property
    def name(self) -> str:
        """The channel's name."""
        return self._channel.name

    def put(self, notice: Notice) -> None:
        """Take a notice in; never waits, and never raises for what the channel would say."""
        if notice.severity < self._rules.least:
            return
        now, window = self._clock.monotonic(), self._windows.get(notice.key)
        if window is not None and _is_same(window.notice, notice) and now < window.ends:
            window.more += 1
            window.notice = notice
            self._metrics.count(self.name, Outcome.MERGED)
            return
        more = 0 if window is None or not _is_same(window.notice, notice) else window.more
        self._open_window(notice, now)
        self._add(replace(notice, more=more))

    async def run(self, stop: asyncio.Event) -> None:
        """Send what waits until `stop`, then for a short while what is left."""
        while not stop.is_set():
            self.end_windows()
            if not self._waiting:
                await self._idle(stop)
            elif await self._is_our_turn(stop):
                await self._deliver(self._next(), stop)
        try:
            async with asyncio.timeout(self._rules.drain_seconds):
                while self._waiting:
                    await self._pace.take()
                    await self._deliver(self._next(), stop)
        except TimeoutError:
            log.warning("notifications_left", channel=self.name, number=len(self._waiting))

    def end_windows(self) -> None:
        """Tell "n more" of what was merged, where the window has ended."""
        now = self._clock.monotonic()
        ended = [key for key, window in self._windows.items() if now >= window.ends]
        for key in ended:
            window = self._windows.pop(key)
            if window.more:
                self._open_window(window.notice, now)
                self._add(replace(window.notice, more=window.more))

    def _open_window(self, notice: Notice, now: float) -> None:
        ends = now + self._rules.window_seconds
        self._windows[notice.key] = _Window(notice=notice, ends=ends)

    def _add(self, notice: Notice) -> None:
        self._waiting.append(notice)
        if len(self._waiting) > self._rules.most_waiting:
            least = min(self._waiting, key=lambda each: each.severity)
            self._waiting.remove(least)
            self._dropped += 1
            self._metrics.count(self.name, Outcome.DROPPED)
            # What was not told must not hold back the next of its kind.
            self._windows.pop(least.key, None)
        self._show()
        self._wake.set()

    def _next(self) -> Notice:
        """Give the most severe, and of equals the oldest: `max` takes the first."""
        notice = max(self._waiting, key=lambda each: each.severity)
        self._waiting.remove(notice)
        self._show()
        notice = replace(notice, dropped=self._dropped)
        self._dropped = 0
        return notice

    async def _deliver(self, notice: Notice, stop: asyncio.Event) -> None:
        """Send; try again on what passes, with growing pauses."""
        delays = self._rules.backoff.delays(self._random)
        while True:
            try:
                await self._channel.send(notice)
            except TransientError as error:
                delay = next(delays, None)
                if delay is None or stop.is_set():
                    self._failed(notice, str(error))
                    return
                self._metrics.count(self.name, Outcome.RETRIED)
                await sleep_unless(stop, max(delay, error.retry_after_seconds or 0.0))
            except NotTakenError as error:
                self._failed(notice, str(error))
                return
            else:
                self._metrics.count(self.name, Outcome.SENT)
                return

    async def _is_our_turn(self, stop: asyncio.Event) -> bool:
        """Take a turn, or wait for it: what is more severe may come meanwhile, and goes first."""
        if self._pace.try_take():
            return True
        await sleep_unless(stop, min(self._pace.wait_seconds(), LOOK_SECONDS))
        return False

    def _failed(self, notice: Notice, why: str) -> None:
        self._metrics.count(self.name, Outcome.FAILED)
        # As with what was dropped: the next of its kind is tried, and not merged into nothing.
        self._windows.pop(notice.key, None)
        log.error("notification_failed", channel=self.name, about=notice.key, why=why)

    async def _idle(self, stop: asyncio.Event) -> None:
        self._wake.clear()
        waits = [asyncio.create_task(each.wait()) for each in (self._wake, stop)]
        try:
            await asyncio.wait(waits, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _show(self) -> None:
        self._metrics.waiting.labels(channel=self.name).set(len(self._waiting))


def _is_same(before: Notice, after: Notice) -> bool:
    """Say whether a notice repeats another; a state that changed in between is no repetition."""
    return (before.kind, before.severity) == (after.kind, after.severity)
