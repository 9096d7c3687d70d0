"""What the exchange's readers need of a chain, and how they speak to it.

`ChainReader` and `Subscriber` are what `runtime.rpc` offers, cut down to what is used here. Blocks
are named by number: a number is a sealed block, `latest` may be in the making and is never used
for state. A block's hash may be null while it is not sealed.
"""

import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from risk.units import Seconds
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from runtime.rpc.subscription import OnMessage, Subscription
from venues.exchange.page_codec import from_hex
from venues.exchange.slicers import UndecodableError
from venues.port import BlockRef

LAST_SECOND: Final = 10**11
"""No block is of a later time (year 5138): calendars end, and counters hold no more."""
LAST_BLOCK: Final = 2**63 - 1
_QUANTITY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
"""At most 256 bits, like every number of the chain."""


class ChainReader(Protocol):
    """Calls over HTTP. Raises RpcError; transient ones were tried elsewhere already, or not."""

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - JSON
        """Call and give the decoded result."""

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Call several on one endpoint; each result, or the RpcError in its place."""


class Subscriber(Protocol):
    """Subscriptions over a WebSocket that reconnects and marks gaps by itself."""

    async def subscribe(
        self, params: Sequence[Any], *, capacity: int = 8192, on_message: OnMessage | None = None
    ) -> Subscription:
        """Subscribe; `on_message` is called in the reader."""

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A block's header as far as we need it."""

    ref: BlockRef
    parent: bytes | None

    @property
    def number(self) -> int:
        """The block's number."""
        return self.ref.number


def quantity(value: object) -> int:
    """Read a hex quantity; raises UndecodableError."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise UndecodableError(f"expected a hex quantity, found {reprlib.repr(value)}")
    return int(value, 16)


def block_number(value: object) -> int:
    """Read a block's number; raises UndecodableError, also for one that no chain reaches."""
    number = quantity(value)
    if number > LAST_BLOCK:
        raise UndecodableError(f"expected a block number of 63 bits, found {value!s:.80}")
    return number


def block_time(value: object) -> Seconds:
    """Read a block's time; raises UndecodableError, also for one that no clock shows."""
    time = quantity(value)
    if time >= LAST_SECOND:
        raise UndecodableError(f"expected a block's time before year 5138, found {value!s:.80}")
    return Seconds(time)


def log_entries(logs: object) -> Sequence[Mapping[str, Any]]:
    """Give the logs of an answer or a receipt; raises UndecodableError unless each is an object."""
    if not isinstance(logs, list) or not all(isinstance(log, dict) for log in logs):
        raise UndecodableError(f"expected a list of logs, found {reprlib.repr(logs)}")
    return logs


def head_of(header: Mapping[str, Any]) -> Head:
    """Read a block header, of eth_getBlockByNumber or of newHeads; raises UndecodableError."""
    if not isinstance(header, dict):
        raise UndecodableError(f"expected a block's header, found {reprlib.repr(header)}")
    block_hash = header.get("hash")
    parent = header.get("parentHash")
    return Head(
        ref=BlockRef(
            number=block_number(header.get("number")),
            timestamp=block_time(header.get("timestamp")),
            hash=None if block_hash is None else from_hex(block_hash),
        ),
        parent=None if parent is None else from_hex(parent),
    )


async def read_head(reader: ChainReader, number: int | None = None) -> Head | None:
    """Read the header of a block, the newest by default; None when the endpoint lacks it."""
    tag = "latest" if number is None else hex(number)
    header = await reader.call("eth_getBlockByNumber", [tag, False])
    return None if header is None else head_of(header)


async def read_sealed_head(reader: ChainReader) -> Head:
    """Read the newest sealed block: the newest, or its parent while the newest has no hash."""
    head = await read_head(reader)
    if head is not None and head.ref.hash is None:
        head = await read_head(reader, head.number - 1)
    if head is None:
        raise TransientError("expected a newest block, found none")
    return head


class ContractReader:
    """Calls of views of one contract, pinned to a block number."""

    def __init__(self, reader: ChainReader, address: bytes, gas: int | None = None) -> None:
        if len(address) != 20:
            raise ValueError(f"expected an address of 20 bytes, found {len(address)}")
        self.reader = reader
        self.address = address
        self.address_text = f"0x{address.hex()}"
        self._gas = gas

    async def view(self, data: bytes, block: int | None) -> bytes:
        """Call a view at a block; raises RpcError, or UndecodableError for an empty answer."""
        return self._answer(await self.reader.call("eth_call", self._request(data, block)))

    async def views(self, calls: Sequence[bytes], block: int | None) -> list[bytes]:
        """Call several views at one block, in one request; raises as `view` does."""
        requests = [("eth_call", self._request(data, block)) for data in calls]
        answers = await self.reader.batch(requests)
        for answer in answers:
            if isinstance(answer, RpcError):
                raise answer
        return [self._answer(answer) for answer in answers]

    def _request(self, data: bytes, block: int | None) -> list[Any]:
        request = {"to": self.address_text, "data": f"0x{data.hex()}"}
        if self._gas is not None:
            request["gas"] = hex(self._gas)
        return [request, "latest" if block is None else hex(block)]

    def _answer(self, text: object) -> bytes:
        raw = from_hex(text)
        if not raw:
            raise UndecodableError(
                f"expected a contract at {self.address_text}, found no code that answers"
            )
        return raw
