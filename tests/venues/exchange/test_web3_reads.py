"""The exchange as an integrator sees it: through web3.py, the published ABI and nothing of ours.

Our own adapter must say the same.
"""

from random import Random
from typing import Any

import orjson
from web3 import AsyncHTTPProvider, AsyncWeb3

from risk.units import AccountId, MarketId
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.pool import RpcPool
from tests.venues.exchange.activity import Town
from venues.exchange.abi import ARTIFACT_PATH, load_abi
from venues.exchange.adapter import ExchangeVenue


async def test_the_adapter_reads_what_web3_reads(town: Town) -> None:
    address = town.exchange.address
    provider = AsyncHTTPProvider(town.anvil.http_url)
    web3 = AsyncWeb3(provider)
    abi: Any = orjson.loads(ARTIFACT_PATH.read_text())["abi"]
    contract = web3.eth.contract(address=web3.to_checksum_address(address), abi=abi)
    pool = RpcPool([Endpoint(name="node", http_url=town.anvil.http_url)], random=Random(1))
    async with pool:
        venue = ExchangeVenue(pool, address=bytes.fromhex(address[2:]), abi=load_abi())
        count = await contract.functions.account_count().call()
        assert await venue.account_count() == count
        for index in range(count):
            account = AccountId(await contract.functions.account_at(index).call())
            ours = await venue.account_state(account)
            theirs = await contract.functions.account_state(account).call()
            assert (
                ours.equity,
                ours.maintenance_margin,
                ours.initial_margin,
                ours.notional,
                ours.is_priced,
            ) == tuple(theirs)
        for number, market in (await venue.markets()).items():
            view = await contract.functions.market_view(number).call()
            assert (market.symbol, market.mark) == (view[0].rstrip(b"\0").decode(), view[3])
        assert await contract.functions.market_count().call() == MarketId(number + 1)
    await provider.disconnect()
