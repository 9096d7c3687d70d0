"""From a price on the socket to signed bytes on the socket, and to the receipt.

The real program in this process: feed, 100,000 accounts in the real monitor, keeper, lane with its
journal on disk, transports; a real node with 10 ms blocks and a real pricer as other processes. A few
hundred of the accounts are on the chain too: canaries (`canaries.py`), one of which falls under margin
with each price. The others exist in memory only, put into the snapshot; they are healthy.

- *event → wire*: from the moment the message with the price was read from the socket, before its JSON
  is parsed, until the event loop had handed the signed bytes to the kernel. So it includes parsing,
  the trigger index, judging, planning, the evidence, signing, and one durable commit to this disk.
  It leaves out what the kernel and the node take before and after.
- *event → receipt*: from the same moment until the receipt was read.
- *bare*: pre-signed liquidations of canaries of a second, equal exchange on the same node, sent by the
  same transport of the same process in the very callback that reads that exchange's price: what a
  keeper would take that need not think. Its price comes between two of ours, so it meets blocks in the
  same phase. From the call that writes the bytes until the receipt was read.

Nothing of the program is switched off: metrics, log lines (to a file), audits and gauges run.
"""

import asyncio
import gc
import json
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import uvloop

from config.loader import load
from config.settings import Settings
from keepers.bootstrap import RunOptions, compose
from keepers.daemon import Daemon
from keepers.lanes import URGENT
from keepers.sender import Lane
from keepers.sender.transaction import Transaction, address_of, assemble, signing_hash
from risk.columns import AccountColumns
from risk.units import AccountId, MarketId, Seconds
from runtime.logging import configure_logging
from runtime.rpc.submissions import SubmissionStatus
from tests.anvil import Anvil, JsonRpc
from tests.bench.canaries import Canaries, open_canaries
from tests.bench.chain_rig import (
    MAX_FEE,
    STRANGER_KEY,
    beating,
    forked,
    ground_node,
    open_exchange,
    publish_data,
    say,
)
from tests.bench.population import make_population
from tests.bench.stopwatch import Shot, Stopwatch, TimedFeed
from tests.scenarios.keeper import write_profile
from tests.venues.exchange.contracts.harness import Exchange
from venues.exchange.abi import load_abi
from venues.exchange.calls import CallEncoder
from venues.port import LiquidationItem

ACCOUNTS: Final = 100_000
MARKETS: Final = 8
EVENTS: Final = 320
WARM_UP: Final = 20
"""Canaries at the start whose times do not count."""
SPARED: Final = 5
"""Prices before the first canary's."""
FOLDER: Final = Path(__file__).parents[2] / "build" / "bench" / "latency"

_PAUSES: Final = (0.02, 0.035)
"""Shortest and longest pause between two prices, seconds: their phase to the blocks varies."""
_FLUSHES: Final = 100
_GAS: Final = 800_000
_CHAIN_ID: Final = 31_337
_READY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """The second exchange and the signed transactions that are fired at it."""

    exchange: Exchange
    canaries: Canaries
    signed: list[tuple[bytes, str]]


