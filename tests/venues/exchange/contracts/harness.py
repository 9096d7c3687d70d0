"""The exchange on a real node, with actors named after their roles.

Builders take whole dollars and shares and have defaults for everything, so that a test states
only what it is about. Time stands still unless a test moves it. A refused call raises `Refused`
with the contract's own words.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from eth_abi import decode  # type: ignore[attr-defined]

from tests.anvil import JsonRpc, JsonRpcError
from tests.venues.exchange.contracts.codec import Abi, Event

OPEN, LIMIT, REDUCE_ONLY, HALTED, SETTLED = range(5)
INITIAL_MARGIN, FUNDING_RATE, TAKER_FEE, MAKER_FEE, OPEN_INTEREST_CAP = range(1, 6)
BAND, STATUS, SPLIT, DIVIDEND = range(6, 10)
ROLES = {
    "pricer": 1,
    "breaker": 2,
    "tuner": 3,
    "corporate": 4,
    "matcher": 5,
    "guardian": 6,
    "deleverager": 7,
}
ACTORS = ("owner", *ROLES, "liquidator", "trader", "stranger")
GAS = 900_000_000


class Refused(Exception):  # noqa: N818 -- reads as what happened: the exchange refused
    """A call reverted; the text is the contract's reason."""


def usd(amount: float | str) -> int:
    """Money in atoms."""
    return int(Decimal(str(amount)) * 10**6)


def shares(amount: float | str) -> int:
    """A size."""
    return int(Decimal(str(amount)) * 10**8)


def price(amount: float | str) -> int:
    """A price."""
    return int(Decimal(str(amount)) * 10**8)


def make_rules(**facts: int) -> dict[str, int]:
    """Liquidation rules; gas costs nothing unless a test says so."""
    rules = {
        "slice": 200_000,
        "cool_down": 30,
        "slice_memory": 600,
        "critical_margin": 500_000,
        "buffer": 1_020_000,
        "reward": 1_000,
        "reward_cap": usd(50),
        "gas_per_item": 0,
        "gas_margin": 0,
        "native_price": price(3000),
    }
    return rules | facts


def make_config(**facts: Any) -> dict[str, Any]:
    """Compose a market without fees, whose price may jump as far as a test likes."""
    config: dict[str, Any] = {
        "symbol": "TEST",
        "initial_margin": 100_000,
        "tier_bounds": [0],
        "tier_rates": [50_000],
        "clamp": 1_000_000,
        "min_interval": 0,
        "expiry": 3600,
        "taker_fee": 0,
        "maker_fee": 0,
        "open_interest_cap": usd(10**9),
        "min_position_notional": usd(10),
        "slice_threshold": usd(100_000),
        "penalty": 10_000,
        "spread_max": 10_000,
        "backstop_cap": usd(10**8),
    }
    return config | facts


@dataclass(slots=True)
class Receipt:
    """What a transaction did."""

    gas_used: int
    events: list[Event]
    result: Any = None

    def only(self, name: str) -> Event:
        """Give the one event of that name."""
        found = self.all(name)
        assert len(found) == 1, f"{len(found)} events {name}"
        return found[0]

    def all(self, name: str) -> list[Event]:
        """Give all events of that name, in order."""
        return [event for event in self.events if event.name == name]


def refusal(error: JsonRpcError) -> Refused:
    """Decode the reason of a revert."""
    data = error.data if isinstance(error.data, str) else ""
    if data.startswith("0x08c379a0"):
        return Refused(decode(["string"], bytes.fromhex(data[10:]))[0])
    return Refused(f"reverted without a reason: {error.message}")


