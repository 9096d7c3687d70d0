"""An aggregator on a real chain is read through a real endpoint."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import vyper
from eth_abi.abi import encode
from eth_hash.auto import keccak

from monitors.prices.port import FaultKind
from risk.price_report import Micros
from risk.units import PriceE8, Seconds
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.http import RpcHttp
from tests.anvil import JsonRpc, running_anvil
from tests.monitors.prices.test_chainlink_aggregator import REPORT, SETTINGS, UPDATED, source

SOURCE = """
# pragma version ~=0.4.0
answer: int256
updated_at: uint256
decimals: public(uint8)

@deploy
def __init__(decimals: uint8):
    self.decimals = decimals

@external
def write(answer: int256, updated_at: uint256):
    self.answer = answer
    self.updated_at = updated_at

@external
@view
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    assert self.updated_at != 0, "No data present"
    return 7, self.answer, self.updated_at - 1, self.updated_at, 7
"""


def deployed(rpc: JsonRpc, *, decimals: int) -> tuple[str, Callable[[int, int], None]]:
    """Deploy an aggregator; give its address and what writes its answer."""
    code: str = vyper.compile_code(SOURCE, output_formats=["bytecode"])["bytecode"]
    owner = rpc.call("eth_accounts")[0]

    def send(data: str, to: str | None) -> Any:
        transaction = {"from": owner, "data": data} | ({} if to is None else {"to": to})
        receipt = rpc.call("eth_sendTransactionSync", transaction)
        assert receipt["status"] == "0x1"
        return receipt

    address = send(code + encode(["uint8"], [decimals]).hex(), None)["contractAddress"]

    def write(answer: int, updated_at: int) -> None:
        arguments = encode(["int256", "uint256"], [answer, updated_at])
        send("0x" + (keccak(b"write(int256,uint256)")[:4] + arguments).hex(), address)

    return address, write


def over(http: RpcHttp) -> Callable[[bytes, bytes], Awaitable[bytes]]:
    async def call(address: bytes, calldata: bytes) -> bytes:
        request = {"to": f"0x{address.hex()}", "data": f"0x{calldata.hex()}"}
        answer = await http.call("eth_call", [request, "latest"])
        return bytes.fromhex(answer[2:])

    return call


async def test_reads_a_real_chain() -> None:
    with running_anvil() as anvil, JsonRpc(anvil.http_url) as rpc:
        address, write = deployed(rpc, decimals=18)
        settings = replace(SETTINGS, address=bytes.fromhex(address[2:]))
        async with RpcHttp(Endpoint(name="node", http_url=anvil.http_url)) as http:
            async with source(over(http), settings) as sink:
                await sink.until(faults=1)
                write(178_123456789 * 10**9, UPDATED)
                await sink.until(reports=1)
                write(-5 * 10**18, UPDATED + 60)
                while sink.reports[-1].price > 0:
                    await sink.until(reports=len(sink.reports) + 1)
            nowhere = replace(SETTINGS, address=bytes.fromhex("00" * 19 + "99"))
            async with source(over(http), nowhere) as lost:
                await lost.until(faults=1)
    # A feed without a round reverts, as the real ones do.
    assert set(sink.kinds) == {FaultKind.REFUSED}
    assert sink.reports[0] == REPORT
    assert sink.reports[-1] == replace(
        REPORT,
        price=PriceE8(-5 * 10**8),
        observed_at=Seconds(UPDATED + 60),
        order=Micros((UPDATED + 60) * 10**6),
    )
    assert set(lost.kinds) == {FaultKind.UNKNOWN_FEED}
