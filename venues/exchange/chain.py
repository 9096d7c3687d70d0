"""What the exchange's readers need of a chain, and how they speak to it.

`ChainReader` and `Subscriber` are what `runtime.rpc` offers, cut down to what is used here. Blocks
are named by number: a number is a sealed block, `latest` may be in the making and is never used
for state. A block's hash may be null while it is not sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from risk.units import Seconds
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from runtime.rpc.subscription import OnMessage, Subscription
from venues.exchange.page_codec import from_hex
from venues.exchange.slicers import UndecodableError
from venues.port import BlockRef


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
    if not isinstance(value, str) or not value.startswith("0x"):
        raise UndecodableError(f"expected a hex quantity, found {value!r:.80}")
    try:
        return int(value, 16)
    except ValueError as error:
        raise UndecodableError(f"expected a hex quantity, found {value!r:.80}") from error


def head_of(header: Mapping[str, Any]) -> Head:
    """Read a block header, of eth_getBlockByNumber or of newHeads; raises UndecodableError."""
    block_hash = header.get("hash")
    parent = header.get("parentHash")
    return Head(
        ref=BlockRef(
            number=quantity(header.get("number")),
            timestamp=Seconds(quantity(header.get("timestamp"))),
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
