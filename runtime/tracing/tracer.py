"""The worker that exports traces: reads the journal, makes spans, posts them, and harms nobody.

It is a reader of a file that others write: nothing waits for it, its queue is the journal itself, and what
it holds in memory is one request. While the collector is away it stands still and tries again ever more
slowly; beyond `MOST_BEHIND` moves it skips ahead and counts what it dropped. Reading, making and encoding
run in one thread of its own. Even a bug in here ends the export alone, never the process that liquidates.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import structlog

from runtime.backoff import Backoff
from runtime.errors import TransientError
from runtime.journal.errors import JournalError
from runtime.supervise import sleep_unless
from runtime.tracing.exporter import Exporter, RefusedError, Taken
from runtime.tracing.ids import is_sampled, trace_id_of
from runtime.tracing.metrics import Fate, TracingMetrics
from runtime.tracing.otlp import encode_request, encode_span
from runtime.tracing.spans import Span, Values, spans_of
from runtime.tracing.stories import Chapter, Mark, StoryReader

PERIOD_SECONDS: Final = 1.0
MOST_BEHIND: Final = 50_000
"""Moves that may wait for a collector: hours of an ordinary day, minutes of a crash."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("tracing")


@dataclass(frozen=True, slots=True, kw_only=True)
class TracerSettings:
    """What is exported, and as whose."""

    journal: Path
    sample_ratio: float
    resource: Values
    version: str
    period_seconds: float = PERIOD_SECONDS
    most_behind: int = MOST_BEHIND


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What was read at once: a request (empty if nothing of it is exported), and up to where."""

    body: bytes
    spans: int
    upto: Mark
    behind: int
    dropped: int


class Tracer:
    """Exports the spans of every intent that moves."""

    def __init__(
        self,
        settings: TracerSettings,
        exporter: Exporter,
        metrics: TracingMetrics,
        random: Random,
    ) -> None:
        self._settings = settings
        self._exporter = exporter
        self._metrics = metrics
        self._random = random
        self._backoff = Backoff(first_seconds=1.0, most_seconds=60.0)
        self._delays: Iterator[float] | None = None
        self._reader: StoryReader | None = None
        self._after: Mark | None = None
        self._said = ""
        self.problem: str | None = None
        """Why nothing is exported now, in words."""

    async def run(self, stop: asyncio.Event) -> None:
        """Export until `stop`; what is left then is told by the next life."""
        with ThreadPoolExecutor(1, thread_name_prefix="tracing") as thread:
            try:
                while not stop.is_set():
                    pause = await self._turn(thread, stop)
                    await sleep_unless(stop, pause)
            except Exception as error:
                # A bug in here must not stop a liquidation.
                self.problem = f"a bug: {error!r}"
                log.exception("tracing_stopped")
                await stop.wait()
            finally:
                await asyncio.get_running_loop().run_in_executor(thread, self._close)

    def status(self) -> Mapping[str, object]:
        """Say how the export is, for `/status`."""
        return {"sample_ratio": self._settings.sample_ratio, "problem": self.problem}

    async def _turn(self, thread: ThreadPoolExecutor, stop: asyncio.Event) -> float:
        """Export one batch; give the seconds to wait before the next."""
        try:
            batch = await asyncio.get_running_loop().run_in_executor(thread, self._read)
        except (JournalError, sqlite3.OperationalError) as error:
            return self._failed(error)
        self._metrics.behind.set(batch.behind)
        self._metrics.count(Fate.DROPPED, batch.dropped)
        if batch.dropped:
            log.warning("spans_dropped", spans=batch.dropped, why=self.problem)
        if batch.body:
            try:
                taken = await _unless(stop, self._exporter.post(batch.body))
            except TransientError as error:
                return self._failed(error)
            except RefusedError as error:
                self._metrics.count(Fate.REFUSED, batch.spans)
                self._say("spans_refused", str(error))
            else:
                if taken is None:
                    return 0.0
                self._taken(batch, taken)
        elif self._delays is not None:
            # It was the journal that could not be read, and now it can.
            self.problem = None
        self._after, self._delays = batch.upto, None
        return 0.0 if batch.behind else self._settings.period_seconds

    def _taken(self, batch: _Batch, taken: Taken) -> None:
        self.problem, self._said = None, ""
        rejected = min(taken.rejected, batch.spans)
        self._metrics.count(Fate.EXPORTED, batch.spans - rejected)
        self._metrics.count(Fate.REJECTED, rejected)
        if rejected:
            log.warning("spans_rejected", spans=rejected, why=taken.why)

    def _failed(self, error: Exception) -> float:
        self._metrics.failures.inc()
        if self._delays is None:
            self._delays = self._backoff.delays(self._random)
        self._say("spans_not_exported", str(error))
        wanted = getattr(error, "retry_after_seconds", None) or 0.0
        return max(next(self._delays), wanted)

    def _say(self, event: str, why: str) -> None:
        """Log a problem once, not at every try."""
        self.problem = why
        if why != self._said:
            log.warning(event, why=why)
        self._said = why

    # --- in the thread ----------------------------------------------------------------------------

    def _read(self) -> _Batch:
        if self._reader is None:
            self._reader = StoryReader(self._settings.journal)
        reader = self._reader
        before = reader.start() if self._after is None else self._after
        after, dropped = reader.resume(before, self._settings.most_behind)
        chapter = reader.chapter(after)
        spans = [encode_span(span) for span in self._spans(reader, chapter)]
        settings = self._settings
        body = b""
        if spans:
            body = encode_request(spans, resource=settings.resource, version=settings.version)
        # What is skipped is skipped for good, whatever becomes of this batch.
        self._after = chapter.after
        return _Batch(
            body=body,
            spans=len(spans),
            upto=chapter.upto,
            behind=chapter.behind,
            dropped=dropped,
        )

    def _spans(self, reader: StoryReader, chapter: Chapter) -> Iterator[Span]:
        for number in chapter.moved:
            story = reader.story(number, chapter.upto)
            if story is not None and is_sampled(
                trace_id_of(story.key), self._settings.sample_ratio
            ):
                yield from spans_of(story, after=chapter.after.id)

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()


async def _unless(stop: asyncio.Event, post: Awaitable[Taken]) -> Taken | None:
    """Await a request, or give None as soon as `stop` is set: a dead collector holds no exit up."""
    asked = asyncio.ensure_future(post)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((asked, stopping), return_when=asyncio.FIRST_COMPLETED)
        return asked.result() if asked.done() else None
    finally:
        for task in (asked, stopping):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
