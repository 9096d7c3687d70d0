"""Supervision: one death stops all, a stop is bounded, only transient errors are retried."""

import asyncio
import os
import signal
from random import Random

import pytest

from runtime.backoff import Backoff
from runtime.errors import OperatorError, TransientError
from runtime.supervise import (
    Pace,
    WorkerReturnedError,
    install_stop_signals,
    operator_error_in,
    run_forever,
    sleep_unless,
    supervise,
)


async def wait_for_stop(stop: asyncio.Event) -> None:
    await stop.wait()


async def never_end(_stop: asyncio.Event) -> None:
    await asyncio.sleep(60)


async def swallow_cancellation(_stop: asyncio.Event) -> None:
    end = asyncio.get_running_loop().time() + 1.0
    while asyncio.get_running_loop().time() < end:
        try:
            await asyncio.sleep(1.0)
        except asyncio.CancelledError:
            continue


def no_exit(code: int) -> None:
    raise AssertionError(f"hard exit {code}")


async def test_one_death_stops_all_and_reaches_the_caller() -> None:
    stop = asyncio.Event()
    cancelled = asyncio.Event()

    async def die(_stop: asyncio.Event) -> None:
        await asyncio.sleep(0.01)
        raise KeyError("bug")

    async def sibling(_stop: asyncio.Event) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    with pytest.raises(ExceptionGroup) as caught:
        await supervise({"die": die, "sibling": sibling}, stop=stop, drain_seconds=1)
    assert [type(error) for error in caught.value.exceptions] == [KeyError]
    assert cancelled.is_set()
    assert stop.is_set()


async def test_a_worker_that_returns_early_is_an_error() -> None:
    async def leave(_stop: asyncio.Event) -> None:
        return

    with pytest.raises(ExceptionGroup) as caught:
        await supervise(
            {"leave": leave, "wait": wait_for_stop}, stop=asyncio.Event(), drain_seconds=1
        )
    assert isinstance(caught.value.exceptions[0], WorkerReturnedError)
    assert "'leave'" in str(caught.value.exceptions[0])


async def test_sigterm_drains_and_ends_without_an_error() -> None:
    stop = asyncio.Event()
    finished: list[str] = []

    async def finish_in_flight(own_stop: asyncio.Event) -> None:
        await own_stop.wait()
        await asyncio.sleep(0.05)
        finished.append("in flight")

    install_stop_signals(stop)
    asyncio.get_running_loop().call_later(0.02, os.kill, os.getpid(), signal.SIGTERM)
    await supervise({"sender": finish_in_flight}, stop=stop, drain_seconds=2, hard_exit=no_exit)
    assert finished == ["in flight"]


async def test_a_worker_that_outlives_the_drain_is_cancelled() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        await supervise({"stuck": never_end}, stop=stop, drain_seconds=0.05, hard_exit=no_exit)


async def test_a_worker_that_swallows_its_cancellation_is_ended_the_hard_way() -> None:
    stop = asyncio.Event()
    stop.set()
    codes: list[int] = []
    await supervise(
        {"deaf": swallow_cancellation},
        stop=stop,
        drain_seconds=0.05,
        cancel_seconds=0.05,
        hard_exit=codes.append,
    )
    assert codes == [1]


async def test_the_operators_error_is_found_among_the_deaths() -> None:
    async def misconfigured(_stop: asyncio.Event) -> None:
        raise OperatorError("expected chain 4326, was 1")

    with pytest.raises(ExceptionGroup) as caught:
        await supervise({"w": misconfigured}, stop=asyncio.Event(), drain_seconds=1)
    found = operator_error_in(caught.value)
    assert found is not None
    assert found.exit_code == 78
    assert operator_error_in(ExceptionGroup("bugs", [KeyError()])) is None


async def test_sleep_unless_ends_with_stop() -> None:
    stop = asyncio.Event()
    assert not await sleep_unless(stop, 0.01)
    asyncio.get_running_loop().call_later(0.01, stop.set)
    assert await asyncio.wait_for(sleep_unless(stop, 60), 1)


PACE = Pace(
    period_seconds=60,
    deadline_seconds=0.1,
    backoff=Backoff(first_seconds=0.01, jitter_ratio=0.5, attempts=3),
)


async def test_backs_off_on_transient_errors_and_goes_on() -> None:
    stop = asyncio.Event()
    cycles: list[int] = []

    async def fail_twice() -> None:
        cycles.append(1)
        if len(cycles) <= 2:
            raise TransientError("not now")
        stop.set()

    async with asyncio.timeout(2):
        await run_forever("w", fail_twice, stop=stop, pace=PACE, random=Random(1))
    assert len(cycles) == 3


async def test_crashes_on_anything_else() -> None:
    async def bug() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_forever("w", bug, stop=asyncio.Event(), pace=PACE, random=Random(1))


async def test_gives_up_when_the_attempts_run_out() -> None:
    async def never() -> None:
        raise TransientError("not now")

    with pytest.raises(TransientError, match="not now"):
        await run_forever("w", never, stop=asyncio.Event(), pace=PACE, random=Random(1))


async def test_a_cycle_beyond_its_deadline_is_cancelled_and_counts_as_transient() -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    pace = Pace(period_seconds=0, deadline_seconds=0.02, backoff=Backoff(attempts=0))
    with pytest.raises(TransientError, match=r"within 0\.02 s"):
        await run_forever("w", hang, stop=asyncio.Event(), pace=pace, random=Random(1))


async def test_a_timeout_inside_a_cycle_is_a_bug_of_that_cycle() -> None:
    async def leak() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        await run_forever("w", leak, stop=asyncio.Event(), pace=PACE, random=Random(1))


async def test_a_wake_during_a_cycle_leads_to_another_one() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    cycles: list[int] = []

    async def cycle() -> None:
        cycles.append(1)
        if len(cycles) == 1:
            wake.set()
        else:
            stop.set()

    async with asyncio.timeout(2):
        await run_forever("w", cycle, stop=stop, pace=PACE, random=Random(1), wake=wake)
    assert len(cycles) == 2


async def test_a_wake_leads_to_one_cycle_and_no_more() -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    cycles: list[int] = []

    async def cycle() -> None:
        cycles.append(1)

    task = asyncio.create_task(
        run_forever("w", cycle, stop=stop, pace=PACE, random=Random(1), wake=wake)
    )
    await asyncio.sleep(0.01)
    wake.set()
    await asyncio.sleep(0.05)
    assert len(cycles) == 2
    stop.set()
    await asyncio.wait_for(task, 1)


def test_delays_grow_to_their_ceiling_within_the_jitter() -> None:
    backoff = Backoff(first_seconds=1, factor=2, most_seconds=5, jitter_ratio=0.25, attempts=5)
    delays = list(backoff.delays(Random(7)))
    for delay, nominal in zip(delays, (1, 2, 4, 5, 5), strict=True):
        assert abs(delay - nominal) <= 0.25 * nominal
    assert delays != list(backoff.delays(Random(8)))
