"""A feed that an operator can have begin anew: forget everything, and take a snapshot again."""

import asyncio
import contextlib

from venues.port import Feed, FeedSink


class ResyncableFeed:
    """Follow a venue by another feed; implements `venues.port.Feed`."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._again = asyncio.Event()
        self._why = ""

    def resync(self, why: str) -> None:
        """End what is held now; nothing is acted on until the fresh snapshot is there."""
        self._why = why
        self._again.set()

    async def run(self, sink: FeedSink, stop: asyncio.Event) -> None:
        """Follow until `stop`, from a fresh snapshot after each resync."""
        while not stop.is_set():
            self._again.clear()
            ended = asyncio.Event()
            ender = asyncio.create_task(self._end(ended, stop), name="feed-resync")
            try:
                await self._feed.run(sink, ended)
            finally:
                ender.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ender
            if not stop.is_set():
                sink.on_interrupted(self._why)

    async def _end(self, ended: asyncio.Event, stop: asyncio.Event) -> None:
        """Set `ended` when the process stops, or somebody wants the feed to begin anew."""
        waits = [asyncio.create_task(each.wait()) for each in (self._again, stop)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        ended.set()
