"""Re-read samples of the state from the chain and compare them with what is held.

Equal is compared with equal. A re-read account is as of the audited block, so it is compared only
if no later log touched it; a market is compared as it was when that block had just been audited.
What differs is looked at twice: nodes that are busy with the next block may answer from it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from risk.market import Market
from risk.units import AccountId, MarketId
from venues.exchange.abi import Abi
from venues.exchange.chain import ContractReader
from venues.exchange.encoding import encode_call
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.metrics import Audited, FeedMetrics, ResyncReason
from venues.exchange.page_codec import select_accounts
from venues.exchange.pages import MOST_ROWS, PageReader
from venues.exchange.snapshot import MARKETS_PER_PAGE
from venues.exchange.stream import Stream
from venues.exchange.views import ViewDecoder
from venues.port import BlockRef, FeedSink

_LOOKS: Final = 2
_SECOND_LOOK_SECONDS: Final = 0.1


class StateAuditor:
    """Audit markets and accounts of one exchange."""

    def __init__(
        self, contract: ContractReader, abi: Abi, pages: PageReader, *, metrics: FeedMetrics
    ) -> None:
        self._contract = contract
        self._views = ViewDecoder(abi)
        self._markets_page = abi.function("markets_page")
        self._pages = pages
        self._metrics = metrics
        self._next_market = 0

    async def audit(
        self, at: BlockRef, count: int, stream: Stream, ledger: Ledger, sink: FeedSink
    ) -> None:
        """Re-read a page of markets and `count` accounts as of the audited block.

        Raises FeedInterruptedError when one of them differs from what is held.
        """
        held = ledger.untouched_markets()
        await self._audit_markets(at, held)
        stream.raise_failure()
        wanted = list(sink.accounts_for_audit(count))
        for start in range(0, len(wanted), MOST_ROWS):
            await self._audit_accounts(at, wanted[start : start + MOST_ROWS], stream, ledger, sink)

    async def _audit_markets(self, at: BlockRef, held: Mapping[MarketId, Market]) -> None:
        start = self._next_market if self._next_market in held else 0
        data = encode_call(self._markets_page, [start, MARKETS_PER_PAGE])
        differing: list[Market] = []
        for look in range(_LOOKS):
            found = self._views.markets(MarketId(start), await self._contract.view(data, at.number))
            differing = [item for item in found if item != held.get(item.id, item)]
            if look == 0:
                self._next_market = start + len(found)
                compared = sum(item.id in held for item in found)
                self._metrics.reread.labels(Audited.MARKET).inc(compared)
            if not differing:
                return
            await asyncio.sleep(_SECOND_LOOK_SECONDS)
        self._report(Audited.MARKET, len(differing), at)

    async def _audit_accounts(
        self,
        at: BlockRef,
        wanted: Sequence[AccountId],
        stream: Stream,
        ledger: Ledger,
        sink: FeedSink,
    ) -> None:
        differing = 0
        for look in range(_LOOKS):
            columns = await self._pages.rows(at.number, list(wanted))
            stream.raise_failure()
            # Looked up after the read: logs went on to be applied while it was under way.
            keep = [ledger.is_untouched(account) for account in columns.ids]
            if look == 0:
                self._metrics.reread.labels(Audited.ACCOUNT).inc(sum(keep))
            differing = sink.audit(at, select_accounts(columns, keep))
            if not differing:
                return
            await asyncio.sleep(_SECOND_LOOK_SECONDS)
        self._report(Audited.ACCOUNT, differing, at)

    def _report(self, what: Audited, differing: int, at: BlockRef) -> None:
        self._metrics.divergences.labels(what).inc(differing)
        raise FeedInterruptedError(
            ResyncReason.DIVERGENCE,
            f"{differing} {what}s differ from the chain at block {at.number}",
        )
