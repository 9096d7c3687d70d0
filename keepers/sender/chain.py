"""What the sender asks of a chain, and how JSON-RPC answers it.

`start` writes before it returns, and its future never fails: every answer of a node is a status, and a
doubt is UNKNOWN, which counts as sent. The other questions raise `TransientError` when nobody gives a
usable answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from keepers.sender.transaction import address_text
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from runtime.rpc.submit import RawSubmitter, SubmissionFuture


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The newest block."""

    number: int
    timestamp: int
    base_fee: int


class Chain(Protocol):
    """A chain as the sender needs it."""

    async def chain_id(self) -> int:
        """Name the chain."""
        ...

    async def newest_block(self) -> Block:
        """Read the head."""
        ...

    async def nonce(self, address: bytes, *, pending: bool = False) -> int:
        """Count the nonces an address has used; with what waits in the pool if asked."""
        ...

    async def receipt(self, tx_hash: str) -> Mapping[str, object] | None:
        """Read a receipt; None as long as there is none."""
        ...

    async def balance(self, address: bytes) -> int:
        """Read an address's balance in wei."""
        ...

    def start(self, raw: bytes, *, tx_hash: str) -> SubmissionFuture:
        """Write signed bytes now; raises `TransientError` only if nothing was written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """What the journal keeps of a receipt."""

    block: int
    status: int
    gas_used: int


def receipt_facts(receipt: Mapping[str, object]) -> ReceiptFacts:
    """Read block, status and gas."""
    return ReceiptFacts(
        block=_quantity(receipt["blockNumber"]),
        status=_quantity(receipt["status"]),
        gas_used=_quantity(receipt["gasUsed"]),
    )


class Rpc(Protocol):
    """Somebody who answers JSON-RPC calls."""

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - JSON
        """Give the result, or raise an `RpcError`."""
        ...


class RpcChain:
    """A chain behind JSON-RPC: questions to a pool, bytes to a submitter."""

    def __init__(self, rpc: Rpc, submitter: RawSubmitter) -> None:
        self._rpc = rpc
        self._submitter = submitter

    async def chain_id(self) -> int:
        """Name the chain."""
        return _quantity(await self._ask("eth_chainId"))

    async def newest_block(self) -> Block:
        """Read the head."""
        block = await self._ask("eth_getBlockByNumber", "latest", False)
        if not isinstance(block, dict):
            raise TransientError("expected the latest block, found none")
        return Block(
            number=_quantity(block["number"]),
            timestamp=_quantity(block["timestamp"]),
            base_fee=_quantity(block.get("baseFeePerGas") or "0x0"),
        )

    async def nonce(self, address: bytes, *, pending: bool = False) -> int:
        """Count the nonces an address has used; with what waits in the pool if asked."""
        tag = "pending" if pending else "latest"
        return _quantity(await self._ask("eth_getTransactionCount", address_text(address), tag))

    async def receipt(self, tx_hash: str) -> Mapping[str, object] | None:
        """Read a receipt; None as long as there is none."""
        receipt = await self._ask("eth_getTransactionReceipt", tx_hash)
        is_there = isinstance(receipt, dict) and receipt.get("blockNumber") is not None
        return receipt if is_there else None

    async def balance(self, address: bytes) -> int:
        """Read an address's balance in wei."""
        return _quantity(await self._ask("eth_getBalance", address_text(address), "latest"))

    def start(self, raw: bytes, *, tx_hash: str) -> SubmissionFuture:
        """Write signed bytes now; raises `TransientError` only if nothing was written."""
        return self._submitter.start(raw, tx_hash=tx_hash)

    async def _ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - JSON
        try:
            return await self._rpc.call(method, params)
        except TransientError:
            raise
        except RpcError as error:
            # A node that is still indexing says so with an error: for a reader that is "not now".
            raise TransientError(str(error)) from error


async def block_and_nonce(chain: Chain, address: bytes) -> tuple[Block, int]:
    """Read both at once; they may come from different blocks, which the policy allows for."""
    block, nonce = await asyncio.gather(chain.newest_block(), chain.nonce(address))
    return block, nonce


def _quantity(value: object) -> int:
    return int(value, 16) if isinstance(value, str) else int(str(value))
