"""The feed on a real node: what it folded is what the chain holds, whatever the transport does."""

import asyncio
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from risk.liquidation import LiquidationCode
from risk.units import MarketId
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.pool import RpcPool
from tests.venues.exchange.activity import Town
from tests.venues.exchange.following import ABI, following
from tests.venues.exchange.recording_sink import RecordingSink
from venues.exchange.feed import ExchangeFeed
from venues.exchange.metrics import FeedMetrics


async def test_folds_a_busy_exchange_into_exactly_what_the_chain_holds(town: Town) -> None:
    async with following(
        town.exchange, http_url=town.anvil.http_url, ws_url=town.anvil.websocket_url
    ) as seen:
        await asyncio.to_thread(town.activity.run, 120)
        await asyncio.to_thread(town.activity.band, 1)
        await seen.require_equal()
        assert LiquidationCode.LIQUIDATED in {item.code for item in seen.sink.settled}
        assert seen.sink.interruptions == []
        assert len(seen.sink.snapshots) == 1
        assert seen.count("logs_healed_total", cause="lost") == 0


async def test_folds_corporate_actions_and_new_markets_without_a_read(town: Town) -> None:
    async with following(
        town.exchange, http_url=town.anvil.http_url, ws_url=town.anvil.websocket_url
    ) as seen:
        await asyncio.to_thread(town.activity.run, 30)
        await asyncio.to_thread(town.activity.corporate_actions)
        await seen.require_equal()
        assert len(seen.sink.markets) == 4
        assert seen.sink.markets[MarketId(2)].is_settled
        assert len(seen.sink.snapshots) == 1


async def test_seals_blocks_in_order_and_never_lets_the_clock_go_back(town: Town) -> None:
    async with following(
        town.exchange, http_url=town.anvil.http_url, ws_url=town.anvil.websocket_url
    ) as seen:
        await asyncio.to_thread(town.activity.run, 30)
        await seen.until_sealed()
        numbers = [block.number for block in seen.sink.sealed]
        assert numbers == sorted(set(numbers))
        assert seen.sink.now == seen.sink.sealed[-1].timestamp
        assert seen.count("audit_lag_blocks") == 0
        assert seen.count("head_block") == numbers[-1]


async def test_tells_the_operator_that_there_is_no_exchange_at_the_address(town: Town) -> None:
    endpoint = Endpoint(name="node", http_url=town.anvil.http_url)
    async with RpcPool([endpoint], random=Random(1)) as pool:
        feed = ExchangeFeed(
            pool,
            None,
            address=b"\x07" * 20,
            abi=ABI,
            metrics=FeedMetrics.create(CollectorRegistry()),
            clock=SystemClock(),
            random=Random(2),
        )
        with pytest.raises(OperatorError, match="correct the address"):
            await feed.run(RecordingSink(), asyncio.Event())


async def test_stops_at_once_when_asked_while_it_follows(town: Town) -> None:
    async with following(
        town.exchange, http_url=town.anvil.http_url, ws_url=town.anvil.websocket_url
    ) as seen:
        await seen.until_sealed()
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 1.0
