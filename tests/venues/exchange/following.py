"""A feed that follows a node, for the length of a test, with everything in reach."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from random import Random

from prometheus_client import CollectorRegistry

from runtime.backoff import Backoff
from runtime.clock import SystemClock
from runtime.rpc.connection import WsSettings
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.pool import RpcPool
from tests.venues.exchange.contracts.harness import Exchange
from tests.venues.exchange.recording_sink import RecordingSink
from venues.exchange.abi import Abi, load_abi
from venues.exchange.chain import ContractReader, read_sealed_head
from venues.exchange.feed import ExchangeFeed, FeedSettings
from venues.exchange.metrics import FeedMetrics
from venues.exchange.pages import PageReader
from venues.exchange.snapshot import SnapshotReader
from venues.port import Snapshot

WAIT_SECONDS = 15.0
ABI: Abi = load_abi()
SETTINGS = FeedSettings(
    audit_period_seconds=0.05, stall_seconds=60.0, state_audit_period_seconds=60.0
)


SOCKET = WsSettings(connect_seconds=0.5, backoff=Backoff(first_seconds=0.05, most_seconds=0.2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A running feed."""

    sink: RecordingSink
    pool: RpcPool
    registry: CollectorRegistry
    address: bytes
    task: asyncio.Task[None]

    def count(self, name: str, **labels: str) -> float:
        """Give the value of a metric."""
        return self.registry.get_sample_value(f"bellkeeper_feed_{name}", labels) or 0.0

    async def until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait for something to become true, or fail saying what did not."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not reached():
            if self.task.done():
                await self.task  # what killed the feed is why
            assert time.monotonic() < deadline, f"expected {what}, found {vars(self.sink)}"
            await asyncio.sleep(0.01)

    async def until_sealed(self) -> None:
        """Wait until the newest block was audited."""
        head = await read_sealed_head(self.pool)

        def reached() -> bool:
            # A snapshot seals its own block.
            blocks = [*self.sink.snapshots[-1:], *self.sink.sealed[-1:]]
            return self.sink.is_following and max(block.number for block in blocks) >= head.number

        await self.until(reached, f"block {head.number} to be sealed")

    async def fresh(self) -> Snapshot:
        """Read everything anew at the newest block."""
        contract = ContractReader(self.pool, self.address)
        metrics = FeedMetrics.create(CollectorRegistry())
        pages = PageReader(contract, ABI, metrics=metrics)
        return await SnapshotReader(contract, ABI, pages).read(await read_sealed_head(self.pool))

    async def require_equal(self) -> None:
        """Compare all that the sink holds with the chain."""
        await self.until_sealed()
        fresh = await self.fresh()
        sink = self.sink
        assert sink.markets == fresh.markets
        accounts = sorted(
            (account for page in fresh.accounts for account in page.accounts()),
            key=lambda account: account.id,
        )
        assert sink.accounts() == accounts
        assert sink.funds == fresh.funds
        assert sink.rules == fresh.rules


@contextlib.asynccontextmanager
async def following(
    exchange: Exchange,
    *,
    http_url: str,
    ws_url: str | None,
    settings: FeedSettings = SETTINGS,
) -> AsyncIterator[Following]:
    """Run a feed while the block lasts."""
    registry = CollectorRegistry()
    sink = RecordingSink()
    stop = asyncio.Event()
    address = bytes.fromhex(exchange.address[2:])
    endpoint = Endpoint(name="node", http_url=http_url, ws_url=ws_url)
    async with RpcPool([endpoint], random=Random(1), ws_settings=SOCKET) as pool:
        feed = ExchangeFeed(
            pool,
            pool.feed,
            address=address,
            abi=ABI,
            metrics=FeedMetrics.create(registry),
            clock=SystemClock(),
            random=Random(2),
            high_water=pool.high_water,
            settings=settings,
        )
        task = asyncio.create_task(feed.run(sink, stop))
        seen = Following(sink=sink, pool=pool, registry=registry, address=address, task=task)
        try:
            await seen.until(lambda: bool(sink.snapshots), "a first snapshot")
            yield seen
        finally:
            stop.set()
            await task
