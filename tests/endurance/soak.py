"""A week of chain time under the whole program: node, contracts, WebSockets, lanes, status port and its clients.

The daemon runs in this process, so that its tasks can be counted; anvil's blocks come every 50 ms and lie a
minute apart. A trader's position is opened, falls under margin and is liquidated again and again, and
clients come and go at the status port: pages, metrics, followers of events that hang up.
"""

import asyncio
import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from config.loader import load
from keepers.bootstrap import RunOptions, compose
from keepers.daemon import Daemon
from tests.anvil import JsonRpc, running_anvil
from tests.endurance.process import descriptors, peak_memory_bytes, resident_bytes, rise
from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import position_size, write_profile
from tests.venues.exchange.contracts.harness import Chain, Exchange, Refused

BLOCK_SECONDS: Final = 0.05
MINUTE: Final = 60
"""Seconds between two blocks on the chain's clock."""
DAY_BLOCKS: Final = 24 * 60
SAMPLES: Final = 120
MOST_RISE_RATIO: Final = 0.05
MOST_MORE: Final = 8
"""Descriptors or tasks: a client that is just being served has a few."""
_SOON: Final = 60.0


@dataclass(slots=True, kw_only=True)
class _Seen:
    memory_bytes: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)
    tasks: list[float] = field(default_factory=list)
    liquidated: int = 0
    pages: int = 0

    def look(self) -> None:
        gc.collect()
        self.memory_bytes.append(resident_bytes())
        self.descriptors.append(descriptors())
        self.tasks.append(len(asyncio.all_tasks()))


@contextlib.contextmanager
def _scene(folder: Path) -> Iterator[Scene]:
    with (
        running_anvil(block_time_seconds=BLOCK_SECONDS, accounts=12) as anvil,
        JsonRpc(anvil.http_url) as rpc,
    ):
        exchange = Exchange(Chain(rpc))
        exchange.create_market()
        exchange.fund(exchange.backstop, 1_000_000)
        exchange.send("owner", "fund_insurance", 100_000 * 10**6)
        exchange.fund(exchange.account(9_999), 10_000_000)
        rpc.call("anvil_setBlockTimestampInterval", MINUTE)
        yield Scene(anvil=anvil, exchange=exchange, folder=folder, keepers=[])


async def soak(folder: Path, days: float, say: Callable[[str], None]) -> Mapping[str, object]:
    """Soak; give what was seen, with `is_steady` as the verdict."""
    with _scene(folder) as scene:
        profile = write_profile(folder, scene.anvil, scene.exchange.address)
        # A block is a minute: what is sent must hold for several of them.
        text = profile.read_text().replace("[sender]", "[sender]\nexpiry_seconds = 1800")
        profile.write_text(text)
        settings = load(profile, environment={}).settings
        async with AsyncExitStack() as stack:
            daemon = await compose(settings, stack, RunOptions())
            stop, seen = asyncio.Event(), _Seen()
            running = asyncio.create_task(daemon.run(stop), name="daemon")
            try:
                await _until(lambda: not daemon.http.readiness.reasons(), running)
                blocks = int(days * DAY_BLOCKS)
                await _play(scene, daemon, seen, blocks=blocks, say=say)
            finally:
                stop.set()
                await running
    return _verdict(seen, days=days, blocks=blocks)


async def _play(
    scene: Scene, daemon: Daemon, seen: _Seen, *, blocks: int, say: Callable[[str], None]
) -> None:
    over = asyncio.Event()
    async with aiohttp.ClientSession(
        base_url=f"http://127.0.0.1:{daemon.http.port}",
        connector=aiohttp.TCPConnector(force_close=True),
    ) as session:
        busy = [
            asyncio.create_task(_trade(scene, seen, over)),
            asyncio.create_task(_visit(session, seen, over)),
        ]
        first = await asyncio.to_thread(_height, scene)
        try:
            for sample in range(SAMPLES):
                until = first + blocks * (sample + 1) // SAMPLES
                while await asyncio.to_thread(_height, scene) < until:
                    await asyncio.sleep(BLOCK_SECONDS)
                    for task in busy:
                        if task.done():
                            await task
                seen.look()
                if sample % (SAMPLES // 6) == 0:
                    say(
                        f"{sample * 100 // SAMPLES} %: {seen.memory_bytes[-1] / 1e6:.0f} MB,"
                        f" {seen.liquidated} liquidations"
                    )
        finally:
            over.set()
            await asyncio.gather(*busy)


def _height(scene: Scene) -> int:
    with JsonRpc(scene.anvil.http_url) as rpc:
        return int(rpc.call("eth_blockNumber"), 16)


async def _trade(scene: Scene, seen: _Seen, over: asyncio.Event) -> None:
    """Open a position at 100, let it fall under margin, see it liquidated, come back to 100."""
    number = 0
    while not over.is_set():
        number += 1
        account = await asyncio.to_thread(_opened, scene, number)
        seen.liquidated += await asyncio.to_thread(_falls_until_liquidated, scene, account, over)
        await asyncio.to_thread(_rise_to, scene, 100.0)


def _opened(scene: Scene, number: int) -> int:
    """Open a position, on a price that is not too old when the trade comes to its block."""
    account = scene.exchange.account(number)
    scene.exchange.fund(account, 110)
    while True:
        scene.exchange.publish(100)
        with contextlib.suppress(Refused):
            scene.exchange.trade(account, scene.exchange.account(9_999), 10)
            return account


def _falls_until_liquidated(scene: Scene, account: int, over: asyncio.Event) -> bool:
    while not over.is_set():
        # Fresh prices all the time: a minute between two blocks makes them old at once.
        scene.exchange.publish(93)
        if position_size(scene.exchange, account) < 10 * 10**8:
            return True
    return False


def _rise_to(scene: Scene, price: float) -> None:
    while scene.exchange.market()["mark"] < price * 10**8:
        scene.exchange.publish(price)


async def _visit(session: aiohttp.ClientSession, seen: _Seen, over: asyncio.Event) -> None:
    while not over.is_set():
        for path in ("/metrics", "/", "/status", "/readyz"):
            async with session.get(path) as answer:
                await answer.read()
                seen.pages += 1
        async with session.get("/events") as answer:
            await answer.content.readany()
            # And hangs up in the middle.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await over.wait()


async def _until(condition: Callable[[], bool], running: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(_SOON):
        while not condition():
            if running.done():
                await running
            await asyncio.sleep(BLOCK_SECONDS)


def _verdict(seen: _Seen, *, days: float, blocks: int) -> Mapping[str, object]:
    memory = rise(seen.memory_bytes)
    more = {"descriptors": rise(seen.descriptors), "tasks": rise(seen.tasks)}
    return {
        "days": days,
        "blocks": blocks,
        "liquidations": seen.liquidated,
        "pages": seen.pages,
        "peak_memory_bytes": peak_memory_bytes(),
        "memory_bytes": {
            "middle": round(seen.memory_bytes[len(seen.memory_bytes) // 2]),
            "rise_over_later_half": round(memory),
        },
        **{
            name: {
                "middle": round(values[len(values) // 2]),
                "rise_over_later_half": round(more[name], 1),
            }
            for name, values in (("descriptors", seen.descriptors), ("tasks", seen.tasks))
        },
        "is_steady": memory <= MOST_RISE_RATIO * seen.memory_bytes[len(seen.memory_bytes) // 2]
        and all(each <= MOST_MORE for each in more.values()),
    }
