"""Compare what is held with what the chain says: logs of every sealed block, samples of state.

Equal is compared with equal. The logs of a range are compared with those applied in that range.
A re-read account is as of the audited block, so it is compared only if no later log touched it;
a market is compared as it was when that block had just been audited.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from risk.market import Market
from risk.units import MarketId
from venues.exchange.abi import Abi
from venues.exchange.chain import ContractReader, Head, read_head
from venues.exchange.encoding import encode_call
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.log_reader import LogReader, LogSettings
from venues.exchange.metrics import Audited, FeedMetrics, ResyncReason
from venues.exchange.page_codec import select_accounts
from venues.exchange.pages import MOST_ROWS, PageReader
from venues.exchange.snapshot import MARKETS_PER_PAGE
from venues.exchange.stream import Stream
from venues.exchange.views import ViewDecoder
from venues.port import BlockRef, FeedSink

_SECOND_LOOK_SECONDS: Final = 0.1


class Auditor:
    """Audit one epoch, from its snapshot's block on."""

    def __init__(
        self,
        contract: ContractReader,
        abi: Abi,
        pages: PageReader,
        *,
        settings: LogSettings,
        metrics: FeedMetrics,
    ) -> None:
        self._contract = contract
        self._views = ViewDecoder(abi)
        self._markets_page = abi.function("markets_page")
        self._pages = pages
        self._logs = LogReader(contract, settings)
        self._metrics = metrics
        self._next_market = 0

    async def audit_logs(
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
            # A server that lags behind the one that streams looks the same as a rewrite.
            await asyncio.sleep(_SECOND_LOOK_SECONDS)
            logs = await self._logs.read(since.number + 1, head)
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

    async def audit_state(self, at: BlockRef, count: int, ledger: Ledger, sink: FeedSink) -> None:
        """Re-read some accounts and markets as of the audited block; raises when any differs."""
        held = ledger.untouched_markets()
        await self._audit_markets(at, held)
        wanted = list(sink.accounts_for_audit(count))
        for start in range(0, len(wanted), MOST_ROWS):
            columns = await self._pages.rows(at.number, wanted[start : start + MOST_ROWS])
            # Looked up after the read: logs went on to be applied while it was under way.
            keep = [ledger.is_untouched(account) for account in columns.ids]
            self._metrics.reread.labels(Audited.ACCOUNT).inc(sum(keep))
            differing = sink.audit(at, select_accounts(columns, keep))
            self._report(Audited.ACCOUNT, differing, at)

    async def _audit_markets(self, at: BlockRef, held: Mapping[MarketId, Market]) -> None:
        start = self._next_market if self._next_market in held else 0
        data = encode_call(self._markets_page, [start, MARKETS_PER_PAGE])
        raw = await self._contract.view(data, at.number)
        found = self._views.markets(MarketId(start), raw)
        self._next_market = start + len(found)
        compared = [market for market in found if market.id in held]
        self._metrics.reread.labels(Audited.MARKET).inc(len(compared))
        self._report(Audited.MARKET, sum(market != held[market.id] for market in compared), at)

    def _report(self, what: Audited, differing: int, at: BlockRef) -> None:
        if differing:
            self._metrics.divergences.labels(what).inc(differing)
            raise FeedInterruptedError(
                ResyncReason.DIVERGENCE,
                f"{differing} {what}s differ from the chain at block {at.number}",
            )
