"""The loop of all sources waits as long as it should, and stops when it is told."""

import asyncio
from collections.abc import Iterable
from random import Random

import aiohttp
import pytest

from monitors.prices import reconnect
from monitors.prices.port import FaultKind, NotJsonError, SourceFault
from monitors.prices.reconnect import Courier, ReconnectRules, keep_connected, refusal
from runtime.backoff import Backoff
from tests.monitors.prices.servers import FakeClock, Recorder

RULES = ReconnectRules(backoff=Backoff(first_seconds=1.0, most_seconds=8.0, jitter_ratio=0.0))
DAY = 86_400.0


async def delays_after(
    ends: Iterable[tuple[float, Exception | None]], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[float], Recorder]:
    """Let connections live and end so; give the waits between them, and the faults told."""
    sink, clock, stop, waits = Recorder(), FakeClock(), asyncio.Event(), list[float]()
    rest = iter(ends)

    async def serve() -> None:
        end = next(rest, None)
        if end is None:
            stop.set()
            return
        clock.seconds += end[0]
        if end[1] is not None:
            raise end[1]

    async def wait(_stop: asyncio.Event, seconds: float) -> bool:
        waits.append(seconds)
        return False

    monkeypatch.setattr(reconnect, "sleep_unless", wait)
    courier = Courier(name="any", sink=sink)
    await keep_connected(courier, serve, stop=stop, rules=RULES, clock=clock, random=Random(1))
    return waits, sink


async def test_delays_grow_to_a_ceiling_while_nothing_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits, sink = await delays_after([(0, ConnectionRefusedError())] * 6, monkeypatch)
    assert waits == [1, 2, 4, 8, 8, 8]
    assert set(sink.kinds) == {FaultKind.UNREACHABLE}


async def test_delays_start_anew_after_a_connection_that_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits, _ = await delays_after(
        [(0, OSError()), (0, OSError()), (61, OSError()), (0, OSError())], monkeypatch
    )
    assert waits == [1, 2, 1, 2]


async def test_a_stream_closed_after_a_day_is_opened_at_once_and_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits, sink = await delays_after([(DAY, None), (DAY, None)], monkeypatch)
    assert waits == []
    assert sink.faults == []


async def test_a_stream_closed_early_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, sink = await delays_after([(3_600, None)], monkeypatch)
    assert waits == [1]
    assert sink.kinds == [FaultKind.STREAM_CLOSED]


async def test_a_stream_that_breaks_after_a_day_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    _, sink = await delays_after([(DAY, aiohttp.ClientPayloadError())], monkeypatch)
    assert sink.kinds == [FaultKind.UNREACHABLE]


async def test_a_rate_limit_is_waited_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, sink = await delays_after([(0, refusal(429, None, 60.0))], monkeypatch)
    assert waits == [60]
    assert sink.kinds == [FaultKind.RATE_LIMITED]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 60),
        ("5", 60),
        ("120", 120),
        ("-1", 60),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60),
        ("²", 60),
        ("9" * 30, 3_600),
    ],
)
def test_a_longer_pause_is_kept_where_the_source_names_one(
    header: str | None, seconds: float
) -> None:
    assert refusal(429, header, 60.0).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotJsonError("expected JSON, found none"), FaultKind.NOT_JSON),
        (TimeoutError(), FaultKind.SILENT),
        (aiohttp.InvalidURL("http://key@host"), FaultKind.UNREACHABLE),
        (SourceFault(FaultKind.REFUSED, "expected less"), FaultKind.REFUSED),
    ],
)
async def test_each_error_is_told_as_its_kind(
    error: Exception, kind: FaultKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sink = await delays_after([(0, error)], monkeypatch)
    assert sink.kinds == [kind]
    assert "key@host" not in sink.faults[0][1]


async def test_a_bug_is_not_taken_for_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        await delays_after([(0, ZeroDivisionError())], monkeypatch)


async def test_stop_ends_a_connection_that_serves_and_cleans_up_after_it() -> None:
    stop, cleaned = asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        stop.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    before = asyncio.all_tasks()
    sink = Recorder()
    courier = Courier(name="any", sink=sink)
    await keep_connected(
        courier, serve, stop=stop, rules=RULES, clock=FakeClock(), random=Random(1)
    )
    assert cleaned.is_set()
    assert not sink.faults
    assert asyncio.all_tasks() == before


async def test_cancelling_the_loop_leaves_no_task() -> None:
    started = asyncio.Event()

    async def serve() -> None:
        started.set()
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    loop = asyncio.create_task(
        keep_connected(
            Courier(name="any", sink=Recorder()),
            serve,
            stop=asyncio.Event(),
            rules=RULES,
            clock=FakeClock(),
            random=Random(1),
        )
    )
    await started.wait()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    assert asyncio.all_tasks() == before


def test_secrets_are_cut_from_what_is_told_and_shown() -> None:
    sink = Recorder()
    courier = Courier(name="any", sink=sink, secrets=("", "s3cret-key"), about="host 2: ")
    courier.tell(FaultKind.REFUSED, "expected no s3cret-key, found s3cret-key")
    assert sink.faults == [(FaultKind.REFUSED, "host 2: expected no [redacted], found [redacted]")]
    assert "s3cret-key" not in repr(courier)


def test_a_long_detail_is_cut_only_after_the_secrets() -> None:
    sink = Recorder()
    courier = Courier(name="any", sink=sink, secrets=("s3cret-key",))
    courier.tell(FaultKind.REFUSED, "x" * 295 + "s3cret-key")
    assert sink.faults[0][1] == "x" * 295 + "[reda"
