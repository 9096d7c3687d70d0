"""Read all logs of a range of sealed blocks, believing no answer that may be cut short.

Endpoints cut in silence: one that lacks a block answers with no logs, one with a limit stops at a
round number. So each query is asked together with the header of its last block, and a query that
comes back suspiciously full is asked again in halves. The window doubles while all goes well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.errors import TransientError
from runtime.rpc.errors import RpcError, RpcTransient
from venues.exchange.chain import ContractReader, Head, block_number, head_of, log_entries
from venues.exchange.ledger import FeedInterruptedError
from venues.exchange.metrics import ResyncReason
from venues.exchange.page_codec import from_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How to ask for logs; windows in blocks."""

    first_window: int = 1_000
    most_window: int = 10_000
    suspicious_logs: int = 10_000
    """As many logs in one answer, or more, may be an endpoint's silent limit."""


class LogReader:
    """Read logs of one contract over HTTP."""

    def __init__(self, contract: ContractReader, settings: LogSettings | None = None) -> None:
        self._contract = contract
        self._settings = settings or LogSettings()
        self._window = self._settings.first_window

    async def read(self, first: int, last: Head) -> list[Mapping[str, Any]]:
        """Read the logs of blocks `first` to `last`, both included, in no promised order.

        Raises TransientError while the endpoint lacks the last block or refuses to answer,
        FeedInterruptedError when it holds another block there, and UndecodableError for an answer that
        is none.
        """
        logs: list[Mapping[str, Any]] = []
        while first <= last.number:
            to = min(last.number, first + self._window - 1)
            part = await self._query(first, to, last)
            if part is None:
                self._window = max(1, (to - first + 1) // 2)
                continue
            logs += part
            first = to + 1
            self._window = min(self._settings.most_window, self._window * 2)
        return logs

    async def _query(self, first: int, to: int, last: Head) -> Sequence[Mapping[str, Any]] | None:
        """Ask once; None when the window must be smaller."""
        wanted = {
            "address": self._contract.address_text,
            "fromBlock": hex(first),
            "toBlock": hex(to),
        }
        header, logs = await self._contract.reader.batch(
            [("eth_getBlockByNumber", [hex(to), False]), ("eth_getLogs", [wanted])]
        )
        for answer in (header, logs):
            if isinstance(answer, RpcTransient):
                raise answer
            if isinstance(answer, RpcError):
                if to == first:
                    raise TransientError(f"expected the logs of one block: {answer}") from answer
                return None
        if header is None:
            raise TransientError(f"expected block {to} at this endpoint, found none yet")
        logs = log_entries(logs)
        if len(logs) >= self._settings.suspicious_logs and to > first:
            return None
        _check(first, to, head_of(header), last, logs)
        return logs


def _check(first: int, to: int, head: Head, last: Head, logs: Sequence[Mapping[str, Any]]) -> None:
    hashes = {last.ref.hash, head.ref.hash} - {None}
    if to == last.number and len(hashes) > 1:
        raise FeedInterruptedError(ResyncReason.REORG, f"block {to} has another hash than before")
    for log in logs:
        number = block_number(log.get("blockNumber"))
        if not first <= number <= to:
            raise TransientError(f"expected logs of blocks {first} to {to}, found one of {number}")
        block_hash = log.get("blockHash")
        if number != to or block_hash is None or head.ref.hash is None:
            continue
        if from_hex(block_hash) != head.ref.hash:
            raise FeedInterruptedError(
                ResyncReason.REORG, f"a log of block {to} names another block"
            )
