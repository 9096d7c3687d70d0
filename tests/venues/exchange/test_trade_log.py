"""Settled trades read by range of blocks from a real node: each once, in order, with its place and time."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from monitors.incentives.spending import SpendingSettings, SpendingWatch
from monitors.incentives.spending_metrics import SpendingMetrics
from risk.incentive_budget import BudgetWeek
from risk.units import MarketId, Ppm, Seconds
from runtime.clock import SystemClock
from runtime.errors import TransientError
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.http import RpcHttp
from tests.monitors.breakers.world import Notebook
from tests.venues.exchange.activity import Town
from tests.venues.exchange.following import ABI
from venues.exchange.log_reader import LogSettings
from venues.exchange.trade_log import TradeLog
from venues.port import BlockRef


class Plain:
    """A node whose logs do not tell the time of their block, as not all do."""

    def __init__(self, reader: RpcHttp) -> None:
        self._reader = reader
        self.methods: list[str] = []

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        return await self._reader.call(method, params)

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        self.methods += [method for method, _ in calls]
        answers = await self._reader.batch(calls)
        for (method, _), answer in zip(calls, answers, strict=True):
            if method == "eth_getLogs" and isinstance(answer, list):
                for log in answer:
                    log.pop("blockTimestamp", None)
        return answers


@pytest.fixture
async def reader(town: Town) -> AsyncIterator[RpcHttp]:
    async with RpcHttp(Endpoint(name="node", http_url=town.anvil.http_url)) as http:
        yield http


def log_of(town: Town, reader: RpcHttp | Plain, **facts: int) -> TradeLog:
    address = bytes.fromhex(town.exchange.address[2:])
    settings = LogSettings(**facts) if facts else None
    return TradeLog(reader, address=address, abi=ABI, settings=settings)


def trade_twice(town: Town) -> tuple[int, int, int]:
    """Settle a trade, an hour later two in one block; give account, first block and first time."""
    exchange = town.exchange
    taker, maker = exchange.account(601), exchange.account(602)
    for account in (taker, maker):
        exchange.fund(account, 100_000)
    exchange.publish(100, 0)
    exchange.trade(taker, maker, 3, 100)
    first, time = int(exchange.chain.rpc.call("eth_blockNumber"), 16), exchange.chain.now()
    exchange.chain.advance(3_600)
    exchange.publish(100, 0)
    entries = [(taker, maker, 0, size * 10**8, 100 * 10**8) for size in (-1, 2)]
    exchange.send("matcher", "settle_trades", entries)
    return taker, first, time


@pytest.mark.parametrize("window", [1_000, 1])
async def test_gives_each_trade_once_in_order_with_its_place_and_time(
    town: Town, reader: RpcHttp, window: int
) -> None:
    _, first, time = trade_twice(town)
    trades = log_of(town, reader, first_window=window, most_window=window)
    found = await trades.trades(first, await trades.head())
    assert [each.size for each in found] == [3 * 10**8, -(10**8), 2 * 10**8]
    assert [each.price for each in found] == [100 * 10**8] * 3
    assert found[0].time == time
    assert found[1].time == found[2].time == town.exchange.chain.now()
    assert (found[0].block, found[1].block) == (first, found[2].block)
    assert found[1].log_index < found[2].log_index
    fees = [event["maker_fee"] for event in town.exchange.logs(first, found[2].block)
            if event.name == "TradeSettled"]  # fmt: skip
    assert [each.maker_fee for each in found] == fees


async def test_reads_headers_where_logs_tell_no_time(town: Town, reader: RpcHttp) -> None:
    _, first, time = trade_twice(town)
    plain = Plain(reader)
    trades = log_of(town, plain)
    found = await trades.trades(first, await trades.head())
    assert [each.time for each in found] == [time, *[town.exchange.chain.now()] * 2]
    # One header for each block with trades, beside the one that the log reader asks for.
    assert plain.methods.count("eth_getBlockByNumber") == 3


async def test_finds_the_first_block_of_a_time(town: Town, reader: RpcHttp) -> None:
    _, first, time = trade_twice(town)
    trades = log_of(town, reader)
    head = await trades.head()
    assert await trades.first_block_from(Seconds(0), head) == 0
    second = (await trades.trades(first + 1, head))[0]
    found = await trades.first_block_from(Seconds(time + 1), head)
    assert first < found <= second.block
    assert await trades.first_block_from(Seconds(head.timestamp + 1), head) == head.number + 1


async def test_a_weeks_spending_is_counted_to_the_atom(town: Town, reader: RpcHttp) -> None:
    exchange = town.exchange
    market = exchange.create_market(100, symbol="PAID", taker_fee=500, maker_fee=-170)
    taker, maker = exchange.account(601), exchange.account(602)
    for account in (taker, maker):
        exchange.fund(account, 100_000)
    for size in ("0.333", "-1.00000001", "7.1"):
        exchange.trade(taker, maker, size, "100.07", market)
    trades = log_of(town, reader)
    registry = CollectorRegistry()
    now = exchange.chain.now()
    week = BudgetWeek(start=Seconds(0), end=Seconds(now + 10), off_hours=())
    watch = SpendingWatch(
        trades,
        week_of=lambda _now: week,
        weekday_maker_fees=lambda: {MarketId(market): Ppm(-100)},
        notes=Notebook(),
        metrics=SpendingMetrics.create(registry),
        settings=SpendingSettings(counting_seconds=1, uncounted_seconds=60, recount_seconds=600),
        clock=SystemClock(),
    )
    await watch.run_once()
    settled = [event for event in exchange.logs(0, (await trades.head()).number)
               if event.name == "TradeSettled" and event["market"] == market]  # fmt: skip
    paid = sum(-event["maker_fee"] for event in settled)
    usual = sum(abs(event["size"]) * event["price"] for event in settled) * 100 / 10**16
    assert watch.spending is not None
    # Each trade rounds twice, by less than an atom.
    assert 0 <= paid - usual - watch.spending.of(MarketId(market)) + 3 <= 6
    assert watch.spending.of(MarketId(market)) == sum(
        -event["maker_fee"] - -(-abs(event["size"]) * event["price"] // 10**10) * 100 // 10**6
        for event in settled
    )
    # The whole week was counted a second time, and agreed.
    assert watch.mismatch is None
    assert registry.get_sample_value("bellkeeper_incentive_recounts_total") == 1


async def test_another_block_at_the_end_is_for_the_next_reading(
    town: Town, reader: RpcHttp
) -> None:
    trades = log_of(town, reader)
    head = await trades.head()
    other = BlockRef(number=head.number, timestamp=head.timestamp, hash=bytes(32))
    with pytest.raises(TransientError, match="another hash"):
        await trades.trades(0, other)
