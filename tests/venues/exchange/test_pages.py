"""Pages on a real node: all accounts of one block, in pages as large as the node bears."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import RpcError, RpcTransient
from runtime.rpc.http import RpcHttp
from tests.anvil import JsonRpc, running_anvil
from tests.venues.exchange.contracts.harness import Chain, Exchange, usd
from tests.venues.exchange.following import ABI
from venues.exchange.chain import ContractReader, read_sealed_head
from venues.exchange.metrics import FeedMetrics
from venues.exchange.pages import PageReader, PageSettings, PageSize, StateGoneError

ACCOUNTS = 700


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[Exchange, str]]:
    """Give an exchange with several pages of accounts."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        exchange.create_market(100)
        accounts = [exchange.account(number) for number in range(1, ACCOUNTS)]
        for start in range(0, len(accounts), 100):
            part = accounts[start : start + 100]
            exchange.send("owner", "deposit_many", part, [usd(1000)] * len(part))
        for number in range(0, 60, 2):
            exchange.trade(accounts[number], accounts[number + 1], 10)
        yield exchange, anvil.http_url


class Impatient:
    """A node that refuses pages of more accounts than it likes, in the words of its kind."""

    def __init__(self, http: RpcHttp, most: int, error: RpcError) -> None:
        self.http = http
        self.most = most
        self.error = error
        self.asked: list[int] = []

    async def call(self, method: str, params: Any = ()) -> Any:
        if method == "eth_call":
            count = int(params[0]["data"][-64:], 16)
            self.asked.append(count)
            if count > self.most:
                raise self.error
        return await self.http.call(method, params)

    async def batch(self, calls: Any) -> list[Any]:
        return await self.http.batch(calls)


def page_reader(reader: Any, exchange: Exchange, *, gas: int | None = None) -> PageReader:
    contract = ContractReader(reader, bytes.fromhex(exchange.address[2:]), gas)
    metrics = FeedMetrics.create(CollectorRegistry())
    return PageReader(contract, ABI, metrics=metrics, settings=PageSettings(in_flight=4))


async def read_ids(reader: PageReader, block: int, count: int) -> list[int]:
    return [account for page in await reader.all(block, count) for account in page.ids]


async def test_reads_every_account_once_in_the_order_of_the_index(
    crowded: tuple[Exchange, str],
) -> None:
    exchange, url = crowded
    count = exchange.view("account_count")
    assert count == ACCOUNTS  # the backstop is one of them
    async with RpcHttp(Endpoint(name="node", http_url=url)) as http:
        head = await read_sealed_head(http)
        found = await read_ids(page_reader(http, exchange), head.number, count)
    expected = [exchange.view("account_at", number) for number in range(0, count, 97)]
    assert found[::97] == expected
    assert len(set(found)) == count


async def test_shrinks_pages_until_the_gas_suffices(crowded: tuple[Exchange, str]) -> None:
    exchange, url = crowded
    async with RpcHttp(Endpoint(name="node", http_url=url)) as http:
        head = await read_sealed_head(http)
        reader = page_reader(http, exchange, gas=500_000)
        found = await read_ids(reader, head.number, ACCOUNTS)
        assert len(set(found)) == ACCOUNTS
        assert 1 <= reader.size.now < 200


@pytest.mark.parametrize(
    "error",
    [
        RpcError(-32020, "response is too large"),
        RpcError(-32603, "internal error"),
        RpcError(-32000, "out of gas"),
    ],
    ids=str,
)
async def test_halves_a_refused_page_and_grows_again_short_of_it(
    crowded: tuple[Exchange, str], error: RpcError
) -> None:
    exchange, url = crowded
    async with RpcHttp(Endpoint(name="node", http_url=url)) as http:
        head = await read_sealed_head(http)
        node = Impatient(http, most=80, error=error)
        found = await read_ids(page_reader(node, exchange), head.number, ACCOUNTS)
    assert len(set(found)) == ACCOUNTS
    # Four in flight hit each wall together: at 200, at 100, and once on the way up again.
    assert sum(count > 80 for count in node.asked) <= 12
    assert max(count for count in node.asked if count <= 80) > 50


async def test_says_that_a_pruned_block_is_gone(crowded: tuple[Exchange, str]) -> None:
    exchange, url = crowded
    async with RpcHttp(Endpoint(name="node", http_url=url)) as http:
        node = Impatient(http, most=0, error=RpcError(-32000, "missing trie node abc"))
        with pytest.raises(StateGoneError, match="block 3 is gone"):
            await page_reader(node, exchange).all(3, ACCOUNTS)


async def test_refuses_a_page_of_another_block(crowded: tuple[Exchange, str]) -> None:
    exchange, url = crowded

    class Careless(Impatient):
        async def call(self, method: str, params: Any = ()) -> Any:
            return await self.http.call(method, [params[0], "latest"])

    async with RpcHttp(Endpoint(name="node", http_url=url)) as http:
        node = Careless(http, 0, RpcError(0, ""))
        with pytest.raises(StateGoneError, match="expected a page of block 3, found one of"):
            await page_reader(node, exchange).all(3, ACCOUNTS)


async def test_tries_again_what_failed_in_passing(crowded: tuple[Exchange, str]) -> None:
    exchange, url = crowded

    class Flaky(Impatient):
        async def call(self, method: str, params: Any = ()) -> Any:
            self.asked.append(1)
            if len(self.asked) % 2:
                raise RpcTransient("timed out")
            return await self.http.call(method, params)

    async with RpcHttp(Endpoint(name="node", http_url=url)) as http:
        head = await read_sealed_head(http)
        node = Flaky(http, 0, RpcError(0, ""))
        reader = page_reader(node, exchange)
        found = await asyncio.wait_for(read_ids(reader, head.number, ACCOUNTS), 10)
    assert len(set(found)) == ACCOUNTS


def test_never_grows_to_a_size_that_was_refused() -> None:
    size = PageSize(PageSettings(first_size=200, most=512))
    assert size.shrink(200)
    for _ in range(20):
        size.grow()
    assert size.now == 199
    size.begin()
    size.grow()
    assert size.now > 200


def test_gives_up_below_one_account() -> None:
    size = PageSize(PageSettings(first_size=1))
    assert not size.shrink(1)
