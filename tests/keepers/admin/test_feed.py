"""A feed that begins anew when an operator says so."""

import asyncio

import pytest

from keepers.admin.feed import ResyncableFeed
from venues.port import FeedSink


class Sink:
    """Hears of interruptions; the rest is the feed's own affair."""

    def __init__(self) -> None:
        self.interruptions: list[str] = []

    def on_interrupted(self, reason: str) -> None:
        self.interruptions.append(reason)


class Feed:
    """Follows until it is stopped, and counts its lives."""

    def __init__(self) -> None:
        self.lives = 0
        self.alive = asyncio.Event()

    async def run(self, sink: FeedSink, stop: asyncio.Event) -> None:
        assert sink is not None
        self.lives += 1
        self.alive.set()
        await stop.wait()
        self.alive.clear()


async def test_a_resync_ends_what_is_held_and_begins_anew() -> None:
    inner, sink, stop = Feed(), Sink(), asyncio.Event()
    feed = ResyncableFeed(inner)
    running = asyncio.create_task(feed.run(sink, stop))  # type: ignore[arg-type]
    await inner.alive.wait()
    inner.alive.clear()
    feed.resync("alice asked")
    await inner.alive.wait()
    assert (inner.lives, sink.interruptions) == (2, ["alice asked"])
    stop.set()
    await running
    assert (inner.lives, sink.interruptions) == (2, ["alice asked"])


async def test_what_a_feed_raises_reaches_the_process() -> None:
    class Broken(Feed):
        async def run(self, sink: FeedSink, stop: asyncio.Event) -> None:  # noqa: ARG002
            raise ValueError("a bug")

    running = ResyncableFeed(Broken()).run(Sink(), asyncio.Event())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a bug"):
        await running
