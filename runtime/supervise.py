"""Workers under one roof: one death stops all, and a stop is bounded.

A worker is an async function of the stop event. It may end only after stop was set: dying and
returning early are both failures, and the ExceptionGroup reaches the caller, then the process,
which systemd or Kubernetes restarts. After stop: `drain_seconds` to finish, then cancellation,
then a hard exit from a thread, which works even when the event loop is stuck.
"""

import asyncio
import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

import structlog

from runtime.backoff import Backoff
from runtime.errors import OperatorError, TransientError

Worker = Callable[[asyncio.Event], Awaitable[None]]

CANCEL_SECONDS: Final = 5.0
"""What cancelled workers get to clean up before the hard exit."""
HARD_EXIT_CODE: Final = 1

log: structlog.stdlib.BoundLogger = structlog.get_logger("supervise")


class WorkerReturnedError(Exception):
    """A worker ended although nobody had asked it to."""


async def supervise(
    workers: Mapping[str, Worker],
    *,
    stop: asyncio.Event,
    drain_seconds: float,
    cancel_seconds: float = CANCEL_SECONDS,
    hard_exit: Callable[[int], None] = os._exit,
) -> None:
    """Run `workers` until `stop`; raise an ExceptionGroup as soon as one of them fails."""
    last_resort = _LastResort(hard_exit)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {
                group.create_task(_run(name, worker, stop, last_resort, cancel_seconds), name=name)
                for name, worker in workers.items()
            }
            group.create_task(
                _drain(tasks, stop, drain_seconds, last_resort, cancel_seconds), name="drain"
            )
    finally:
        stop.set()
        last_resort.disarm()


async def _run(
    name: str,
    worker: Worker,
    stop: asyncio.Event,
    last_resort: "_LastResort",
    cancel_seconds: float,
) -> None:
    try:
        await worker(stop)
    except Exception as error:
        log.error("worker_died", worker=name, error=repr(error))  # noqa: TRY400 - the group carries the traceback
        # A sibling that swallows its cancellation must not keep a half-dead process alive.
        last_resort.arm(cancel_seconds)
        raise
    if not stop.is_set():
        log.error("worker_returned_early", worker=name)
        last_resort.arm(cancel_seconds)
        raise WorkerReturnedError(f"worker {name!r} was expected to run until stop, but returned")


async def _drain(
    tasks: set[asyncio.Task[None]],
    stop: asyncio.Event,
    drain_seconds: float,
    last_resort: "_LastResort",
    cancel_seconds: float,
) -> None:
    await stop.wait()
    last_resort.arm(drain_seconds + cancel_seconds)
    if not tasks:
        return
    _, pending = await asyncio.wait(tasks, timeout=drain_seconds)
    if pending:
        log.warning("drain_expired", workers=sorted(task.get_name() for task in pending))
    for task in pending:
        task.cancel()


@dataclass(slots=True)
class _LastResort:
    """A thread that ends the process when nothing else could."""

    hard_exit: Callable[[int], None]
    timer: threading.Timer | None = field(default=None)

    def arm(self, seconds: float) -> None:
        """Start the countdown, unless it is running."""
        if self.timer is None:
            self.timer = threading.Timer(seconds, self._end)
            self.timer.daemon = True
            self.timer.start()

    def disarm(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def _end(self) -> None:
        # Where each thread hangs is the only evidence left; stderr may be a test's without a file.
        with contextlib.suppress(OSError, ValueError):
            faulthandler.dump_traceback(file=sys.stderr)
        self.hard_exit(HARD_EXIT_CODE)


def install_stop_signals(stop: asyncio.Event) -> contextlib.ExitStack:
    """Let SIGTERM and SIGINT set `stop` from here on; as a context manager, until its end.

    Further signals change nothing: the drain is bounded, and cutting it short risks what is in
    flight. Called from inside the event loop.
    """
    loop = asyncio.get_running_loop()
    installed = contextlib.ExitStack()

    def ask(number: signal.Signals) -> None:
        log.info("stop_requested", signal=number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
        installed.callback(loop.remove_signal_handler, number)
    return installed


def operator_error_in(error: BaseException) -> OperatorError | None:
    """Find the operator's error in what `supervise` raised; None means a bug."""
    if isinstance(error, OperatorError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(operator_error_in, error.exceptions)), None)
    return None


async def cycle_until(
    stop: asyncio.Event,
    wake: asyncio.Event,
    cycle: Callable[[], Awaitable[object]],
    *,
    period_seconds: float,
) -> None:
    """Run `cycle` until `stop`: at once when `wake` is set, else every `period_seconds`."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        timer = loop.call_later(period_seconds, wake.set)
        await wake.wait()
        timer.cancel()
        wake.clear()
        await cycle()


async def sleep_unless(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep `seconds`, or less if `stop` is set meanwhile; tell whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    return stop.is_set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a worker cycles: every `period_seconds`, each cycle within `deadline_seconds`."""

    period_seconds: float
    deadline_seconds: float
    backoff: Backoff = field(default_factory=Backoff)


async def run_forever(
    name: str,
    run_once: Callable[[], Awaitable[object]],
    *,
    stop: asyncio.Event,
    pace: Pace,
    random: Random,
    wake: asyncio.Event | None = None,
) -> None:
    """Cycle `run_once` until `stop`; back off on transient errors, crash on all others.

    `wake` starts the next cycle early; it is cleared before the cycle, so that what happens
    during the cycle leads to another one. A cycle that outlives its deadline is cancelled and
    counts as transient. When `pace.backoff` runs out of attempts the last error is raised.
    """
    delays = pace.backoff.delays(random)
    while not stop.is_set():
        if wake is not None:
            wake.clear()
        try:
            await _within(pace.deadline_seconds, run_once, name)
        except TransientError as error:
            delay = next(delays, None)
            if delay is None:
                raise
            delay = max(delay, error.retry_after_seconds or 0.0)
            log.warning("cycle_failed", worker=name, error=str(error), retry_in_seconds=delay)
            await sleep_unless(stop, delay)
        else:
            delays = pace.backoff.delays(random)
            await _pause(stop, wake, pace.period_seconds)


async def _within(seconds: float, run_once: Callable[[], Awaitable[object]], name: str) -> None:
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            await run_once()
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise TransientError(
            f"cycle of {name!r} was expected within {seconds} s, but took longer"
        ) from error


async def _pause(stop: asyncio.Event, wake: asyncio.Event | None, seconds: float) -> None:
    """Sleep until the period is over, a wake or stop."""
    if wake is None:
        await sleep_unless(stop, seconds)
        return
    waits = {asyncio.create_task(stop.wait()), asyncio.create_task(wake.wait())}
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