def run() -> dict[str, float]:
    """Measure; name → number, the unit in the name."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    population = make_population(ACCOUNTS, MARKETS)
    falling = population.markets[MarketId(0)]
    with ground_node() as ground, JsonRpc(ground.http_url) as rpc:
        exchanges = [open_exchange(rpc, population.markets) for _ in range(2)]
        canaries = [open_canaries(each, falling, EVENTS, spared=SPARED) for each in exchanges]
        say(f"latency: {EVENTS} canaries on chain, {ACCOUNTS:,} accounts in memory")
        stopwatch = Stopwatch(canaries=canaries[0])
        with forked(ground) as anvil:
            bare = Bare(
                exchange=exchanges[1],
                canaries=canaries[1],
                signed=_signed(anvil, exchanges[1], canaries[1]),
            )
            settings = _settings(anvil, exchanges[0].address)
            script = _script(anvil, exchanges, canaries)
            with beating(anvil), (FOLDER / "keeper.log").open("w", encoding="utf-8") as log:
                configure_logging(stream=log, as_json=True)
                shots = uvloop.run(_play(settings, stopwatch, bare, script, population.pages))
                configure_logging()
    return _figures(stopwatch, shots) | disk_figures(FOLDER)


async def _play(
    settings: Settings,
    stopwatch: Stopwatch,
    bare: Bare,
    script: str,
    more: Sequence[AccountColumns],
) -> list[Shot]:
    """Run the daemon while the pricer publishes; give the bare shots."""
    async with AsyncExitStack() as stack:
        daemon = await compose(settings, stack, RunOptions())
        socket = daemon.transports.pool.feed
        assert socket is not None, "expected a WebSocket"
        timed = TimedFeed(daemon.duties.feed, stopwatch, socket, more)
        daemon = replace(daemon, duties=replace(daemon.duties, feed=timed))
        stopwatch.watch(daemon)
        gc.collect()
        gc.freeze()
        stop = asyncio.Event()
        running = asyncio.create_task(daemon.run(stop))
        await _ready(daemon, running)
        shots = await _arm(daemon, bare, stopwatch)
        pricer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.pricer", stdin=asyncio.subprocess.PIPE
        )
        await pricer.communicate(script.encode())
        if pricer.returncode:
            raise RuntimeError("expected the pricer to end well")
        await asyncio.sleep(1.0)
        stop.set()
        await running
    return shots


async def _ready(daemon: Daemon, running: "asyncio.Task[None]") -> None:
    lane = daemon.duties.senders[URGENT]
    assert isinstance(lane, Lane), "expected a lane with a key"
    deadline = time.monotonic() + _READY_SECONDS
    while daemon.duties.monitor.distrust is not None or lane.why_halted:
        if running.done():
            await running
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected the keeper to be ready: {lane.why_halted}")
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)


async def _arm(daemon: Daemon, bare: Bare, stopwatch: Stopwatch) -> list[Shot]:
    """Fire one signed transaction at each price of the second exchange."""
    socket, submitter = daemon.transports.pool.feed, daemon.transports.submitter
    assert socket is not None, "expected a WebSocket"
    shots: list[Shot] = []
    prices = 0

    def fire(_log: object) -> None:
        nonlocal prices
        prices += 1
        if prices > SPARED and len(shots) < len(bare.signed):
            raw, tx_hash = bare.signed[len(shots)]
            submitter.start(raw, tx_hash=tx_hash)
            shots.append(stopwatch.shots.pop(tx_hash))

    topic = f"0x{load_abi().event('PricePublished').topic.hex()}"
    wanted = {"address": bare.exchange.address, "topics": [topic]}
    await socket.subscribe(["logs", wanted], on_message=fire)
    return shots


def _signed(anvil: Anvil, exchange: Exchange, canaries: Canaries) -> list[tuple[bytes, str]]:
    """Sign a liquidation of each canary."""
    address = address_of(STRANGER_KEY.public_key)
    with JsonRpc(anvil.http_url) as rpc:
        rpc.call("anvil_setBalance", f"0x{address.hex()}", hex(10**24))
    encoder = CallEncoder(load_abi())
    signed: list[tuple[bytes, str]] = []
    for nonce, account in enumerate(canaries.accounts):
        item = LiquidationItem(account=AccountId(account), market=canaries.market, max_size=0)
        transaction = Transaction(
            chain_id=_CHAIN_ID,
            nonce=nonce,
            tip=0,
            max_fee=MAX_FEE,
            gas=_GAS,
            to=bytes.fromhex(exchange.address[2:]),
            value=0,
            data=encoder.liquidate([item], Seconds(2**40)),
        )
        done = assemble(
            transaction, STRANGER_KEY.sign_recoverable(signing_hash(transaction), hasher=None)
        )
        signed.append((done.raw, done.hash))
    return signed


def _settings(anvil: Anvil, address: str) -> Settings:
    return load(write_profile(FOLDER, anvil, address), environment={}).settings


def _script(anvil: Anvil, exchanges: Sequence[Exchange], canaries: Sequence[Canaries]) -> str:
    """Write down what the pricer shall do: a price of ours, then one of the other exchange's."""
    rng = random.Random(7)
    transactions: list[dict[str, str]] = []
    for step in range(1, SPARED + EVENTS + 1):
        for exchange, those in zip(exchanges, canaries, strict=True):
            data = publish_data(exchange, {those.market: those.mark_at(step)})
            pricer = exchange.chain.actors["pricer"]
            transactions.append(
                {"from": pricer, "to": exchange.address, "data": data, "gas": hex(500_000)}
            )
    pauses = [rng.uniform(*_PAUSES) for _ in transactions]
    return json.dumps({"url": anvil.http_url, "transactions": transactions, "pauses": pauses})


def _figures(stopwatch: Stopwatch, bare: Sequence[Shot]) -> dict[str, float]:
    canaries = stopwatch.canaries
    places = {account: place for place, account in enumerate(canaries.accounts)}
    wires: list[float] = []
    totals: list[float] = []
    for shot in stopwatch.shots.values():
        reply = shot.future.result()
        if reply.status is not SubmissionStatus.MINED or reply.receipt is None:
            raise RuntimeError(f"expected a mined liquidation, found {reply.status}")
        for account in _accounts_in(reply.receipt):
            place = places[account]
            if place >= WARM_UP:
                seen = stopwatch.seen_at[place + SPARED + 1]
                wires.append((reply.written_at - seen) * 1_000)
                totals.append((reply.answered_at - seen) * 1_000)
    sent = [(shot.future.result().answered_at - shot.began_at) * 1_000 for shot in bare[WARM_UP:]]
    if min(len(wires), len(sent)) < (EVENTS - WARM_UP) * 9 // 10:
        raise RuntimeError(f"expected {EVENTS} liquidations, found {len(wires)} and {len(sent)}")
    return _percentiles(wires, totals, sent, [each * 1_000 for each in stopwatch.commits])


def _percentiles(
    wires: list[float], totals: list[float], sent: list[float], commits: list[float]
) -> dict[str, float]:
    commit = statistics.median(commits)
    return {
        "event_to_wire_p50_ms": statistics.median(wires),
        "event_to_wire_p99_ms": statistics.quantiles(wires, n=100)[98],
        "event_to_receipt_p50_ms": statistics.median(totals),
        "bare_send_to_receipt_p50_ms": statistics.median(sent),
        "total_over_bare_send_ratio": statistics.median(totals) / statistics.median(sent),
        "journal_commit_p50_ms": commit,
        "journal_commit_p99_ms": statistics.quantiles(commits, n=100)[98],
        "event_to_wire_less_commit_p50_ms": statistics.median(wires) - commit,
        "latency_events": float(len(wires)),
    }


def _accounts_in(receipt: Mapping[str, Any]) -> list[int]:
    topic = f"0x{load_abi().event('LiquidationResult').topic.hex()}"
    return [int(log["topics"][1], 16) for log in receipt["logs"] if log["topics"][0] == topic]


def disk_figures(folder: Path) -> dict[str, float]:
    """Time what every durable commit has to wait for: two pages written and flushed to this disk."""
    times: list[float] = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(_FLUSHES):
            time.sleep(_PAUSES[0])
            file.write(bytes(8_192))
            began = time.monotonic()
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - began) * 1_000)
    return {"disk_flush_p50_ms": statistics.median(times)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=2) + "\n")
