"""The worker: have every action judged at a sealed block, write what it asks for, hear what became of it.

Market, epoch and what was sent are read together at one block, so that a write that has just landed is
never half seen. The desk's state is durable before `step` returns, and so before anything is sent; that a
write is made once is the exchange's own epoch's word. One write of a market is on its way at a time. Before
a write that carries an epoch it is simulated: what the exchange would refuse is told to a person.
Times are on the venue's clock unless they say monotonic.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from keepers.corporate.ahead import refusal_ahead
from keepers.corporate.intents import KIND, Deed, deed_of, intent_of, what_in
from keepers.corporate.outcome import CorporateCycle, What, WriteResult
from keepers.corporate.view import CorporateOutcome, CorporateParts
from keepers.market_writes import MarketWrites, Sent, Standby
from keepers.receipts import readable
from keepers.sender import Outcome, Refusal, Result
from monitors.corporate.desk import ChainView
from monitors.corporate.sums import Survey, survey
from risk.corporate_state import ActionDecision, ActionState, Stage
from risk.corporate_writes import Write
from risk.market import Market
from risk.units import MarketId, Seconds
from runtime.journal import SEPARATOR
from runtime.rpc.errors import RpcError
from runtime.supervise import cycle_until

PERIOD_SECONDS: Final = 0.25
"""Longest pause between cycles: what a wake missed, this finds."""

log = structlog.get_logger(__name__)


class CorporateKeeper:
    """Make what corporate actions ask for, each write once."""

    name = "corporate"

    def __init__(self, parts: CorporateParts) -> None:
        self._parts = parts
        self._writes: MarketWrites[Deed] = MarketWrites(
            KIND, retry_seconds=parts.limits.retry_seconds
        )
        self._standby: Standby[tuple[MarketId, Write]] = Standby(parts.limits.standby_seconds)
        self._refusals: dict[MarketId, str] = {}
        """Why the exchange would refuse what was wanted last."""
        self._wake = asyncio.Event()
        self._last_said: tuple[CorporateCycle, str] | None = None
        parts.sender.subscribe(self.on_outcome)
        self._writes.recall(parts.journal.in_flight(KIND), parts.clock.monotonic())

    def wake(self) -> None:
        """Ask for a cycle; called when an input moved."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Cycle until stop: at once when woken, else every quarter of a second."""
        await cycle_until(stop, self._wake, self.run_once, period_seconds=PERIOD_SECONDS)

    async def run_once(self) -> CorporateCycle:
        """Judge and write; give the one outcome of the cycle."""
        outcome, why = await self._cycle()
        self._parts.metrics.cycles.labels(outcome.value).inc()
        self._parts.metrics.last_cycle.set(self._parts.clock.now())
        if outcome is CorporateCycle.ACTED or (outcome, why) != self._last_said:
            log.info("corporate_cycle_finished", outcome=outcome.value, why=why)
        self._last_said = (outcome, why)
        return outcome

    async def _cycle(self) -> tuple[CorporateCycle, str]:
        parts, wanted = self._parts, list[Deed]()
        block = parts.view.sealed_block
        for market in parts.desk.to_step():
            if parts.view.distrust is not None:
                return CorporateCycle.DISTRUSTED, parts.view.distrust
            try:
                decision = await self._judge(market, block)
            except RpcError as error:
                return CorporateCycle.WAITING, f"{market.symbol} could not be read: {error}"
            if decision is not None and decision.write is not None:
                wanted.append(
                    deed_of(market, decision, decision.write, parts.desk.active(market.symbol))
                )
        if not wanted:
            return CorporateCycle.IDLE, "no corporate action has anything to write"
        ripe = self._standby.ripe([(deed.market, deed.write) for deed in wanted], parts.view.now)
        ready = [
            deed
            for deed in wanted
            if (deed.market, deed.write) in ripe and self._may_write(deed, block)
        ]
        if not ready:
            # The next block that is seen may be enough: no need to wait for the next second.
            parts.desk.again()
            return CorporateCycle.WAITING, "what is to be written is on its way, or must wait"
        return await self._do(ready, block)

    async def _judge(self, market: Market, block: int) -> ActionDecision | None:
        """Read what the machine wants to know of a market, and have it step."""
        parts, symbol = self._parts, market.symbol
        chain, sums = None, None
        active = parts.desk.active(symbol)
        if active is not None:
            seen, epoch = await parts.venue.corporate_state(market.id, block=block)
            sums = await self._survey(seen)
            chain = ChainView(
                market=seen,
                epoch=epoch,
                insurance_fund=parts.view.insurance_fund,
                is_write_in_flight=symbol in self._writes.busy()
                or not self._writes.may_write(
                    market.id, now=parts.view.now, applied_block=block, is_urgent=True
                ),
                refusal=await self._refusal(seen, active, block),
            )
        return parts.desk.step(market, chain, sums)

    async def _refusal(self, market: Market, active: ActionState, block: int) -> str | None:
        """Say what is known of a refusal: of the owner's limits beforehand, of a simulation until retried."""
        if active.stage is Stage.ARMED and active.action is not None:
            limits = await self._parts.venue.all_limits(market.id)
            return refusal_ahead(active.action, market, limits)
        now = self._parts.view.now
        if self._writes.may_write(market.id, now=now, applied_block=block):
            self._refusals.pop(market.id, None)
        return self._refusals.get(market.id)

    async def _survey(self, market: Market) -> Survey | None:
        wanted, view = self._parts.desk.sums_wanted(market.symbol), self._parts.view
        if wanted is None and not market.is_settled:
            return None
        return await survey(
            view.watch.book,
            market,
            price=market.mark if wanted is None else wanted.price,
            now=view.now,
            backstop=view.backstop_account,
            ratio=None if wanted is None else wanted.ratio,
        )

    def _may_write(self, deed: Deed, block: int) -> bool:
        now = self._parts.view.now
        return deed.symbol not in self._writes.busy() and self._writes.may_write(
            deed.market, now=now, applied_block=block
        )

    async def _do(self, ready: list[Deed], block: int) -> tuple[CorporateCycle, str]:
        sent, refusals = 0, list[str]()
        for deed in ready:
            why = await self._why_not(deed, block)
            if why is not None:
                # Told to the machine, which calls a person, and asked again after a while.
                self._refusals[deed.market] = why
                self._writes.refused(deed.market, self._parts.view.now)
                refusals.append(why)
                continue
            refusal = await self._send(deed)
            if refusal is None:
                sent += 1
            else:
                refusals.append(refusal.value)
        if sent:
            return CorporateCycle.ACTED, f"sent {sent} of {len(ready)} writes"
        return CorporateCycle.REFUSED, "; ".join(sorted(set(refusals)))

    async def _why_not(self, deed: Deed, block: int) -> str | None:
        """Simulate a write that the exchange takes once; give the reason of a refusal."""
        parts = self._parts
        if parts.address is None or not deed.what.carries_epoch:
            return None
        call = parts.venue.corporate_call(deed.market, deed.write, gas=parts.limits.gas)
        try:
            return await parts.venue.refusal(call, sender=parts.address, block=block)
        except RpcError as error:
            return f"it could not be simulated: {error}"

    async def _send(self, deed: Deed) -> Refusal | None:
        parts, decided_at = self._parts, self._parts.clock.monotonic()
        expires_at = Seconds(parts.view.now + parts.limits.expiry_seconds)
        intent = intent_of(
            deed, now=parts.view.now, block=parts.view.sealed_block, expires_at=expires_at
        )
        call = parts.venue.corporate_call(deed.market, deed.write, gas=parts.limits.gas)
        self._writes.begin(intent.key, deed, decided_at)
        ticket = await parts.sender.submit(
            [intent], call, expires_at=expires_at, decided_at=decided_at
        )
        if ticket.refusal is not None:
            self._writes.drop(intent.key)
            return ticket.refusal
        self._count(deed.what, WriteResult.SENT)
        log.warning(
            "corporate_writes",
            market=deed.symbol,
            action=deed.action,
            write=deed.sentence,
            why=deed.why,
            inverse=deed.inverse,
        )
        return None

    # --- what became of it -----------------------------------------------------------------------

    def on_outcome(self, outcome: Outcome) -> None:
        """Learn what became of a write of ours, an earlier life's too."""
        if outcome.result is Result.FINAL:
            # Mined before this life listened: the chain tells what came of it.
            self._parts.journal.settle_all(
                [(key, WriteResult.DONE.value, None) for key in self._writes.ended(outcome)]
            )
        if outcome.result in {Result.FINAL, Result.TAKEN_BACK}:
            return
        told = self._writes.settled(outcome)
        if not told:
            return
        settled: list[CorporateOutcome] = []
        for key, sent in told:
            if outcome.result is Result.MINED and outcome.receipt is not None:
                settled.append(self._mined(key, sent, outcome.receipt))
            elif outcome.result is Result.WOULD_HAVE_SENT:
                # A dry run's write never shows on chain: say it again only after a while.
                self._wait(sent)
                self._count(what_in(key), WriteResult.WOULD_HAVE_SENT)
            else:
                settled.append(self._not_written(key, sent, outcome))
        self._parts.journal.settle_all(settled)
        self._parts.desk.again()
        self.wake()

    def _mined(
        self, key: str, sent: Sent[Deed] | None, receipt: Mapping[str, object]
    ) -> CorporateOutcome:
        parts, symbol = self._parts, key.split(SEPARATOR)[1]
        if sent is not None:
            parts.metrics.reaction.observe(parts.clock.monotonic() - sent.decided_at)
        self._count(what_in(key), WriteResult.DONE)
        block = int(str(receipt["blockNumber"]), 16)
        for market in parts.view.markets.values():
            if market.symbol == symbol:
                self._writes.mined(market.id, block)
        changes = readable(parts.venue.corporate_changes, receipt)
        events = [{"event": each.event, "epoch": each.epoch} for each in changes]
        return key, WriteResult.DONE.value, {"block": block, "events": events}

    def _not_written(self, key: str, sent: Sent[Deed] | None, outcome: Outcome) -> CorporateOutcome:
        is_reverted = outcome.result is Result.REVERTED
        result = WriteResult.REFUSED if is_reverted else WriteResult.NOT_MINED
        self._wait(sent)
        self._count(what_in(key), result)
        log.warning(
            "corporate_write_refused", intent=key, result=result.value, reason=outcome.reason
        )
        return key, result.value, {"reason": outcome.reason}

    def _wait(self, sent: Sent[Deed] | None) -> None:
        if sent is not None and sent.deed is not None:
            self._writes.refused(sent.deed.market, self._parts.view.now)

    def _count(self, what: What, result: WriteResult) -> None:
        self._parts.metrics.writes.labels(what.value, result.value).inc()
