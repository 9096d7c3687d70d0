"""Read the exchange's whole state at one pinned block, page by page, with eth_abi.

The node keeps the states of some two seconds, so a reading that took longer is begun again at a
newer block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode

from drills.chain import DrillChain
from drills.dev_keys import BREAKER, CORPORATE, GUARDIAN, HOUSEKEEPER, KEEPER, PRICER
from risk.margin import Account, Position
from risk.market import Market
from risk.units import AccountId, FundingE12, MarketId, QuoteAtoms, Seconds, SizeE8
from runtime.rpc.errors import RpcError
from venues.exchange.abi import Abi, load_abi
from venues.exchange.views import ViewDecoder

ACCOUNTS_PER_PAGE: Final = 400
ATTEMPTS: Final = 5
LANE_ADDRESSES: Final = {
    "urgent": KEEPER,
    "housekeeping": HOUSEKEEPER,
    "pricer": PRICER,
    "breaker": BREAKER,
    "guardian": GUARDIAN,
    "corporate": CORPORATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalState:
    """Everything, as the chain has it at one block."""

    block: int
    timestamp: Seconds
    accounts: tuple[Account, ...]
    markets: Mapping[MarketId, Market]
    funds: Mapping[str, int]
    vault_balance: int
    """Tokens that the exchange really holds, by the token's own word."""
    keeper_rewards: Mapping[str, int]
    """Unclaimed, by keeper's address in lower case."""
    nonces: Mapping[str, int]
    """Transactions mined, by lane."""


async def read_final_state(chain: DrillChain) -> FinalState:
    """Read it; raises the last RpcError when the node keeps losing the block."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await _read(chain, await chain.block_number())
        except RpcError:
            continue
    return await _read(chain, await chain.block_number())


async def _read(chain: DrillChain, block: int) -> FinalState:
    abi = load_abi()

    async def view(name: str, *arguments: object) -> bytes:
        return await chain.view(
            chain.exchange_address, chain.exchange.call(name, *arguments), block
        )

    balance = await chain.view(
        chain.token_address,
        chain.token.function("balanceOf").selector
        + bytes.fromhex(chain.exchange_address[2:]).rjust(32, b"\0"),
        block,
    )
    accounts: list[Account] = []
    timestamp, start = Seconds(0), 0
    while True:
        page = _decoded(abi, "accounts_page", await view("accounts_page", start, ACCOUNTS_PER_PAGE))
        _, seconds, following, rows, positions = page
        timestamp = Seconds(seconds)
        accounts += _accounts(rows, positions)
        if not rows:
            break
        start = following
    markets = ViewDecoder(abi).markets(MarketId(0), await view("markets_page", 0, 16))
    funds = _decoded(abi, "funds", await view("funds"))
    names = [item.name for item in abi.function("funds").outputs[0].items]
    return FinalState(
        block=block,
        timestamp=timestamp,
        accounts=tuple(accounts),
        markets={market.id: market for market in markets},
        funds=dict(zip(names, funds, strict=True)),
        vault_balance=int.from_bytes(balance, "big"),
        keeper_rewards={
            address.lower(): int.from_bytes(
                await view("keeper_rewards", bytes.fromhex(address[2:])), "big"
            )
            for address in LANE_ADDRESSES.values()
        },
        nonces={lane: await chain.nonce(who, block) for lane, who in LANE_ADDRESSES.items()},
    )


def _decoded(abi: Abi, name: str, raw: bytes) -> Any:  # noqa: ANN401 - the ABI says what it is
    return decode([kind.canonical for kind in abi.function(name).outputs], raw)[0]


def _accounts(
    rows: list[tuple[int, int, int]], positions: list[tuple[int, int, int, int, int]]
) -> list[Account]:
    waiting = iter(positions)
    return [
        Account(
            id=AccountId(number),
            collateral=QuoteAtoms(collateral),
            positions=tuple(sorted((_position(*next(waiting)) for _ in range(count)), key=_market)),
        )
        for number, collateral, count in rows
    ]


def _position(market: int, size: int, quote: int, funding: int, slice_time: int) -> Position:
    return Position(
        market=MarketId(market),
        size=SizeE8(size),
        quote=QuoteAtoms(quote),
        funding=FundingE12(funding),
        slice_time=Seconds(slice_time),
    )


def _market(position: Position) -> MarketId:
    return position.market