@dataclass(slots=True)
class Chain:
    """The node: transactions with receipts, calls, time, snapshots."""

    rpc: JsonRpc
    actors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        addresses = self.rpc.call("eth_accounts")
        self.actors = dict(zip(ACTORS, addresses, strict=False))
        self.rpc.call("anvil_setBlockTimestampInterval", 0)

    def now(self) -> int:
        """Give the time of the newest block."""
        return int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def advance(self, seconds: int) -> None:
        """Let time pass: mine a block that much later."""
        if seconds > 0:
            self.rpc.call("evm_setNextBlockTimestamp", self.now() + seconds)
            self.rpc.call("evm_mine")

    def set_base_fee(self, wei: int) -> None:
        """Fix the base fee of the next block."""
        self.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(wei))

    def snapshot(self) -> str:
        """Remember the state."""
        return str(self.rpc.call("evm_snapshot"))

    def restore(self, snapshot: str) -> None:
        """Go back to a remembered state."""
        assert self.rpc.call("evm_revert", snapshot)

    def transact(self, transaction: dict[str, str]) -> dict[str, Any]:
        """Mine a transaction; a reverted one is replayed to learn the reason."""
        transaction = {**transaction, "gas": hex(GAS)}
        receipt: dict[str, Any] = self.rpc.call("eth_sendTransactionSync", transaction)
        if receipt["status"] != "0x1":
            before = hex(int(receipt["blockNumber"], 16) - 1)
            overrides = {"time": receipt["blockTimestamp"]}
            try:
                self.rpc.call("eth_call", transaction, before, {}, overrides)
            except JsonRpcError as error:
                raise refusal(error) from None
            raise AssertionError("reverted once, but not when replayed")
        return receipt

    def deploy(self, abi: Abi, *arguments: Any) -> str:
        """Deploy a contract and give its address."""
        data = abi.deployment(*arguments)
        receipt = self.transact({"from": self.actors["owner"], "data": data})
        return str(receipt["contractAddress"])


