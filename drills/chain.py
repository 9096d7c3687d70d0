"""How a drill talks to its chain: transactions of the node's own accounts, and reads.

Sends are pipelined: nonces are counted here, so nothing waits for a receipt before the next one
leaves. A transaction of the drill's own actors that fails ends the drill: then the rehearsal is
wrong, not the keeper.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from risk.units import Seconds
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.errors import RpcError
from runtime.rpc.http import RpcHttp
from venues.exchange.abi import ARTIFACT_PATH
from venues.exchange.calls import CallEncoder
from venues.exchange.chain import quantity
from venues.exchange.deploy_values import TEST_TOKEN_PATH, load_artifact
from venues.exchange.encoding import encode_call

MAX_FEE_WEI: Final = 100_000_000_000
RECEIPT_SECONDS: Final = 60.0
RECEIPTS_PER_REQUEST: Final = 50
LOG_BLOCKS: Final = 2_000
"""Blocks in one question for logs: twenty seconds."""


class DrillFault(Exception):  # noqa: N818 - the drill's own mistake, not an answer of the chain
    """An actor of the drill did what the exchange refuses: the drill must be mended."""


class DrillChain:
    """One node, the exchange and its token on it."""

    def __init__(self, url: str) -> None:
        self.rpc = RpcHttp(Endpoint(name="drill", http_url=url))
        self.exchange = CallEncoder(load_artifact(ARTIFACT_PATH).abi)
        self.token = load_artifact(TEST_TOKEN_PATH).abi
        self.exchange_address = ""
        self.token_address = ""
        self._nonces: defaultdict[str, int] = defaultdict(int)

    def stand_at(self, exchange: str, token: str) -> None:
        """Learn where the contracts are."""
        self.exchange_address, self.token_address = exchange, token

    async def close(self) -> None:
        """Close the connections."""
        await self.rpc.close()

    async def send(self, sender: str, to: str, data: bytes, *, gas: int) -> str:
        """Send from an account that the node holds; give the hash without waiting."""
        nonce = self._nonces[sender]
        self._nonces[sender] += 1
        request = {
            "from": sender,
            "to": to,
            "data": f"0x{data.hex()}",
            "gas": hex(gas),
            "nonce": hex(nonce),
            "maxFeePerGas": hex(MAX_FEE_WEI),
            "maxPriorityFeePerGas": "0x0",
        }
        try:
            return str(await self.rpc.call("eth_sendTransaction", [request], timeout_seconds=60))
        except RpcError as error:
            raise DrillFault(f"the node refused a transaction of {sender}: {error}") from error

    async def call_exchange(self, sender: str, name: str, *arguments: object, gas: int) -> str:
        """Call a function of the exchange; give the hash without waiting."""
        return await self.send(
            sender, self.exchange_address, self.exchange.call(name, *arguments), gas=gas
        )

    async def call_token(self, sender: str, name: str, *arguments: object, gas: int) -> str:
        """Call a function of the token; give the hash without waiting."""
        data = encode_call(self.token.function(name), arguments)
        return await self.send(sender, self.token_address, data, gas=gas)

    async def receipts(self, hashes: Sequence[str]) -> list[Mapping[str, Any]]:
        """Wait until all are mined and give their receipts; raises DrillFault if one failed."""
        found: dict[str, Mapping[str, Any]] = {}
        async with asyncio.timeout(RECEIPT_SECONDS):
            while waiting := [name for name in hashes if name not in found]:
                part = waiting[:RECEIPTS_PER_REQUEST]
                answers = zip(part, await self.find_receipts(part), strict=True)
                found.update({name: receipt for name, receipt in answers if receipt is not None})
                if part[0] not in found:
                    await asyncio.sleep(0.01)
        for name in hashes:
            if quantity(found[name]["status"]) != 1:
                raise DrillFault(f"the transaction {name} failed: {await self._why(found[name])}")
        return [found[name] for name in hashes]

    async def find_receipts(self, hashes: Sequence[str]) -> list[Mapping[str, Any] | None]:
        """Ask once for each receipt; None where there is none."""
        answers = await self.rpc.batch([("eth_getTransactionReceipt", [name]) for name in hashes])
        receipts: list[Mapping[str, Any] | None] = []
        for answer in answers:
            if isinstance(answer, RpcError):
                raise answer
            receipts.append(answer)
        return receipts

    async def view(self, to: str, data: bytes, block: int | None = None) -> bytes:
        """Call a view, at a block if one is named."""
        tag = "latest" if block is None else hex(block)
        answer = await self.rpc.call("eth_call", [{"to": to, "data": f"0x{data.hex()}"}, tag])
        return bytes.fromhex(answer.removeprefix("0x"))

    async def logs(self, first: int, last: int) -> list[Mapping[str, Any]]:
        """Read the exchange's logs of these blocks, both included, in order."""
        found: list[Mapping[str, Any]] = []
        for start in range(first, last + 1, LOG_BLOCKS):
            question = {
                "address": self.exchange_address,
                "fromBlock": hex(start),
                "toBlock": hex(min(last, start + LOG_BLOCKS - 1)),
            }
            found += await self.rpc.call("eth_getLogs", [question], timeout_seconds=60)
        return found

    async def block_number(self) -> int:
        """Give the number of the newest block."""
        return quantity(await self.rpc.call("eth_blockNumber"))

    async def now(self) -> Seconds:
        """Give the chain's clock: the timestamp of the newest block."""
        block = await self.rpc.call("eth_getBlockByNumber", ["latest", False])
        return Seconds(quantity(block["timestamp"]))

    async def nonce(self, address: str, block: int) -> int:
        """Give how many transactions of an address were mined up to a block."""
        return quantity(await self.rpc.call("eth_getTransactionCount", [address, hex(block)]))

    async def _why(self, receipt: Mapping[str, Any]) -> str:
        """Do the failed transaction once more as a question: the answer has the reason."""
        sent = await self.rpc.call("eth_getTransactionByHash", [receipt["transactionHash"]])
        request = {"from": sent["from"], "to": sent["to"], "data": sent["input"]}
        try:
            await self.rpc.call("eth_call", [request, "latest"])
        except RpcError as error:
            return str(error)
        return f"no reason (gas used {receipt['gasUsed']} of {sent['gas']})"
