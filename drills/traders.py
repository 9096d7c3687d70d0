"""Bring a population onto the chain: mint, deposit and trade through real transactions.

Batched as the contract allows and pipelined: trades leave while deposits are mined, in the order of
nonces and arrival. An account is opened by its first deposit.
"""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final

from drills.chain import DrillChain
from drills.dev_keys import BANK, MATCHER
from drills.population import PlannedTrade, Population
from risk.units import ATOMS_PER_USD, AccountId

DEPOSITS_PER_TRANSACTION: Final = 100
TRADES_PER_TRANSACTION: Final = 60
GAS_PER_DEPOSIT: Final = 300_000
GAS_PER_TRADE: Final = 2_500_000
GAS_BASE: Final = 1_000_000
MINTED: Final = 1_000_000_000_000 * ATOMS_PER_USD
"""Worthless, and more than anybody here can spend."""


async def fill_bank(chain: DrillChain) -> None:
    """Give the bank its money and let the exchange take it."""
    exchange = bytes.fromhex(chain.exchange_address[2:])
    hashes = [
        await chain.call_token(BANK, "mint", bytes.fromhex(BANK[2:]), MINTED, gas=GAS_BASE),
        await chain.call_token(BANK, "approve", exchange, MINTED, gas=GAS_BASE),
    ]
    await chain.receipts(hashes)


async def fund_pools(
    chain: DrillChain, *, backstop: AccountId, backstop_usd: int, insurance_usd: int
) -> None:
    """Pay in for the backstop and the insurance fund."""
    hashes = [
        await chain.call_exchange(
            BANK, "deposit_for", backstop, backstop_usd * ATOMS_PER_USD, gas=GAS_BASE
        ),
        await chain.call_exchange(
            BANK, "fund_insurance", insurance_usd * ATOMS_PER_USD, gas=GAS_BASE
        ),
    ]
    await chain.receipts(hashes)


async def open_accounts(chain: DrillChain, population: Population) -> None:
    """Pay in for everybody."""
    waiting = iter(population.deposits.items())
    hashes: list[str] = []
    while part := list(islice(waiting, DEPOSITS_PER_TRANSACTION)):
        accounts, amounts = [account for account, _ in part], [amount for _, amount in part]
        gas = GAS_BASE + GAS_PER_DEPOSIT * len(part)
        hashes.append(await chain.call_exchange(BANK, "deposit_many", accounts, amounts, gas=gas))
    await chain.receipts(hashes)


async def settle_trades(chain: DrillChain, trades: Sequence[PlannedTrade]) -> None:
    """Settle all trades as the matcher."""
    hashes: list[str] = []
    for start in range(0, len(trades), TRADES_PER_TRANSACTION):
        part = trades[start : start + TRADES_PER_TRANSACTION]
        rows = [(trade.taker, trade.maker, trade.market, trade.size, trade.price) for trade in part]
        gas = GAS_BASE + GAS_PER_TRADE * len(part)
        hashes.append(await chain.call_exchange(MATCHER, "settle_trades", rows, gas=gas))
        # Encoding is work without a pause: let the pricer have its turn.
        await asyncio.sleep(0)
    await chain.receipts(hashes)
