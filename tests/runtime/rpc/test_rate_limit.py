"""The token bucket, on a clock that stands still."""

import asyncio
import time

import pytest

from runtime.clock import SystemClock
from runtime.rpc.rate_limit import TokenBucket
from tests.runtime.nodes import FakeClock


def test_lets_the_burst_through_and_then_spaces(clock: FakeClock) -> None:
    bucket = TokenBucket(rate_per_second=5, burst=3, clock=clock)
    waits = [bucket.reserve() for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0, 0.2, 0.4])


def test_fills_up_again_but_never_beyond_the_burst(clock: FakeClock) -> None:
    bucket = TokenBucket(rate_per_second=5, burst=2, clock=clock)
    assert [bucket.try_take() for _ in range(3)] == [True, True, False]
    clock.seconds += 0.2
    assert [bucket.try_take() for _ in range(2)] == [True, False]
    clock.seconds += 100
    assert [bucket.try_take() for _ in range(3)] == [True, True, False]


def test_a_failed_try_takes_nothing(clock: FakeClock) -> None:
    bucket = TokenBucket(rate_per_second=1, clock=clock)
    assert bucket.try_take()
    for _ in range(10):
        assert not bucket.try_take()
    clock.seconds += 1
    assert bucket.try_take()


def test_a_pause_holds_everyone_and_is_never_shortened(clock: FakeClock) -> None:
    bucket = TokenBucket(rate_per_second=None, clock=clock)
    bucket.pause(10)
    bucket.pause(1)
    assert bucket.wait_seconds() == pytest.approx(10)
    assert not bucket.try_take()
    clock.seconds += 10
    assert bucket.try_take()


def test_without_a_rate_nobody_waits(clock: FakeClock) -> None:
    bucket = TokenBucket(rate_per_second=None, clock=clock)
    assert all(bucket.reserve(1_000) == 0 for _ in range(100))


async def test_takers_wait_their_turn() -> None:
    bucket = TokenBucket(rate_per_second=50, clock=SystemClock())
    started = time.monotonic()
    await asyncio.gather(*(bucket.take() for _ in range(6)))
    assert 0.095 <= time.monotonic() - started < 0.5


async def test_a_pause_holds_those_who_wait_already() -> None:
    bucket = TokenBucket(rate_per_second=50, clock=SystemClock())
    await bucket.take()
    started = time.monotonic()
    waiting = asyncio.create_task(bucket.take())
    await asyncio.sleep(0)
    bucket.pause(0.1)
    await waiting
    assert time.monotonic() - started >= 0.099


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (5, 0)])
def test_refuses_a_bucket_that_lets_nothing_through(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        TokenBucket(rate_per_second=rate, burst=burst, clock=SystemClock())
