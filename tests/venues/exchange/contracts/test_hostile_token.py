"""A token that fails or calls back: the exchange refuses, and its books stay whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vyper
from vyper.compiler.settings import OptimizationLevel, Settings

from tests.venues.exchange.contracts.codec import Abi
from tests.venues.exchange.contracts.harness import Exchange, Refused, make_rules, usd

SOURCE = Path(__file__).with_name("hostile_token.vy")
HONEST, FAILING, REENTRANT = range(3)


class Hostile:
    """An exchange over the hostile token."""

    def __init__(self, exchange: Exchange) -> None:
        self.chain = exchange.chain
        output = vyper.compile_code(
            SOURCE.read_text(),
            output_formats=["abi", "bytecode"],
            settings=Settings(optimize=OptimizationLevel.GAS),
        )
        self.token_abi = Abi(output)
        self.abi = exchange.abi
        self.token = self.chain.deploy(self.token_abi)
        owner = self.chain.actors["owner"]
        self.address = self.chain.deploy(self.abi, self.token, owner, make_rules())

    def tell_token(self, name: str, *arguments: Any) -> None:
        """Call the token."""
        self._transact(self.token, self.token_abi.call_data(name, *arguments))

    def send(self, name: str, *arguments: Any) -> None:
        """Call the exchange as the trader."""
        self._transact(self.address, self.abi.call_data(name, *arguments))

    def _transact(self, target: str, data: str) -> None:
        trader = self.chain.actors["trader"]
        self.chain.transact({"from": trader, "to": target, "data": data})

    def collateral(self, owner: str) -> int:
        """Read the first subaccount of an address."""
        data = self.abi.call_data("account_rows", [int(owner, 16) << 96])
        answer = self.chain.rpc.call("eth_call", {"to": self.address, "data": data}, "latest")
        return int(self.abi.result("account_rows", answer)["accounts"][0]["collateral"])


@pytest.fixture
def hostile(deployed: Exchange) -> Iterator[Hostile]:
    """Give an exchange in which the trader and the token itself hold 100 dollars each."""
    snapshot = deployed.chain.snapshot()
    hostile = Hostile(deployed)
    for address in (deployed.chain.actors["trader"], hostile.token):
        hostile.tell_token("mint", address, usd(1000))
    hostile.send("deposit", 0, usd(100))
    hostile.tell_token("do_deposit", hostile.address, usd(100))
    yield hostile
    deployed.chain.restore(snapshot)


CALLS = [("deposit", (0, usd(1))), ("withdraw", (0, usd(1))), ("fund_insurance", (usd(1),))]


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_a_token_that_says_it_failed_is_believed(
    hostile: Hostile, name: str, arguments: tuple[int, ...]
) -> None:
    hostile.tell_token("set_mode", FAILING, 0)
    with pytest.raises(Refused, match="transfer failed"):
        hostile.send(name, *arguments)
    assert hostile.collateral(hostile.chain.actors["trader"]) == usd(100)


@pytest.mark.parametrize(("name", "arguments"), CALLS)
@pytest.mark.parametrize("call", range(4), ids=["withdraw", "deposit", "claim", "liquidate"])
def test_a_token_that_calls_back_is_refused(
    hostile: Hostile, name: str, arguments: tuple[int, ...], call: int
) -> None:
    hostile.tell_token("set_mode", REENTRANT, call)
    with pytest.raises(Refused):
        hostile.send(name, *arguments)
    assert hostile.collateral(hostile.chain.actors["trader"]) == usd(100)
    assert hostile.collateral(hostile.token) == usd(100)
    hostile.tell_token("set_mode", HONEST, 0)
    hostile.send(name, *arguments)
