"""The box before a channel: merged, paced, bounded, tried again; and whoever puts in never waits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from random import Random

import aiohttp
from prometheus_client import CollectorRegistry

from runtime.backoff import Backoff
from runtime.errors import TransientError
from runtime.notify.box import Box, BoxRules
from runtime.notify.metrics import NotifyMetrics, Outcome
from runtime.notify.notice import Kind, Notice, NotTakenError, Severity
from runtime.notify.slack import Slack
from tests.runtime.nodes import FakeClock
from tests.runtime.notify.servers import running_hook

AT_ONCE = Backoff(first_seconds=0.0, most_seconds=0.0, attempts=3)
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


class Wire:
    """A channel that keeps what it is given, and fails as it is told."""

    name = "wire"

    def __init__(self) -> None:
        self.sent: list[Notice] = []
        self.fails: list[Exception] = []
        self.attempts = 0
        self.open = asyncio.Event()
        self.open.set()
        self.came = asyncio.Event()

    async def send(self, notice: Notice) -> None:
        self.attempts += 1
        self.came.set()
        await self.open.wait()
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(notice)

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.sent]


class Desk:
    def __init__(self, **rules: object) -> None:
        self.wire, self.clock, self.registry = Wire(), FakeClock(), CollectorRegistry()
        told = {"backoff": AT_ONCE, "most_per_minute": 600, "at_once": 100, **rules}
        self.box = Box(
            self.wire,
            BoxRules(**told),  # type: ignore[arg-type]
            metrics=NotifyMetrics.create(self.registry, channels=("wire",)),
            clock=self.clock,
            random=Random(7),
        )

    def put(self, key: str, severity: Severity = WARNING, kind: Kind = Kind.RAISED) -> None:
        self.box.put(
            Notice(key=key, kind=kind, severity=severity, sentence=key, source="k", at_seconds=0)
        )

    def counted(self, outcome: Outcome) -> float | None:
        labels = {"channel": "wire", "outcome": outcome.value}
        return self.registry.get_sample_value("bellkeeper_notifications_total", labels)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the others run until something is so."""
        for _ in range(10_000):
            if condition():
                return
            await asyncio.sleep(0)
        raise AssertionError("expected it to become so, found that nothing changes any more")

    async def empty(self) -> list[str]:
        """Send all that waits, as at the end of a process."""
        stop = asyncio.Event()
        stop.set()
        await self.box.run(stop)
        return self.wire.texts


