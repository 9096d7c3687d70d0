"""The export against a collector that answers, is away, refuses, hangs, and comes back."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from random import Random

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from runtime.backoff import Backoff
from runtime.journal import Journal
from runtime.tracing.exporter import Exporter
from runtime.tracing.ids import trace_id_of
from runtime.tracing.metrics import TracingMetrics
from runtime.tracing.tracer import Tracer, TracerSettings
from tests.anvil import free_port
from tests.otlp_receiver import PATH, Receiver, running_receiver
from tests.runtime.journal.conftest import StepClock
from tests.runtime.tracing.conftest import Signed, finish, intent, opened, signer

ROOT = "liquidate TSLA"


class Export:
    """A running tracer and its figures."""

    def __init__(self, tracer: Tracer, registry: CollectorRegistry) -> None:
        self.tracer = tracer
        self._registry = registry

    def spans(self, result: str) -> float:
        """Count spans by what became of them."""
        name = "bellkeeper_tracing_spans_total"
        return self._registry.get_sample_value(name, {"result": result}) or 0.0

    @property
    def failures(self) -> float:
        """Count tries that will be made again."""
        name = "bellkeeper_tracing_export_failures_total"
        return self._registry.get_sample_value(name) or 0.0


@contextlib.asynccontextmanager
async def exporting(path: Path, url: str, **settings: float) -> AsyncIterator[Export]:
    registry = CollectorRegistry()
    facts = {"sample_ratio": 1.0, "period_seconds": 0.01, "most_behind": 50_000} | settings
    async with aiohttp.ClientSession() as session:
        tracer = Tracer(
            TracerSettings(
                journal=path,
                sample_ratio=facts["sample_ratio"],
                resource={"service.name": "bellkeeper", "bellkeeper.chain_id": 31337},
                version="1.0",
                period_seconds=facts["period_seconds"],
                most_behind=int(facts["most_behind"]),
            ),
            Exporter(session, endpoint=url, headers={"Authorization": "Bearer planted"}),
            TracingMetrics.create(registry),
            Random(7),
        )
        tracer._backoff = Backoff(first_seconds=0.01, most_seconds=0.02)
        stop = asyncio.Event()
        running = asyncio.create_task(tracer.run(stop))
        try:
            yield Export(tracer, registry)
        finally:
            stop.set()
            async with asyncio.timeout(5):
                await running


def _has(receiver: Receiver, spans: int) -> bool:
    return len(receiver.spans) >= spans


async def until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"expected that {what}")


async def test_what_ends_is_exported_once(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    with running_receiver() as receiver:
        async with exporting(path, receiver.url) as export:
            made = signed()
            await until(lambda: len(receiver.spans) == 2, "judge and sign came")
            finish(journal, clock, made)
            await until(lambda: ROOT in receiver.of(intent().trace_id), "the whole came")
            other = signed(1)
            finish(journal, clock, other)
            await until(lambda: ROOT in receiver.of(intent(1).trace_id), "the next came")
        assert len(receiver.spans) == len({span.span_id for span in receiver.spans}) == 12
        assert export.spans("exported") == 12
        assert receiver.headers[0]["Authorization"] == "Bearer planted"
        assert receiver.headers[0]["Content-Type"] == "application/x-protobuf"
        assert receiver.resources[0] == {
            "service.name": "bellkeeper",
            "bellkeeper.chain_id": 31337,
        }


async def test_an_intent_that_outlives_its_keeper_stays_one_trace(
    path: Path, clock: StepClock
) -> None:
    with running_receiver() as receiver:
        with opened(path, clock) as first:
            made = signer(first, clock)()
        # The first keeper died here: it had signed, and exported nothing.
        clock.seconds += 60
        with opened(path, clock) as second:
            async with exporting(path, receiver.url):
                finish(second, clock, made)
                await until(lambda: ROOT in receiver.of(intent().trace_id), "the whole came")
    trace = receiver.of(intent().trace_id)
    assert set(trace) == {"judge", "sign", "send", "mine", "finalise", ROOT}
    assert {span.trace_id for span in receiver.spans} == {trace_id_of(intent().key)}
    assert {trace[name].parent_id for name in trace if name != ROOT} == {trace[ROOT].span_id}
    assert trace["send"].events == ["keeper_restarted"]
    assert trace["send"].end - trace["send"].start == 61


async def test_spans_that_are_told_again_are_the_same_spans(path: Path, clock: StepClock) -> None:
    with running_receiver() as receiver:
        with opened(path, clock) as first:
            finish(first, clock, signer(first, clock)())
        for told in (6, 12):
            clock.seconds += 1
            with opened(path, clock):
                async with exporting(path, receiver.url):
                    await until(partial(_has, receiver, told), "all came")
        assert len(receiver.spans) == 12
        assert len({(span.span_id, span.start, span.end) for span in receiver.spans}) == 6


async def test_a_dead_collector_loses_nothing_once_it_is_back(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    port = free_port()
    async with exporting(path, f"http://127.0.0.1:{port}{PATH}") as export:
        for number in range(20):
            finish(journal, clock, signed(number))
        await until(lambda: export.failures >= 3, "it was tried again")
        assert export.tracer.problem == "the collector was not reached: ClientConnectorError"
        with running_receiver(port) as receiver:
            await until(lambda: len(receiver.spans) == 120, "all came")
            await until(lambda: export.tracer.problem is None, "it is well")
        assert export.spans("exported") == 120
        assert export.spans("dropped") == 0


async def test_a_busy_collector_is_asked_again_and_a_refusal_is_final(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    with running_receiver() as receiver:
        receiver.statuses = [503, 429]
        finish(journal, clock, signed())
        async with exporting(path, receiver.url) as export:
            await until(lambda: len(receiver.spans) == 6, "all came")
            assert export.failures == 2
            receiver.statuses = [401]
            finish(journal, clock, signed(1))
            await until(lambda: export.spans("refused") == 6, "the refusal was counted")
            assert "answered 401: check [tracing]" in str(export.tracer.problem)
            finish(journal, clock, signed(2))
            await until(lambda: ROOT in receiver.of(intent(2).trace_id), "it goes on")
            assert export.tracer.problem is None
        assert receiver.of(intent(1).trace_id) == {}


async def test_spans_that_a_collector_rejects_are_counted(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    with running_receiver() as receiver:
        receiver.rejects = 2
        finish(journal, clock, signed())
        async with exporting(path, receiver.url) as export:
            await until(lambda: export.spans("rejected") == 2, "they were counted")
            assert export.spans("exported") == 4


async def test_what_no_collector_can_catch_up_with_is_dropped_and_counted(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    for number in range(40):
        finish(journal, clock, signed(number))
    with running_receiver() as receiver:
        async with exporting(path, receiver.url, most_behind=20) as export:
            await until(lambda: bool(receiver.spans), "the newest came")
            assert export.spans("dropped") > 150
            assert intent(39).trace_id in {span.trace_id for span in receiver.spans}
            assert receiver.of(intent(0).trace_id) == {}


async def test_only_the_share_that_was_asked_for_is_exported(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    for number in range(40):
        finish(journal, clock, signed(number))
    with running_receiver() as receiver:
        async with exporting(path, receiver.url, sample_ratio=0.3):
            await until(lambda: bool(receiver.spans), "some came")
    traces = {span.trace_id for span in receiver.spans}
    assert 0 < len(traces) < 40
    # Each of them whole.
    assert len(receiver.spans) == 6 * len(traces)


async def test_a_collector_that_hangs_holds_no_exit_up(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    finish(journal, clock, signed())
    with running_receiver() as receiver:
        receiver.hangs = threading.Event()
        async with exporting(path, receiver.url):
            await until(receiver.asked.is_set, "the request is on its way")
        # `exporting` ends within its five seconds, though nobody answered.
        assert receiver.spans == []


async def test_a_bug_in_the_export_ends_the_export_alone(
    journal: Journal,
    path: Path,
    clock: StepClock,
    signed: Signed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("runtime.tracing.tracer.encode_request", broken)
    with running_receiver() as receiver:
        async with exporting(path, receiver.url) as export:
            finish(journal, clock, signed())
            await until(lambda: export.tracer.problem is not None, "it has stopped")
            assert "ZeroDivisionError" in str(export.tracer.problem)
            # The journal goes on.
            finish(journal, clock, signed(1))
        assert receiver.spans == []


async def test_a_journal_that_was_pruned_to_nothing_is_followed_from_its_beginning(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    with running_receiver() as receiver:
        async with exporting(path, receiver.url):
            finish(journal, clock, signed())
            await until(lambda: ROOT in receiver.of(intent().trace_id), "it came")
            clock.seconds += 1_000
            while journal.prune(clock.seconds):
                pass
            # The numbers of its moves begin again, and the reader has not looked meanwhile.
            finish(journal, clock, signed(1))
            await until(lambda: ROOT in receiver.of(intent(1).trace_id), "the next came too")


async def test_no_error_or_status_shows_the_address_or_a_header(
    journal: Journal, path: Path, clock: StepClock, signed: Signed
) -> None:
    finish(journal, clock, signed())
    url = f"http://127.0.0.1:{free_port()}/planted"
    async with exporting(path, url) as export:
        await until(lambda: export.failures > 0, "it failed")
        assert "planted" not in repr(export.tracer.status())
