"""What tracing costs whoever signs, and what it takes for itself.

    python -m tests.bench.bench_tracing

The same process plays the same intents through a real journal in memory, in turns: tracing off,
and on against a collector that is another process. A turn is a few hundred intents at the pace of a busy
minute: planned and signed, sent, mined, settled, final. What is timed is what stands between a decision and
the bytes on the socket: making the draft and the one commit. Turns alternate, so that what else the machine
does falls on both; the figures are medians over all of them.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Final

import aiohttp
from prometheus_client import CollectorRegistry

from runtime.clock import SystemClock
from runtime.journal import Intent, Journal, Purpose, TransactionDraft
from runtime.tracing.exporter import Exporter
from runtime.tracing.metrics import TracingMetrics
from runtime.tracing.tracer import Tracer, TracerSettings

TURNS: Final = 12
INTENTS: Final = 250
PAUSE_SECONDS: Final = 0.004
_SETTLE_SECONDS: Final = 2.5
"""More than two periods of the export."""
_MEMORY: Final = Path("/dev/shm")  # the disk's own moods are not what is measured
_PAYLOAD: Final = {"reason": "equity below maintenance margin", "evidence": "x" * 1_500}
_COLLECTOR: Final = (
    "import sys\n"
    "from tests.otlp_receiver import running_receiver\n"
    "with running_receiver() as receiver:\n"
    "    print(receiver.url, flush=True)\n"
    "    sys.stdin.read()\n"
    "    print(len(receiver.spans), flush=True)\n"
)


def run() -> dict[str, float]:
    """Measure; name → number, the unit in the name."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, float]:
    times: dict[bool, list[float]] = {False: [], True: []}
    cpu: list[float] = []
    memory = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, _collector() as collector:
        for turn in range(TURNS):
            path, is_on = Path(folder) / f"{turn}.sqlite", turn % 2 == 1
            with Journal.open(path, SystemClock()) as journal:
                began = time.process_time()
                if is_on:
                    async with _tracing(path, collector.url) as tracer:
                        times[True] += await _play(journal)
                        await _caught_up(tracer)
                else:
                    times[False] += await _play(journal)
                    await asyncio.sleep(_SETTLE_SECONDS)
                cpu.append(time.process_time() - began)
        spans = collector.spans()
    off, on = (statistics.median(times[each]) * 1e6 for each in (False, True))
    spent = statistics.median(cpu[1::2]) - statistics.median(cpu[0::2])
    return {
        "tracing_off_plan_and_sign_p50_us": off,
        "tracing_on_plan_and_sign_p50_us": on,
        "tracing_on_over_off_ratio": on / off,
        "tracing_on_p99_us": statistics.quantiles(times[True], n=100)[98] * 1e6,
        "tracing_off_p99_us": statistics.quantiles(times[False], n=100)[98] * 1e6,
        "tracing_cpu_per_intent_us": spent / INTENTS * 1e6,
        "tracing_spans": float(spans),
    }


async def _play(journal: Journal) -> list[float]:
    """Give the seconds from decision to durable bytes, intent by intent."""
    journal.open_lane("urgent", address="0xaa", chain_id=1)
    clock, times = SystemClock(), []
    for number in range(INTENTS):
        intent = Intent(
            kind="liquidate",
            market="TSLA",
            account=f"0xbb/{number}",
            judged_on="block 7",
            expires_at=2**40,
            payload=_PAYLOAD,
        )
        decided_at = clock.monotonic()
        began = time.perf_counter()
        signing_at = clock.now()
        draft = TransactionDraft(
            lane="urgent",
            nonce=number,
            raw=bytes(400),
            hash=f"0x{number}",
            gas=1,
            max_fee=1,
            tip=1,
            expires_at=2**40,
            purpose=Purpose.CALL,
            decided_at=signing_at - (clock.monotonic() - decided_at),
            signing_at=signing_at,
        )
        journal.plan_and_sign([intent], draft)
        times.append(time.perf_counter() - began)
        journal.sent(draft.hash)
        journal.mined(draft.hash, block=number, status=1, gas_used=21_000)
        journal.settle(intent.key, "liquidated", {"value_atoms": 1})
        journal.final(draft.hash)
        await asyncio.sleep(PAUSE_SECONDS)
    return times


@contextlib.asynccontextmanager
async def _tracing(path: Path, url: str) -> AsyncIterator[Tracer]:
    async with aiohttp.ClientSession() as session:
        settings = TracerSettings(
            journal=path, sample_ratio=1.0, resource={"service.name": "bench"}, version="0"
        )
        metrics = TracingMetrics.create(CollectorRegistry())
        tracer = Tracer(settings, Exporter(session, endpoint=url, headers={}), metrics, Random(7))
        stop = asyncio.Event()
        running = asyncio.create_task(tracer.run(stop))
        try:
            yield tracer
        finally:
            stop.set()
            await running


async def _caught_up(tracer: Tracer) -> None:
    """Wait for two periods: what was moved last is told by then."""
    await asyncio.sleep(_SETTLE_SECONDS)
    if tracer.problem is not None:
        raise RuntimeError(f"expected an export that works, found: {tracer.problem}")


class _Collector:
    """A collector in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _COLLECTOR],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._line()

    def spans(self) -> int:
        """End it; give how many spans it took, repeated ones counted again."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return int(self._line())

    def close(self) -> None:
        """End it, whatever happened."""
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def _collector() -> "contextlib.closing[_Collector]":
    return contextlib.closing(_Collector())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