@contextlib.asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(desk.box.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_the_most_severe_goes_first_and_of_equals_the_oldest() -> None:
    desk = Desk()
    for key, severity in (("a", INFO), ("b", CRITICAL), ("c", WARNING), ("d", CRITICAL)):
        desk.put(key, severity)
    assert await desk.empty() == ["b", "d", "c", "a"]
    assert desk.counted(Outcome.SENT) == 4


async def test_what_is_less_severe_than_the_channel_wants_is_not_taken() -> None:
    desk = Desk(least=WARNING)
    desk.put("a", INFO)
    desk.put("b", WARNING)
    assert await desk.empty() == ["b"]


async def test_the_same_again_is_counted_and_told_when_the_window_ends() -> None:
    desk = Desk(window_seconds=60.0)
    for _ in range(4):
        desk.put("a")
    assert await desk.empty() == ["a"]
    desk.clock.seconds += 59
    desk.box.end_windows()
    assert await desk.empty() == ["a"]
    desk.clock.seconds += 1
    desk.box.end_windows()
    assert await desk.empty() == ["a", "a (3 more)"]
    assert desk.counted(Outcome.MERGED) == 3
    desk.clock.seconds += 60
    desk.box.end_windows()
    assert await desk.empty() == ["a", "a (3 more)"]


async def test_the_next_after_the_window_says_how_many_there_were() -> None:
    desk = Desk(window_seconds=60.0)
    desk.put("a")
    desk.put("a")
    desk.clock.seconds += 61
    desk.put("a")
    assert await desk.empty() == ["a", "a (1 more)"]


async def test_a_state_that_came_back_is_never_held_back() -> None:
    desk = Desk(window_seconds=60.0)
    for kind in (Kind.RAISED, Kind.CLEARED, Kind.RAISED, Kind.CLEARED):
        desk.put("a", CRITICAL, kind)
    assert await desk.empty() == ["a", "no longer: a", "a", "no longer: a"]
    assert desk.counted(Outcome.MERGED) == 0


async def test_a_full_box_gives_up_the_least_severe_and_says_so() -> None:
    desk = Desk(most_waiting=3)
    for key, severity in (("a", INFO), ("b", WARNING), ("c", INFO), ("d", CRITICAL), ("e", INFO)):
        desk.put(key, severity)
    assert await desk.empty() == [
        "d (2 other notices were dropped: too many waited)",
        "b",
        "e",
    ]
    assert desk.counted(Outcome.DROPPED) == 2


async def test_what_was_dropped_is_not_merged_into_nothing() -> None:
    desk = Desk(most_waiting=1)
    desk.put("b", CRITICAL)
    desk.put("a", INFO)
    assert await desk.empty() == ["b (1 other notices were dropped: too many waited)"]
    desk.put("a", INFO)
    assert (await desk.empty())[1:] == ["a"]


async def test_whoever_puts_in_never_waits_for_a_channel_that_hangs() -> None:
    desk = Desk(most_waiting=10, drain_seconds=0.0)
    desk.wire.open.clear()
    async with running(desk):
        desk.put("first")
        await desk.wire.came.wait()
        for number in range(1_000):
            desk.put(f"k{number}")
        waiting = desk.registry.get_sample_value(
            "bellkeeper_notifications_waiting", {"channel": "wire"}
        )
        assert waiting == 10
        assert desk.counted(Outcome.DROPPED) == 990
        desk.wire.open.set()


async def test_what_passes_is_tried_again_and_then_given_up() -> None:
    desk = Desk()
    desk.wire.fails = [TransientError("HTTP 503")] * 2
    async with running(desk):
        desk.put("a")
        await desk.until(lambda: bool(desk.wire.sent))
        assert (desk.wire.attempts, desk.counted(Outcome.RETRIED)) == (3, 2)
        desk.wire.fails = [TransientError("HTTP 503")] * 4
        desk.put("b")
        await desk.until(lambda: desk.counted(Outcome.FAILED) == 1)
        assert desk.wire.attempts == 7
        # The same again is tried: nobody has been told of it.
        desk.put("b")
        await desk.until(lambda: len(desk.wire.sent) == 2)
    assert desk.wire.texts == ["a", "b"]


async def test_what_is_refused_for_good_is_tried_once() -> None:
    desk = Desk()
    desk.wire.fails = [NotTakenError("HTTP 403")]
    desk.put("a")
    assert await desk.empty() == []
    assert (desk.wire.attempts, desk.counted(Outcome.FAILED)) == (1, 1)


async def test_a_channel_is_not_used_more_often_than_it_should_be() -> None:
    desk = Desk(most_per_minute=60, at_once=2)
    async with running(desk):
        for key in "abcd":
            desk.put(key)
        await desk.until(lambda: len(desk.wire.sent) == 2)
        # The clock stands still: nobody's turn comes.
        for _ in range(100):
            await asyncio.sleep(0)
        assert desk.wire.texts == ["a", "b"]
        desk.put("e", CRITICAL)
        desk.clock.seconds += 60
    assert desk.wire.texts == ["a", "b", "e", "c", "d"]


async def test_what_is_left_at_the_end_is_left_after_a_while() -> None:
    desk = Desk(drain_seconds=0.0)
    desk.wire.open.clear()
    desk.put("a")
    assert await desk.empty() == []


async def test_it_delivers_over_a_real_connection_once_the_server_is_back() -> None:
    async with running_hook(503, 200) as hook, aiohttp.ClientSession() as session:
        desk = Desk()
        desk.wire = Slack(session=session, url=hook.url)  # type: ignore[assignment]
        desk.box._channel = desk.wire
        async with running(desk):
            desk.put("a", CRITICAL)
            await hook.until(2)
    assert [got.body["text"] for got in hook.received] == [":rotating_light: *critical* k: a"] * 2
