"""A stage of many markets: real exchanges on one chain, each with a breaker keeper as a process.

The exchange takes 128 markets, so more of them need several exchanges, each with a keeper that has its
own keys, journal and files of markets. What halts a market here is an index that the pricer writes 4 %
below the mark: `mark_index_divergence` with a ladder that halts after 0 seconds (`RULES`). The
shipped rules leave that cause 600 s. Bands are drawn as ever; emergency plans are left out, because
they would take the leaps of a compressed clock for an outage.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import coincurve
from eth_keyfile.keyfile import create_keyfile_json

from config.markets import load_market
from drills.anvil import Node, running_node
from drills.venue_clock import VenueClock
from drills.weekend import Leg
from keepers.sender.transaction import address_of
from risk.guard_rails import Parameter
from risk.units import MarketStatus, Seconds
from tests.anvil import Anvil, JsonRpc
from tests.scenarios.checkout import MODEL, KeeperHere, lay_out
from tests.scenarios.keeper import PASSWORD, write_profile
from tests.venues.exchange.contracts.harness import ROLES, Chain, Exchange, make_config, price

MARK: Final = price(100)
BREACHED: Final = price(96)
"""An index so far below the mark that the market must halt, and inside its band of 5 %."""
LANES: Final = ("breaker", "guardian")
PER_PUBLICATION: Final = 64
"""Prices that the exchange takes at once."""
READY_SECONDS: Final = 60.0
HALT_SECONDS: Final = 60.0
"""Longest wait for a start, and for the halts of all markets; nothing is measured by them."""
RULES: Final = """
[market_wide]
groups = []
[integrity]
longest_gap_seconds = 900
tighter_band_ppm = 20_000
[integrity.mark_index_divergence]
at_most_ppm = 30_000
ladder = [{ after_seconds = 0, action = "halt" }]
clear_seconds = 3_600
warm_up = 10
"""

_GAS: Final = 5_000_000
_PUBLISH_GAS: Final = 20_000_000
_RICH: Final = hex(10**22)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One exchange, its markets by number, and its keeper."""

    exchange: Exchange
    symbols: tuple[str, ...]
    keeper: KeeperHere
    journal: Path

    def publish(
        self, indexes: Mapping[int, int], *, timestamp: int, marks: Mapping[int, int] | None = None
    ) -> list[str]:
        """Send prices by the pricer without waiting; give the hashes. A mark left out is `MARK`."""
        entries = [
            (number, (marks or {}).get(number, MARK), index, timestamp)
            for number, index in indexes.items()
        ]
        return [
            self.send("pricer", "publish", entries[start : start + PER_PUBLICATION])
            for start in range(0, len(entries), PER_PUBLICATION)
        ]

    def send(self, actor: str, name: str, *arguments: Any) -> str:
        """Send a transaction of an actor without waiting; give its hash."""
        gas = _PUBLISH_GAS if name == "publish" else _GAS
        transaction = {
            "from": self.exchange.chain.actors[actor],
            "to": self.exchange.address,
            "data": self.exchange.abi.call_data(name, *arguments),
            "gas": hex(gas),
        }
        return str(self.exchange.chain.rpc.call("eth_sendTransaction", transaction))

    def statuses(self) -> list[MarketStatus]:
        """Read every market's status from the chain."""
        return [
            MarketStatus(self.exchange.market(number)["status"])
            for number in range(len(self.symbols))
        ]

    def is_ready(self) -> bool:
        """Say whether the keeper says that it is ready; AssertionError if it died."""
        process = self.keeper.process
        is_running = process is not None and process.poll() is None
        assert is_running, f"expected the keeper to run, see {self.keeper.log}"
        return bool((self.keeper.page("/readyz") or {}).get("ready"))

    def has_bands(self) -> bool:
        """Say whether every market has a band on chain."""
        return all(
            self.exchange.market(number)["band_low"] > 0 for number in range(len(self.symbols))
        )

    def is_halted(self) -> bool:
        """Say whether every market is halted on chain."""
        return set(self.statuses()) == {MarketStatus.HALTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachStage:
    """The chain and everything on it."""

    node: Node
    clock: VenueClock
    houses: tuple[House, ...]
    rpc: JsonRpc

    def set_out(self, *legs: tuple[int, float]) -> None:
        """Let the venue's clock go at paces: (until, venue seconds in one of ours)."""
        self.clock.set_out([Leg(until=Seconds(at), pace=pace, name="") for at, pace in legs])

    def block_of(self, transaction: str) -> int:
        """Give the block of a mined transaction; raises AssertionError for another."""
        receipt = self.rpc.call("eth_getTransactionReceipt", transaction)
        assert receipt is not None, f"expected {transaction} to be mined"
        assert receipt["status"] == "0x1", f"expected {transaction} to succeed"
        return int(receipt["blockNumber"], 16)


@contextlib.contextmanager
def breach_stage(
    folder: Path, *, houses: Sequence[int], start: int, rules: str = RULES, expiry_seconds: int = 30
) -> Iterator[BreachStage]:
    """Set the stage: an exchange with so many markets for each number in `houses`.

    The keepers wait to be started. An intent's age is on the venue's clock: where that leaps by
    minutes from block to block, `expiry_seconds` must be long.
    """
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(running_node(folder, start=start))
        rpc = stack.enter_context(JsonRpc(node.http_url))
        clock = VenueClock(node.block_notes, node.legs)
        built: list[House] = []
        for number, count in enumerate(houses):
            own = folder / f"house{number}"
            symbols = tuple(f"H{number}M{market:03}" for market in range(count))
            exchange = _exchange(rpc, symbols)
            checkout = lay_out(own / "checkout", symbols)
            profile = _profile(own, node, exchange, number=number, rules=rules)
            _replace(profile, "[sender]", f"[sender]\nexpiry_seconds = {expiry_seconds}")
            keeper = KeeperHere(
                profile=profile, log=own / "keeper.log", options=("breaker",), checkout=checkout
            )
            stack.callback(keeper.kill)
            journal = own / "journal.sqlite"
            house = House(exchange=exchange, symbols=symbols, keeper=keeper, journal=journal)
            _list_markets(house, clock)
            built.append(house)
        yield BreachStage(node=node, clock=clock, houses=tuple(built), rpc=rpc)


def _exchange(rpc: JsonRpc, symbols: Sequence[str]) -> Exchange:
    assert len(symbols) <= 128, f"expected at most 128 markets, found {len(symbols)}"
    return Exchange(Chain(rpc))


def _list_markets(house: House, clock: VenueClock) -> None:
    """List the markets with the limits of the shipped model, and give each its first price."""
    rails = load_market(MODEL).limits.rails
    hashes = [
        house.send("owner", "create_market", make_config(symbol=symbol, initial_margin=50_000))
        for symbol in house.symbols
    ]
    for parameter in (Parameter.BAND, Parameter.STATUS):
        rail = rails[parameter]
        limits = (rail.minimum, rail.maximum, rail.largest_step, rail.cool_down)
        hashes += [
            house.send("owner", "set_limits", number, int(parameter), limits)
            for number in range(len(house.symbols))
        ]
    wait_mined(house.exchange.chain.rpc, hashes)
    quiet = dict.fromkeys(range(len(house.symbols)), MARK)
    wait_mined(house.exchange.chain.rpc, house.publish(quiet, timestamp=clock.now()))


def wait_mined(rpc: JsonRpc, hashes: Sequence[str]) -> None:
    """Wait until transactions that were sent are mined; AssertionError if one failed."""
    for name in hashes:
        while (receipt := rpc.call("eth_getTransactionReceipt", name)) is None:
            pass
        assert receipt["status"] == "0x1", f"expected {name} to succeed"


def _profile(folder: Path, node: Node, exchange: Exchange, *, number: int, rules: str) -> Path:
    """Write the profile of a keeper whose keys hold the two roles, of this exchange only."""
    anvil = Anvil(port=int(node.http_url.rpartition(":")[2]), process_id=0)
    path = write_profile(folder, anvil, exchange.address)
    (folder / "breakers.toml").write_text(rules)
    (folder / "plans").mkdir()
    sections = [
        f"""
[breaker]
rules_file = "{folder / "breakers.toml"}"
plans_directory = "{folder / "plans"}"
reading_seconds = 0.5"""
    ]
    for place, lane in enumerate(LANES, start=1):
        key = coincurve.PrivateKey(bytes([number + 1, place]) * 16)
        address = f"0x{address_of(key.public_key).hex()}"
        exchange.chain.rpc.call("anvil_setBalance", address, _RICH)
        exchange.send("owner", "grant", address, ROLES[lane])
        keystore, password = folder / f"{lane}.json", folder / f"{lane}.password"
        document = create_keyfile_json(key.secret, PASSWORD.encode(), iterations=2)
        keystore.write_text(json.dumps(document))
        password.write_text(PASSWORD)
        keystore.chmod(0o600)
        password.chmod(0o600)
        sections.append(f'[keys.{lane}]\nkeystore = "{keystore}"\npassword_file = "{password}"')
    path.write_text(path.read_text() + "\n".join(sections))
    return path


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"expected {old} once in {path}"
    path.write_text(text.replace(old, new))
