"""The worker: have every market judged, compare with the chain, write the next step, hear what became of it.

Level-triggered: each cycle compares the chain with what ought to be, so a write that was lost, or that
another instance made, needs no memory. One write of a market is on its way at a time, with the epoch
read just before. What the exchange refused is understood first: after a stale epoch the market is judged
again, after a guard rail it waits. Times are on the venue's clock unless they say monotonic.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from keepers.incentives.aftermath import Aftermath, written_parameter
from keepers.incentives.intents import KIND, Deed, intent_of
from keepers.incentives.outcome import IncentiveCycle, WriteResult
from keepers.incentives.parts import IncentiveParts
from keepers.incentives.standby import Standby
from keepers.market_writes import MarketWrites
from keepers.sender import Refusal
from risk.incentive_write import value_on_chain
from risk.units import Seconds
from runtime.journal import IntentRecord
from runtime.rpc.errors import RpcError
from runtime.supervise import cycle_until

PERIOD_SECONDS: Final = 0.25
"""Longest pause between cycles: what a wake missed, this finds."""

log = structlog.get_logger(__name__)


class IncentiveKeeper:
    """Bring every market's levers to where they ought to be."""

    name = "incentives"

    def __init__(self, parts: IncentiveParts) -> None:
        self._parts = parts
        self._writes: MarketWrites[Deed] = MarketWrites(
            KIND, retry_seconds=parts.limits.retry_seconds
        )
        self._standby = Standby(parts.limits.standby_seconds)
        self._wake = asyncio.Event()
        self._last_said: tuple[IncentiveCycle, str] | None = None
        self._aftermath = Aftermath(parts, self._writes, wake=self.wake)
        self.on_outcome = self._aftermath.on_outcome
        parts.sender.subscribe(self.on_outcome)
        earlier = parts.journal.in_flight(KIND)
        self._writes.recall(earlier, parts.clock.monotonic())
        for record in earlier:
            self._recall(record)

    def wake(self) -> None:
        """Ask for a cycle; called when an input moved."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Cycle until stop: at once when woken, else every quarter of a second."""
        await cycle_until(stop, self._wake, self.run_once, period_seconds=PERIOD_SECONDS)

    async def run_once(self) -> IncentiveCycle:
        """See, compare, write; give the one outcome of the cycle."""
        outcome, why = await self._cycle(self._parts.clock.monotonic())
        self._parts.metrics.cycles.labels(outcome.value).inc()
        self._parts.metrics.last_cycle.set(self._parts.clock.now())
        if outcome is IncentiveCycle.ACTED or (outcome, why) != self._last_said:
            log.info("incentive_cycle_finished", outcome=outcome.value, why=why)
        self._last_said = (outcome, why)
        return outcome

    async def _cycle(self, decided_at: float) -> tuple[IncentiveCycle, str]:
        view = self._parts.view
        if view.distrust is not None:
            return IncentiveCycle.DISTRUSTED, view.distrust
        why = await self._judge_all()
        if why is not None:
            return IncentiveCycle.DISTRUSTED, why
        todo = self._todo()
        self._parts.metrics.waiting.set(len(todo))
        ready = self._ready(todo)
        if not todo and not self._writes.busy():
            return IncentiveCycle.IDLE, "every lever is where it ought to be, or must wait"
        if not ready:
            return IncentiveCycle.WAITING, "what is to be written is on its way, or must wait"
        return await self._do(ready, decided_at)

    async def _judge_all(self) -> str | None:
        """Have every market judged, giving way in between; give why it had to end, if it had to."""
        view = self._parts.view
        for number in view.to_step():
            view.step(number)
            await asyncio.sleep(0)
            if view.distrust is not None:
                return view.distrust
        return None

    def _todo(self) -> list[Deed]:
        view, found = self._parts.view, []
        for number in view.watched():
            judged = view.judgement(number)
            if judged is not None and judged.write.change is not None:
                symbol, change = judged.market.symbol, judged.write.change
                found.append(Deed(market=number, symbol=symbol, change=change, judged=judged))
            else:
                self._standby.is_ours(number, None, view.now)
        return found

    def _ready(self, todo: Sequence[Deed]) -> list[Deed]:
        view, busy = self._parts.view, self._writes.busy()
        now, block = view.now, view.applied_block
        return [
            deed
            for deed in todo
            if self._standby.is_ours(deed.market, deed.change, now)
            and deed.symbol not in busy
            and self._writes.may_write(deed.market, now=now, applied_block=block)
            and self._still_stands(deed)
        ]

    def _still_stands(self, deed: Deed) -> bool:
        """Say whether the chain is as the write was judged on; else the next second judges again."""
        market = self._parts.view.markets.get(deed.market)
        return market is not None and value_on_chain(market, deed.parameter) == deed.change.before

    async def _do(self, ready: Sequence[Deed], decided_at: float) -> tuple[IncentiveCycle, str]:
        view = self._parts.view
        try:
            epochs = await self._parts.venue.tuner_epochs([deed.market for deed in ready])
        except RpcError as error:
            return IncentiveCycle.WAITING, f"the epochs could not be read: {error}"
        if view.distrust is not None:
            return IncentiveCycle.DISTRUSTED, view.distrust
        sent, refusals = 0, []
        for deed in ready:
            if not self._still_stands(deed):
                continue
            refusal = await self._send(deed, epochs[deed.market], decided_at)
            if refusal is None:
                sent += 1
                continue
            refusals.append(refusal.value)
            if refusal is not Refusal.DUPLICATE:
                break
        if sent:
            return IncentiveCycle.ACTED, f"sent {sent} of {len(ready)} writes"
        if refusals:
            return IncentiveCycle.REFUSED, "; ".join(sorted(set(refusals)))
        return IncentiveCycle.WAITING, "what was to be written has changed meanwhile"

    async def _send(self, deed: Deed, epoch: int, decided_at: float) -> Refusal | None:
        parts, view, change = self._parts, self._parts.view, deed.change
        now = view.now
        expires_at = Seconds(now + parts.limits.expiry_seconds)
        intent = intent_of(
            deed, epoch=epoch, block=view.applied_block, now=now, expires_at=expires_at
        )
        call = parts.venue.parameter_call(
            deed.market, change.parameter, change.value, epoch=epoch, gas=parts.limits.gas
        )
        self._writes.begin(intent.key, deed, decided_at)
        view.sent(deed.symbol, change.parameter, change.value)
        ticket = await parts.sender.submit(
            [intent], call, expires_at=expires_at, decided_at=decided_at
        )
        if ticket.refusal is not None:
            self._writes.drop(intent.key)
            view.settled(deed.symbol)
            return ticket.refusal
        self._aftermath.count(change.parameter, WriteResult.SENT)
        log.info(
            "incentive_writes",
            market=deed.symbol,
            parameter=change.parameter.name.lower(),
            value=change.value,
            inverse=change.before,
            session=deed.judged.session.value,
            why=deed.sentence,
        )
        return None

    def _recall(self, record: IntentRecord) -> None:
        """Let the budget know what an earlier life may have set."""
        value = record.payload.get("value")
        if isinstance(value, int):
            self._parts.view.sent(record.market, written_parameter(record.key), value)
