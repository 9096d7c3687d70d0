"""Real nodes with a real exchange for the benchmarks, and ways to fill it quickly.

Two anvils. On the *ground* node accounts are opened, many transactions in a block, because it computes
the root of the whole state for every block: with 20,000 accounts that takes it half a second. The
measurements run on a *fork* of it, which computes no root, as chains with 10 ms blocks do not; what it
has not read yet it fetches from the ground node, so it is made to read everything first. A process of
its own (`ticker.py`) lets it make a block every 10 ms. Time stands still on both, so that prices do not
grow old while we set up.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import coincurve

from risk.market import Market
from risk.units import MarketId
from tests.anvil import Anvil, JsonRpc, running_anvil
from tests.bench.ticker import ticking
from tests.venues.exchange.contracts.harness import Chain, Exchange, make_config, price, usd

BLOCK_SECONDS: Final = 0.01
PER_TRANSACTION: Final = 128
"""Deposits or trades that the exchange takes at once."""
MAKER: Final = 10**9
"""Subaccount that takes the other side of every position."""

STRANGER_KEY: Final = coincurve.PrivateKey(b"\x42" * 32)
"""Signs what is fired blind; nobody's key."""
MAX_FEE: Final = 5_000_000_000

_OPENING_GAS: Final = 20_000_000
_ACCOUNTS: Final = 12
_HISTORY: Final = "64"
"""Blocks whose state the fork keeps: it copies what it holds for each."""
_PAGE: Final = 512
_WAIT_SECONDS: Final = 240.0
_TOGETHER: Final = 48
"""Transactions in a block of the ground node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An account to open: its cash in atoms, and its one position at the market's mark."""

    account: int
    collateral: int
    market: int
    size: int
    price: int


@contextlib.contextmanager
def ground_node() -> Iterator[Anvil]:
    """Run the node on which accounts are opened: a block for every transaction, no history."""
    with running_anvil(accounts=_ACCOUNTS, options=("--prune-history",)) as anvil:
        yield anvil


@contextlib.contextmanager
def forked(ground: Anvil) -> Iterator[Anvil]:
    """Run a fork of a node. It makes blocks when told to, or while `beating` lasts."""
    options = (
        *("--no-mining", "--prune-history", _HISTORY, "--fork-url", ground.http_url),
        *("--no-storage-caching", "--no-rate-limit", "--timeout", "60000"),
    )
    with running_anvil(accounts=_ACCOUNTS, options=options) as anvil:
        with JsonRpc(anvil.http_url) as rpc:
            rpc.call("anvil_setBlockTimestampInterval", 0)
        yield anvil


@contextlib.contextmanager
def beating(anvil: Anvil) -> Iterator[None]:
    """Let a fork make a block every 10 ms."""
    with ticking(anvil.http_url, BLOCK_SECONDS):
        yield


def read_everything(anvil: Anvil, exchange: Exchange) -> None:
    """Make a fork fetch every account, so that no measurement waits for the ground node."""
    count = int(exchange.view("account_count"))
    with JsonRpc(anvil.http_url) as rpc:
        for start in range(0, count, _PAGE):
            data = exchange.abi.call_data("accounts_page", start, _PAGE)
            rpc.call("eth_call", {"to": exchange.address, "data": data}, "latest")


def open_exchange(rpc: JsonRpc, markets: Mapping[MarketId, Market]) -> Exchange:
    """Deploy an exchange that lists these markets, with rich pools and a rich maker."""
    exchange = Exchange(Chain(rpc))
    for market in markets.values():
        exchange.send("owner", "create_market", config_of(market))
    publish(exchange, {number: market.mark for number, market in markets.items()})
    exchange.fund(exchange.backstop, 10**9)
    exchange.send("owner", "fund_insurance", usd(10**7))
    exchange.fund(exchange.account(MAKER), 10**10)
    return exchange


