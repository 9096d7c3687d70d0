"""From nothing to a watched crowd: the snapshot of 100,000 accounts against the bare page reads.

All accounts are on the chain, with one position each; the node makes no blocks meanwhile.

- *bare*: the very requests that the snapshot makes for pages of accounts, by the same transport and as
  many at once; the answers are parsed as JSON and dropped.
- *real*: the program's own snapshot (accounts, markets, pools, rules, the head once more), decoded, and
  loaded into the account watch with its trigger index. The ABI is read beforehand.

The two take turns; medians count. The first snapshot only tells what is asked, and warms the node up.
"""

import asyncio
import gc
import json
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import uvloop
from prometheus_client import CollectorRegistry

from config.loader import load
from keepers.transports import open_transports
from risk.account_watch import AccountWatch
from runtime.clock import SystemClock
from runtime.rpc.pool import RpcPool
from tests.bench.chain_rig import say
from tests.bench.crowd import Crowd, crowded_chain
from tests.scenarios.keeper import write_profile
from venues.exchange.abi import load_abi
from venues.exchange.chain import ChainReader, ContractReader, read_sealed_head
from venues.exchange.metrics import FeedMetrics
from venues.exchange.pages import PageReader, PageSettings
from venues.exchange.snapshot import SnapshotReader

ACCOUNTS: Final = 100_000
TURNS: Final = 7
FOLDER: Final = Path(__file__).parents[2] / "build" / "bench" / "cold_start"


class Recorder:
    """A chain reader that remembers which pages of accounts it was asked for."""

    def __init__(self, pool: RpcPool) -> None:
        self._pool = pool
        self._selector = f"0x{load_abi().function('accounts_page').selector.hex()}"
        self.batch = pool.batch
        self.pages: list[Sequence[Any]] = []

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Call, as the pool does."""
        if method == "eth_call" and params[0]["data"].startswith(self._selector):
            self.pages.append(params)
        return await self._pool.call(method, params)


def run(crowd: Crowd | None = None) -> dict[str, float]:
    """Measure; name → number, the unit in the name."""
    if crowd is None:
        with crowded_chain() as own:
            return run(own)
    crowd.grow(ACCOUNTS)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    say(f"cold start: {TURNS} snapshots and as many bare readings of {ACCOUNTS:,} accounts")
    return uvloop.run(_measure(crowd))


async def _measure(crowd: Crowd) -> dict[str, float]:
    profile = write_profile(FOLDER, crowd.anvil, crowd.exchange.address)
    transports = open_transports(
        load(profile, environment={}).settings.network,
        registry=CollectorRegistry(),
        clock=SystemClock(),
        random=Random(1),
    )
    # As the program does at its start: nothing that stands ready is walked through again and again.
    gc.collect()
    gc.freeze()
    async with transports.pool as pool:
        recorder = Recorder(pool)
        await _start(_reader(recorder, crowd), recorder)
        pages = recorder.pages
        real: list[float] = []
        bare: list[float] = []
        for _ in range(TURNS):
            bare.append(await _seconds(_read_bare(pool, pages)))
            real.append(await _seconds(_start(_reader(pool, crowd), pool)))
    return {
        "cold_start_seconds": statistics.median(real),
        "cold_start_bare_seconds": statistics.median(bare),
        "cold_start_over_bare_ratio": statistics.median(real) / statistics.median(bare),
    }


async def _seconds(work: Awaitable[None]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


async def _read_bare(pool: RpcPool, pages: Sequence[Sequence[Any]]) -> None:
    waiting = iter(pages)

    async def read() -> None:
        for params in waiting:
            await pool.call("eth_call", params)

    await asyncio.gather(*(read() for _ in range(PageSettings().in_flight)))


def _reader(reader: ChainReader, crowd: Crowd) -> SnapshotReader:
    abi = load_abi()
    contract = ContractReader(reader, bytes.fromhex(crowd.exchange.address[2:]))
    pages = PageReader(contract, abi, metrics=FeedMetrics.create(CollectorRegistry()))
    return SnapshotReader(contract, abi, pages)


async def _start(snapshots: SnapshotReader, reader: ChainReader) -> None:
    snapshot = await snapshots.read(await read_sealed_head(reader))
    watch = AccountWatch()
    watch.load(snapshot.markets, snapshot.accounts, snapshot.block.timestamp)
    if len(watch.book) < ACCOUNTS:
        raise RuntimeError(f"expected {ACCOUNTS} accounts, found {len(watch.book)}")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
