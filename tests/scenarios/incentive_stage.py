"""A stage for the incentive duty: two stocks as they ship on an exchange of their own, a weekend on its clock."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.markets import load_market
from config.schema.markets import MarketFile, atoms
from drills.anvil import Node, running_node
from drills.dev_keys import HOUSEKEEPER, TUNER, write_keystore
from drills.venue_clock import VenueClock
from risk.guard_rails import Parameter
from risk.units import Seconds
from tests.anvil import Anvil, JsonRpc
from tests.scenarios.keeper import KeeperProcess, wait_until, write_profile
from tests.venues.exchange.contracts.harness import ROLES, Chain, Exchange

NVDA, AAPL = "NVDA", "AAPL"
SYMBOLS = (NVDA, AAPL)
LONG, SHORT, MAKER = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A parameter that the tuner set, when, and by which transaction's sender."""

    time: int
    symbol: str
    parameter: Parameter
    value: int
    sender: str


@dataclass(slots=True)
class IncentiveStage:
    """An exchange with traders near their limits, and as many keepers as a test makes."""

    node: Node
    exchange: Exchange
    clock: VenueClock
    folder: Path
    keepers: list[KeeperProcess] = field(default_factory=list)

    def keeper(
        self, name: str, *symbols: str, address: str = TUNER, **knobs: object
    ) -> KeeperProcess:
        """Write a profile of its own, with a journal of its own, and make its process."""
        folder = self.folder / name
        folder.mkdir()
        anvil = Anvil(port=int(self.node.http_url.rpartition(":")[2]), process_id=0)
        path = write_profile(folder, anvil, self.exchange.address)
        key = write_keystore(folder, "tuner", address)
        (folder / "events").mkdir()
        lines = [f"{knob} = {json.dumps(value)}" for knob, value in knobs.items()]
        # On a clock that runs hundreds of times faster than ours, a venue's minute is soon over.
        text = path.read_text().replace(
            "confirmations = 1", "confirmations = 1\nexpiry_seconds = 3600"
        )
        path.write_text(
            text
            + f"""
[keys.tuner]
keystore = "{key.keystore}"
password_file = "{key.password_file}"
[incentives]
symbols = {json.dumps(symbols)}
events_directory = "{folder / "events"}"
reading_seconds = 0.5
counting_seconds = 0.2
"""
            + "\n".join(lines)
        )
        keeper = KeeperProcess(path, folder / "keeper.log", ("incentives",))
        self.keepers.append(keeper)
        return keeper

    def levers(self, symbol: str) -> dict[Parameter, int]:
        """Read the tuner's parameters."""
        view = self.exchange.market(SYMBOLS.index(symbol))
        return {
            each: int(view[each.name.lower()])
            for each in Parameter
            if each <= Parameter.OPEN_INTEREST_CAP
        }

    def writes(self) -> list[Write]:
        """Read every parameter that a tuner ever set, in order."""
        rpc, found = self.exchange.chain.rpc, []
        owner = self.exchange.chain.actors["owner"].lower()
        wanted = {"address": self.exchange.address, "fromBlock": "0x0", "toBlock": "latest"}
        for log in rpc.call("eth_getLogs", wanted):
            event = self.exchange.abi.event(log)
            if event.name != "ParameterChanged":
                continue
            block = rpc.call("eth_getBlockByNumber", log["blockNumber"], False)
            sent = rpc.call("eth_getTransactionByHash", log["transactionHash"])
            if sent["from"].lower() == owner:
                # A market's first values are told in the same words.
                continue
            found.append(
                Write(
                    time=int(block["timestamp"], 16),
                    symbol=SYMBOLS[event["market"]],
                    parameter=Parameter(event["parameter"]),
                    value=event["value"],
                    sender=sent["from"].lower(),
                )
            )
        return found

    def slacks(self) -> list[int]:
        """Read by how much each account's equity exceeds its maintenance margin."""
        states = [self.exchange.state(account) for account in self.owners()]
        return [state["equity"] - state["maintenance_margin"] for state in states]

    def until(self, moment: Seconds, *, seconds: float = 40) -> None:
        """Wait for a time of the venue's clock."""
        wait_until(lambda: self.clock.now() >= moment, f"the clock shows {moment}", seconds)

    def owners(self) -> list[int]:
        """Name the accounts that hold positions."""
        return [self.exchange.account(each) for each in (LONG, SHORT, MAKER)]

    def grant_second_tuner(self) -> str:
        """Let another key tune too."""
        self.exchange.send("owner", "grant", HOUSEKEEPER, ROLES["tuner"])
        return HOUSEKEEPER


def list_market(exchange: Exchange, market: MarketFile, price: int) -> None:
    """List the market as its file has it, but for a price that keeps for the weekend."""
    exchange.create_market(
        price,
        symbol=market.symbol,
        initial_margin=market.initial_margin_ppm,
        tier_bounds=[bound for bound, _ in market.tier_pairs],
        tier_rates=[rate for _, rate in market.tier_pairs],
        taker_fee=market.fees.taker_ppm,
        maker_fee=market.fees.maker_ppm,
        open_interest_cap=atoms(market.size.open_interest_cap_usd),
        expiry=30 * 86_400,
    )
    for parameter, rail in market.limits.rails.items():
        exchange.limit(
            parameter,
            SYMBOLS.index(market.symbol),
            minimum=rail.minimum,
            maximum=rail.maximum,
            largest_step=rail.largest_step,
            cool_down=rail.cool_down,
        )


@contextlib.contextmanager
def incentive_stage(folder: Path, start: Seconds) -> Iterator[IncentiveStage]:
    """Set the stage; the test sets the clock out and starts the keepers."""
    with running_node(folder, start=start) as node, JsonRpc(node.http_url) as rpc:
        exchange = Exchange(Chain(rpc))
        for symbol in SYMBOLS:
            list_market(exchange, load_market(symbol), 180)
        # Ten times leverage each: allowed on a weekday, beyond what a weekend lets anybody open.
        for number in (LONG, SHORT, MAKER):
            exchange.fund(exchange.account(number), 20_000)
        long, short, maker = (exchange.account(each) for each in (LONG, SHORT, MAKER))
        for market in range(len(SYMBOLS)):
            exchange.trade(long, maker, 500, 180, market)
            exchange.trade(short, maker, -500, 180, market)
        stage = IncentiveStage(
            node=node,
            exchange=exchange,
            clock=VenueClock(node.block_notes, node.legs),
            folder=folder,
        )
        try:
            yield stage
        finally:
            for keeper in stage.keepers:
                keeper.kill()
