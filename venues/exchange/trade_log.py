"""Settled trades of sealed blocks, with their place on the chain: what a budget is counted from.

The feed tells trades too, but without their place, and not those from before it began. Here they
are read by range of blocks with the reader that audits the feed, narrowed to the one event, so that a week
of a busy exchange is a week of trades and not of prices.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from risk.incentive_budget import SettledTrade
from risk.units import MarketId, PriceE8, QuoteAtoms, Seconds, SizeE8, div_floor
from runtime.errors import TransientError
from runtime.rpc.errors import RpcError
from venues.exchange.abi import Abi
from venues.exchange.chain import (
    ChainReader,
    ContractReader,
    Head,
    block_number,
    block_time,
    head_of,
    quantity,
    read_head,
    read_sealed_head,
)
from venues.exchange.ledger import FeedInterruptedError
from venues.exchange.log_reader import LogReader, LogSettings
from venues.exchange.receipts import event_slicer, raw_log
from venues.exchange.slicers import Slicer, UndecodableError
from venues.port import BlockRef

TRADE_SETTLED: Final = "TradeSettled"
HEADERS_PER_REQUEST: Final = 100


class TradeLog:
    """Read the settled trades of one exchange."""

    def __init__(
        self, reader: ChainReader, *, address: bytes, abi: Abi, settings: LogSettings | None = None
    ) -> None:
        self._reader = reader
        self._slice, topic = event_slicer(
            abi, TRADE_SETTLED, ["market", "size", "price", "maker_fee"]
        )
        narrowed = _OneEvent(reader, topic)
        self._logs = LogReader(ContractReader(narrowed, address), settings)

    async def head(self) -> BlockRef:
        """Read the newest sealed block; raises RpcError or TransientError."""
        return (await read_sealed_head(self._reader)).ref

    async def trades(self, first: int, last: BlockRef) -> list[SettledTrade]:
        """Read the trades of blocks `first` to `last`, both included, in the order of the chain.

        Raises RpcError or TransientError while no endpoint can answer or one holds another block
        `last`, UndecodableError for a log that is not as the ABI says.
        """
        try:
            logs = await self._logs.read(first, Head(ref=last, parent=None))
        except FeedInterruptedError as error:
            raise TransientError(str(error)) from error
        times = await self._times(logs)
        trades = [logged_trade(self._slice, log, times) for log in logs]
        return sorted(trades, key=lambda trade: (trade.block, trade.log_index))

    async def first_block_from(self, time: Seconds, last: BlockRef) -> int:
        """Find the first block whose time is `time` or later; the one after `last` if there is none.

        Raises RpcError or TransientError while no endpoint can answer.
        """
        low, high = 0, last.number + 1
        while low < high:
            middle = div_floor(low + high, 2)
            head = await read_head(self._reader, middle)
            if head is None:
                raise TransientError(f"expected block {middle} at this endpoint, found none")
            if head.ref.timestamp < time:
                low = middle + 1
            else:
                high = middle
        return low

    async def _times(self, logs: Sequence[Mapping[str, Any]]) -> dict[int, Seconds]:
        """Give the time of each block: its logs tell it, or else its header is read."""
        times: dict[int, Seconds] = {}
        for log in logs:
            if log.get("blockTimestamp") is not None:
                times[block_number(log.get("blockNumber"))] = block_time(log["blockTimestamp"])
        missing = sorted({block_number(log.get("blockNumber")) for log in logs} - times.keys())
        for start in range(0, len(missing), HEADERS_PER_REQUEST):
            part = missing[start : start + HEADERS_PER_REQUEST]
            headers = await self._reader.batch(
                [("eth_getBlockByNumber", [hex(number), False]) for number in part]
            )
            for number, header in zip(part, headers, strict=True):
                if isinstance(header, RpcError):
                    raise header
                if header is None:
                    raise TransientError(f"expected block {number} at this endpoint, found none")
                times[number] = head_of(header).ref.timestamp
        return times


def logged_trade(cut: Slicer, log: Mapping[str, Any], times: Mapping[int, Seconds]) -> SettledTrade:
    """Read a trade from its log and the times of blocks; raises UndecodableError."""
    market, size, price, maker_fee = cut(raw_log(log))
    block = block_number(log.get("blockNumber"))
    if block not in times:
        raise UndecodableError(f"expected a log of a block whose time is known, found {block}")
    return SettledTrade(
        block=block,
        log_index=quantity(log.get("logIndex")),
        time=times[block],
        market=MarketId(market),
        size=SizeE8(size),
        price=PriceE8(price),
        maker_fee=QuoteAtoms(maker_fee),
    )


class _OneEvent:
    """`ChainReader` that asks for logs of one event only."""

    def __init__(self, reader: ChainReader, topic: str) -> None:
        self._reader, self._topic = reader, topic

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - JSON
        """Call as asked."""
        return await self._reader.call(method, params)

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Call several as asked, but for the logs."""
        narrowed = [
            (
                method,
                [{**params[0], "topics": [self._topic]}] if method == "eth_getLogs" else params,
            )
            for method, params in calls
        ]
        return await self._reader.batch(narrowed)