def config_of(market: Market) -> dict[str, Any]:
    """Give the configuration that lists a market of the population; its price may jump."""
    return make_config(
        symbol=market.symbol,
        initial_margin=market.initial_margin,
        tier_bounds=[tier.lower_bound for tier in market.tiers],
        tier_rates=[tier.rate for tier in market.tiers],
        open_interest_cap=usd(10**11),
        min_position_notional=market.min_position_notional,
        slice_threshold=market.slice_threshold,
        penalty=market.penalty,
        spread_max=market.spread_max,
        backstop_cap=usd(10**10),
    )


def publish(exchange: Exchange, marks: Mapping[MarketId, int]) -> None:
    """Publish marks, 1e-8 USD, each with an equal index."""
    exchange.chain.transact(
        {
            "from": exchange.chain.actors["pricer"],
            "to": exchange.address,
            "data": publish_data(exchange, marks),
        }
    )


def publish_data(exchange: Exchange, marks: Mapping[MarketId, int]) -> str:
    """Encode a publication of marks as of now."""
    now = exchange.chain.now()
    entries = [(number, mark, mark, now) for number, mark in marks.items()]
    return exchange.abi.call_data("publish", entries)


def open_accounts(exchange: Exchange, openings: Sequence[Opening]) -> None:
    """Open all of these, each with its position against the maker."""
    maker = exchange.account(MAKER)
    calls: list[tuple[str, str]] = []
    for part in _parts(openings):
        cash = [each.collateral for each in part]
        accounts = [each.account for each in part]
        calls.append(("owner", exchange.abi.call_data("deposit_many", accounts, cash)))
    for part in _parts(openings):
        trades = [(each.account, maker, each.market, each.size, each.price) for each in part]
        calls.append(("matcher", exchange.abi.call_data("settle_trades", trades)))
    send_all(exchange, calls)


def send_all(exchange: Exchange, calls: Sequence[tuple[str, str]]) -> None:
    """Send calls (actor, data), many in a block of the ground node; RuntimeError if one failed."""
    rpc, actors = exchange.chain.rpc, exchange.chain.actors
    rpc.call("evm_setAutomine", False)
    for start in range(0, len(calls), _TOGETHER):
        hashes = [
            rpc.call(
                "eth_sendTransaction",
                {
                    "from": actors[actor],
                    "to": exchange.address,
                    "data": data,
                    "gas": hex(_OPENING_GAS),
                },
            )
            for actor, data in calls[start : start + _TOGETHER]
        ]
        while (last := rpc.call("eth_getTransactionReceipt", hashes[-1])) is None:
            rpc.call("evm_mine")
        for receipt in (last, *(rpc.call("eth_getTransactionReceipt", each) for each in hashes)):
            if receipt is None or receipt["status"] != "0x1":
                raise RuntimeError("expected every transaction of the set-up to succeed")
    rpc.call("evm_setAutomine", True)


def wait_receipt(rpc: JsonRpc, tx_hash: str) -> dict[str, Any]:
    """Wait until a transaction is mined."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        receipt: dict[str, Any] | None = rpc.call("eth_getTransactionReceipt", tx_hash)
        if receipt is not None:
            return receipt
        time.sleep(0.01)
    raise TimeoutError(f"expected {tx_hash} to be mined within {_WAIT_SECONDS:g} s")


def account_ids(exchange: Exchange, first: int, count: int) -> list[int]:
    """Name `count` accounts of the trader."""
    return [exchange.account(number) for number in range(first, first + count)]


def dollars(amount: float) -> int:
    """Give a price, 1e-8 USD."""
    return price(amount)


def say(text: str) -> None:
    """Show progress, apart from the results."""
    print(f"  {text}", file=sys.stderr, flush=True)


def _parts(openings: Sequence[Opening]) -> list[Sequence[Opening]]:
    starts = range(0, len(openings), PER_TRANSACTION)
    return [openings[start : start + PER_TRANSACTION] for start in starts]
