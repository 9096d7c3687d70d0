"""One node with a busy exchange for the feed's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest

from runtime.rpc.endpoint import Endpoint
from runtime.rpc.http import RpcHttp
from tests.anvil import JsonRpc, running_anvil
from tests.venues.exchange.activity import Activity, Town
from tests.venues.exchange.contracts.harness import Chain, Exchange
from tests.venues.exchange.following import ABI
from venues.exchange.adapter import ExchangeVenue


@pytest.fixture
def town() -> Iterator[Town]:
    """Give a fresh node with an exchange that has traded a little."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        activity = Activity(exchange, seed=7)
        activity.set_up()
        activity.run(10)
        yield Town(anvil=anvil, exchange=exchange, activity=activity)


@pytest.fixture
async def venue(town: Town) -> AsyncIterator[ExchangeVenue]:
    """Give the venue of the town's exchange."""
    async with RpcHttp(Endpoint(name="node", http_url=town.anvil.http_url)) as http:
        yield ExchangeVenue(http, address=bytes.fromhex(town.exchange.address[2:]), abi=ABI)
