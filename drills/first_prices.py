"""Wait for the keeper's first price of every market: before it nobody can trade."""

import asyncio
import time
from typing import Final

from drills.chain import DrillChain
from drills.keeper_process import KeeperProcess
from risk.market import Market
from risk.units import MarketId
from runtime.errors import OperatorError
from venues.exchange.abi import load_abi
from venues.exchange.views import ViewDecoder

LONGEST_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1


async def priced_markets(chain: DrillChain, keeper: KeeperProcess) -> dict[MarketId, Market]:
    """Give the markets as soon as each has a price; raises OperatorError when that takes too long."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        markets = await _read_markets(chain)
        if all(market.mark for market in markets.values()):
            return markets
        keeper.check_alive()
        if time.monotonic() > deadline:
            without = sorted(each.symbol for each in markets.values() if not each.mark)
            raise OperatorError(
                f"expected the keeper to price every market within {LONGEST_SECONDS:g} s,"
                f" found none of {', '.join(without)} (see keeper.log)"
            )
        await asyncio.sleep(POLL_SECONDS)


async def _read_markets(chain: DrillChain) -> dict[MarketId, Market]:
    raw = await chain.view(chain.exchange_address, chain.exchange.call("markets_page", 0, 16))
    return {market.id: market for market in ViewDecoder(load_abi()).markets(MarketId(0), raw)}
