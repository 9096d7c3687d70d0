"""Compare the logs that were applied with those that the chain holds, for every sealed block.

Missing logs are applied on the way. A log that was applied but is not there gets a second look,
because a server that lags behind the one that streams looks the same as a rewritten history.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from venues.exchange.chain import ContractReader, Head, read_head
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.log_reader import LogReader, LogSettings
from venues.exchange.metrics import ResyncReason
from venues.exchange.stream import Stream
from venues.port import BlockRef, FeedSink

_SECOND_LOOK_SECONDS: Final = 0.1


class LogAuditor:
    """Audit the logs of one exchange."""

    def __init__(self, contract: ContractReader, settings: LogSettings) -> None:
        self._contract = contract
        self._logs = LogReader(contract, settings)

    async def audit(
        self, head: Head, since: BlockRef, stream: Stream, ledger: Ledger, sink: FeedSink
    ) -> None:
        """Audit all blocks after `since` up to `head`; missing logs are applied on the way.

        Raises FeedInterruptedError when the chain holds another history than was applied, and
        TransientError while an endpoint cannot answer.
        """
        logs = await self._logs.read(since.number + 1, head)
        if not stream.heads.links(since.number, head.number):
            await self._require_same_history(since)
        if ledger.phantoms(head.number, logs):
            await asyncio.sleep(_SECOND_LOOK_SECONDS)
            logs = await self._logs.read(since.number + 1, head)
        stream.raise_failure()
        self._reconcile(head, logs, ledger, sink)

    def _reconcile(
        self, head: Head, logs: Sequence[Mapping[str, Any]], ledger: Ledger, sink: FeedSink
    ) -> None:
        # No await from here on: what is reconciled is what the sink holds.
        changes = ledger.reconcile(head.number, logs)
        ledger.advance_clock(head.ref.timestamp)
        if changes:
            sink.on_changes(changes, now=ledger.now)
        sink.on_sealed(head.ref)

    async def _require_same_history(self, since: BlockRef) -> None:
        again = await read_head(self._contract.reader, since.number)
        if again is None or None in {since.hash, again.ref.hash}:
            return
        if again.ref.hash != since.hash:
            raise FeedInterruptedError(
                ResyncReason.REORG, f"block {since.number} was audited with another hash"
            )
