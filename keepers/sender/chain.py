"""What the sender asks of a chain, and how JSON-RPC answers it.

`start` writes before it returns, and its future never fails: every answer of a node is a status, and a
doubt is UNKNOWN, which counts as sent. The other questions raise `TransientError` when nobody gives a
usable answer.
"""

import asyncio
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from keepers.sender.transaction import address_text
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from runtime.rpc.submit import RawSubmitter, SubmissionFuture

LARGEST_INTEGER: Final = 2**63 - 1
"""What the journal holds; no block, time, nonce or gas of a chain is beyond."""
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_BYTES: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)


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
    """Read block, status and gas; raises TransientError for what is no receipt."""
    return ReceiptFacts(
        block=_count(receipt.get("blockNumber")),
        status=_count(receipt.get("status")),
        gas_used=_count(receipt.get("gasUsed")),
    )


def checked_receipt(receipt: Mapping[str, object]) -> Mapping[str, object]:
    """Give a receipt that the journal and every reader of logs can take; raises TransientError.

    A receipt that makes no sense is none: it is asked for again, also of other endpoints.
    """
    receipt_facts(receipt)
    logs = receipt.get("logs")
    if not isinstance(logs, list) or not all(_is_log(log) for log in logs):
        raise TransientError(f"expected a receipt with logs, found {reprlib.repr(logs)}")
    return receipt


def block_of(block: object) -> Block:
    """Read a block's header; raises TransientError for what is none."""
    if not isinstance(block, dict):
        raise TransientError("expected the latest block, found none")
    return Block(
        number=_count(block.get("number")),
        timestamp=_count(block.get("timestamp")),
        base_fee=_quantity(block.get("baseFeePerGas") or "0x0"),
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
        return block_of(await self._ask("eth_getBlockByNumber", "latest", False))

    async def nonce(self, address: bytes, *, pending: bool = False) -> int:
        """Count the nonces an address has used; with what waits in the pool if asked."""
        tag = "pending" if pending else "latest"
        return _count(await self._ask("eth_getTransactionCount", address_text(address), tag))

    async def receipt(self, tx_hash: str) -> Mapping[str, object] | None:
        """Read a receipt; None as long as there is none."""
        receipt = await self._ask("eth_getTransactionReceipt", tx_hash)
        is_there = isinstance(receipt, dict) and receipt.get("blockNumber") is not None
        return checked_receipt(receipt) if is_there else None

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


def _is_log(log: object) -> bool:
    if not isinstance(log, dict):
        return False
    topics, texts = log.get("topics"), [log.get("address"), log.get("data")]
    if not isinstance(topics, list):
        return False
    return all(isinstance(text, str) and _BYTES.fullmatch(text) for text in (*texts, *topics))


def _quantity(value: object) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise TransientError(f"expected a hex quantity from the node, found {reprlib.repr(value)}")
    return int(value, 16)


def _count(value: object) -> int:
    """Read a quantity that the journal can hold."""
    count = _quantity(value)
    if count > LARGEST_INTEGER:
        raise TransientError(f"expected a number of 63 bits from the node, found {value!s:.80}")
    return count