class Exchange:
    """The deployed exchange with its token, a market and its actors."""

    def __init__(self, chain: Chain, **rules: int) -> None:
        self.chain = chain
        self.abi = Abi.load("Exchange")
        self.token_abi = Abi.load("TestUsdc")
        owner = chain.actors["owner"]
        self.token = chain.deploy(self.token_abi)
        self.address = chain.deploy(self.abi, self.token, owner, make_rules(**rules))
        self.first_block = int(chain.rpc.call("eth_blockNumber"), 16)
        for name, role in ROLES.items():
            self.send("owner", "grant", chain.actors[name], role)
        for name in ("owner", "liquidator", "trader", "stranger"):
            self.mint(name)
        self.backstop: int = self.view("backstop_account")

    def mint(self, actor: str) -> None:
        """Give an actor plenty of test money, and let the exchange take it."""
        address = self.chain.actors[actor]
        for name, *arguments in (
            ("mint", address, usd(10**12)),
            ("approve", self.address, 2**256 - 1),
        ):
            data = self.token_abi.call_data(str(name), *arguments)
            self.chain.transact({"from": address, "to": self.token, "data": data})

    def balance(self, address: str) -> int:
        """Read a token balance."""
        data = self.token_abi.call_data("balanceOf", address)
        answer = self.chain.rpc.call("eth_call", {"to": self.token, "data": data}, "latest")
        return int(answer, 16)

    # -- talking to the contract

    def send(self, actor: str, name: str, *arguments: Any) -> Receipt:
        """Transact as an actor; raise `Refused` when the exchange does."""
        transaction = {
            "from": self.chain.actors[actor],
            "to": self.address,
            "data": self.abi.call_data(name, *arguments),
        }
        receipt = self.chain.transact(transaction)
        ours = [log for log in receipt["logs"] if log["address"] == self.address.lower()]
        return Receipt(int(receipt["gasUsed"], 16), [self.abi.event(log) for log in ours])

    def view(self, name: str, *arguments: Any, actor: str = "stranger") -> Any:
        """Ask without a transaction."""
        transaction = {
            "from": self.chain.actors[actor],
            "to": self.address,
            "data": self.abi.call_data(name, *arguments),
            "gas": hex(GAS),
        }
        try:
            data = self.chain.rpc.call("eth_call", transaction, "latest")
        except JsonRpcError as error:
            raise refusal(error) from None
        return self.abi.result(name, data)

    def logs(self, first_block: int, last_block: int) -> list[Event]:
        """Give every event of these blocks, in order."""
        wanted = {
            "address": self.address,
            "fromBlock": hex(first_block),
            "toBlock": hex(last_block),
        }
        return [self.abi.event(log) for log in self.chain.rpc.call("eth_getLogs", wanted)]

    # -- builders

    def account(self, subaccount: int, owner: str = "trader") -> int:
        """Compose an account of an actor."""
        return int(self.chain.actors[owner], 16) << 96 | subaccount

    def create_market(self, first_price: float | str | None = 100, **facts: Any) -> int:
        """List a market and publish its first price."""
        self.send("owner", "create_market", make_config(**facts))
        market = int(self.view("market_count")) - 1
        if first_price is not None:
            self.publish(first_price, market)
        return market

    def publish(
        self,
        mark: float | str,
        market: int = 0,
        *,
        index: float | str | None = None,
        timestamp: int | None = None,
    ) -> Receipt:
        """Publish one price, by default at this moment, with the index equal to the mark."""
        time = self.chain.now() if timestamp is None else timestamp
        entry = (market, price(mark), price(mark if index is None else index), time)
        return self.send("pricer", "publish", [entry])

    def fund(self, account: int, dollars: float | str) -> None:
        """Deposit into any account."""
        self.send("owner", "deposit_for", account, usd(dollars))

    def trade(
        self,
        taker: int,
        maker: int,
        size: float | str,
        at: float | str = 100,
        market: int = 0,
    ) -> Receipt:
        """Settle one trade; the taker buys a positive size."""
        entry = (taker, maker, market, shares(size), price(at))
        return self.send("matcher", "settle_trades", [entry])

    def liquidate(self, *items: tuple[int, int, int], actor: str = "liquidator") -> list[Event]:
        """Liquidate a batch and give the results."""
        receipt = self.send(actor, "liquidate", list(items), 2**63)
        return receipt.all("LiquidationResult")

    def liquidate_one(self, account: int, market: int = 0, max_size: int = 0) -> Event:
        """Liquidate one item."""
        (result,) = self.liquidate((account, market, max_size))
        return result

    def limit(
        self,
        parameter: int,
        market: int = 0,
        *,
        minimum: int = -(10**9),
        maximum: int = 10**15,
        largest_step: int = 10**16,
        cool_down: int = 0,
    ) -> None:
        """Set limits, by default so wide that they do not matter."""
        limits = (minimum, maximum, largest_step, cool_down)
        self.send("owner", "set_limits", market, parameter, limits)

    def halt(self, market: int = 0) -> None:
        """Halt a market by the guardian."""
        self.send("guardian", "restrict", market, HALTED)

    def drain_backstop(self, keep: int = 0) -> None:
        """Leave the backstop no more than so many dollars of collateral."""
        amount = self.rows(self.backstop)[0] - usd(keep)
        self.send("owner", "withdraw_backstop", self.chain.actors["owner"], amount)

    def set_market_rules(self, market: int = 0, **changed: int) -> None:
        """Change some of the owner's rules of a market and keep the others."""
        names = (
            "min_position_notional",
            "slice_threshold",
            "penalty",
            "spread_max",
            "backstop_cap",
        )
        rules = self.market(market) | changed
        self.send("owner", "set_market_rules", market, *(rules[name] for name in names))

    # -- reading

    def state(self, account: int) -> dict[str, Any]:
        """Read equity and margins of an account."""
        state: dict[str, Any] = self.view("account_state", account)
        return state

    def rows(self, account: int) -> tuple[int, dict[int, dict[str, int]]]:
        """Read collateral and positions by market."""
        page = self.view("account_rows", [account])
        return page["accounts"][0]["collateral"], {row["market"]: row for row in page["positions"]}

    def position(self, account: int, market: int = 0) -> dict[str, int]:
        """Read one position; a flat one is all zeros."""
        flat = {"market": market, "size": 0, "quote": 0, "funding": 0, "slice_time": 0}
        return self.rows(account)[1].get(market, flat)

    def market(self, market: int = 0) -> dict[str, Any]:
        """Read a market."""
        view: dict[str, Any] = self.view("market_view", market)
        return view

    def funds(self) -> dict[str, int]:
        """Read the vault's pockets."""
        funds: dict[str, int] = self.view("funds")
        return funds
