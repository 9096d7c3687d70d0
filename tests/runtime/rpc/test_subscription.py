"""A subscription's queue: nothing is lost in silence, nobody is waited for."""

import asyncio

import pytest

from runtime.rpc.subscription import Gap, GapReason, Subscription

OVERFLOW, RECONNECTED = GapReason.OVERFLOW, GapReason.RECONNECTED


def make_subscription(capacity: int = 3) -> tuple[Subscription, list[int]]:
    dropped: list[int] = []
    subscription = Subscription(
        ["newHeads"], capacity=capacity, on_message=None, on_dropped=dropped.append
    )
    subscription.open()
    return subscription, dropped


async def take(subscription: Subscription, count: int) -> list[object]:
    return [await asyncio.wait_for(anext(subscription), 1) for _ in range(count)]


async def collect(subscription: Subscription) -> list[object]:
    return [item async for item in subscription]


async def test_hands_over_in_order() -> None:
    subscription, _ = make_subscription()
    for number in range(3):
        subscription.deliver(number)
    assert await take(subscription, 3) == [0, 1, 2]


async def test_a_waiting_consumer_is_woken() -> None:
    subscription, _ = make_subscription()
    waiting = asyncio.create_task(take(subscription, 1))
    await asyncio.sleep(0)
    subscription.deliver("late")
    assert await waiting == ["late"]


async def test_an_overflow_leaves_a_gap_and_what_follows_is_contiguous() -> None:
    subscription, dropped = make_subscription(capacity=3)
    for number in range(5):
        subscription.deliver(number)
    assert subscription.gapped is True
    assert await take(subscription, 3) == [Gap(reason=OVERFLOW, dropped=3), 3, 4]
    assert (subscription.gapped, dropped) == (False, [3])


async def test_one_overflow_after_another_leaves_one_gap_with_the_whole_count() -> None:
    subscription, dropped = make_subscription(capacity=3)
    for number in range(100):
        subscription.deliver(number)
    items = await take(subscription, subscription.waiting)
    gap = items[0]
    assert isinstance(gap, Gap)
    assert gap.dropped == sum(dropped) == 100 - (len(items) - 1)
    assert items[1:] == list(range(gap.dropped, 100))


async def test_a_reconnection_leaves_a_gap_in_its_place() -> None:
    subscription, _ = make_subscription()
    subscription.deliver("before")
    subscription.open()
    subscription.deliver("after")
    assert await take(subscription, 3) == ["before", Gap(reason=RECONNECTED), "after"]


async def test_a_consumer_takes_what_is_queued_before_the_end() -> None:
    subscription, _ = make_subscription()
    subscription.deliver(1)
    subscription.end()
    assert await collect(subscription) == [1]


async def test_a_dead_reader_is_told_to_the_consumer() -> None:
    subscription, _ = make_subscription()
    waiting = asyncio.create_task(take(subscription, 1))
    await asyncio.sleep(0)
    subscription.end(KeyError("bug"))
    with pytest.raises(RuntimeError, match="reader of this subscription died"):
        await waiting


async def test_a_second_consumer_is_refused() -> None:
    subscription, _ = make_subscription()
    first = asyncio.create_task(collect(subscription))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one consumer"):
        await collect(subscription)
    subscription.end()
    assert await first == []


async def test_a_callback_gets_everything_at_once() -> None:
    seen: list[object] = []
    subscription = Subscription(
        ["logs"], capacity=1, on_message=seen.append, on_dropped=lambda _: None
    )
    subscription.open()
    subscription.deliver(1)
    subscription.lose(4)
    subscription.deliver(2)
    assert seen == [1, Gap(reason=OVERFLOW, dropped=4), 2]
    assert subscription.waiting == 0
