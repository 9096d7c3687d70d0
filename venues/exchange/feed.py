"""The exchange's gap-free feed: epochs, one after the other, each from a fresh snapshot.

Whatever cannot be explained ends an epoch (`epoch.py` says how one goes): the sink is told to act
on nothing, and the next epoch starts. Without a WebSocket the audits bring all logs by themselves,
at the period of the polls, with the same guarantees. Bugs and operator's errors are raised.
"""

import asyncio
import contextlib
from random import Random
from typing import Final

import structlog

from runtime.clock import Clock
from runtime.errors import OperatorError, TransientError
from runtime.rpc.errors import RpcError
from runtime.rpc.high_water import BlockHighWater
from runtime.supervise import sleep_unless
from venues.exchange.abi import Abi
from venues.exchange.chain import ChainReader, ContractReader, Subscriber
from venues.exchange.epoch import Epoch, EpochParts
from venues.exchange.epoch import FeedSettings as FeedSettings  # noqa: PLC0414 - re-exported
from venues.exchange.heads import HeadRing
from venues.exchange.ledger import FeedInterruptedError, Ledger
from venues.exchange.log_auditor import LogAuditor
from venues.exchange.metrics import FeedMetrics, ResyncReason
from venues.exchange.pages import PageReader
from venues.exchange.slicers import UndecodableError
from venues.exchange.snapshot import SnapshotReader
from venues.exchange.state_auditor import StateAuditor
from venues.port import FeedSink

_STEADY_SECONDS: Final = 2.0
"""An epoch that lived this long earns a quick restart: while we wait, nobody is liquidated."""
_HEALABLE: Final = (FeedInterruptedError, TransientError, RpcError, UndecodableError)

log: structlog.stdlib.BoundLogger = structlog.get_logger("exchange.feed")


class ExchangeFeed:
    """Follow one exchange; implements `venues.port.Feed`."""

    def __init__(  # noqa: PLR0913 - one name for each collaborator
        self,
        reader: ChainReader,
        subscriber: Subscriber | None,
        *,
        address: bytes,
        abi: Abi,
        metrics: FeedMetrics,
        clock: Clock,
        random: Random,
        high_water: BlockHighWater | None = None,
        settings: FeedSettings | None = None,
    ) -> None:
        settings = settings or FeedSettings()
        contract = ContractReader(reader, address, settings.gas)
        pages = PageReader(contract, abi, metrics=metrics, settings=settings.pages)
        self._parts = EpochParts(
            contract=contract,
            subscriber=subscriber,
            snapshots=SnapshotReader(contract, abi, pages),
            log_auditor=LogAuditor(contract, settings.logs),
            state_auditor=StateAuditor(contract, abi, pages, metrics=metrics),
            ledger=Ledger(abi, address, metrics=metrics, has_stream=subscriber is not None),
            heads=HeadRing(),
            high_water=high_water or BlockHighWater(),
            clock=clock,
            metrics=metrics,
            settings=settings,
        )
        self._clock = clock
        self._random = random
        self._backoff = settings.backoff
        self._at_least = 0

    async def run(self, sink: FeedSink, stop: asyncio.Event) -> None:
        """Follow until `stop`; raises OperatorError when there is no exchange at the address."""
        reason = ResyncReason.START
        delays = self._backoff.delays(self._random)
        while not stop.is_set():
            self._parts.metrics.resyncs.labels(reason).inc()
            started = self._clock.monotonic()
            error = await self._epoch(sink, stop)
            self._parts.metrics.is_following.set(0)
            if error is None:
                return
            sink.on_interrupted(str(error))
            reason = self._prepare_next(error)
            if self._clock.monotonic() - started > _STEADY_SECONDS:
                delays = self._backoff.delays(self._random)
            delay = next(delays, self._backoff.most_seconds)
            log.warning("feed_interrupted", reason=reason, error=str(error), retry_in_seconds=delay)
            await sleep_unless(stop, delay)

    def _prepare_next(self, error: Exception) -> ResyncReason:
        """Name the reason, and see to it that the next snapshot is past what led here."""
        if not isinstance(error, FeedInterruptedError):
            return ResyncReason.UNREADABLE
        self._at_least = max(self._at_least, error.at_least)
        if error.reason is ResyncReason.REORG:
            # The chain itself went back: its head may now be lower than what we have seen.
            self._at_least = 0
            self._parts.high_water.reset(0)
            self._parts.heads.clear()
        return error.reason

    async def _epoch(self, sink: FeedSink, stop: asyncio.Event) -> Exception | None:
        """Run one epoch; give what ended it, None for `stop`. All other errors are raised."""
        epoch = asyncio.create_task(self._checked_epoch(sink), name="exchange-feed-epoch")
        stopped = asyncio.create_task(stop.wait(), name="exchange-feed-stop")
        try:
            await asyncio.wait({epoch, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if epoch.done():
                await epoch
        except _HEALABLE as error:
            return error
        else:
            return None
        finally:
            for task in (epoch, stopped):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, *_HEALABLE):
                    await task

    async def _checked_epoch(self, sink: FeedSink) -> None:
        contract = self._parts.contract
        code = await contract.reader.call("eth_getCode", [contract.address_text, "latest"])
        if code in {"0x", None}:
            raise OperatorError(
                f"expected the exchange at {contract.address_text}, found no code there:"
                " correct the address or the endpoint"
            )
        await Epoch(self._parts, sink, at_least=self._at_least).run()
