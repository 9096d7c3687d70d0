"""The worker: see what markets ought to be, compare with the chain, write, hear what became of it.

Level-triggered: each cycle compares the chain with what ought to be, so a write that was lost, or that
another instance made, needs no memory. One write of a market is on its way at a time. What the exchange
refused waits a while before it is tried again: a guard rail is not moved by repetition.
Times are on the venue's clock unless they say monotonic.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from keepers.breaker.deeds import Deed, DeedRules, Key, Rails, What, deeds
from keepers.breaker.metrics import BreakerMetrics
from keepers.breaker.outcome import BreakerCycle
from keepers.breaker.view import BreakerView, ControlFacts, ControlJournal, ControlOutcome
from keepers.market_writes import MarketWrites, SeenSince, Sent, Standby
from keepers.receipts import readable
from keepers.sender import Outcome, Refusal, Result, Sender
from risk.guard_rails import Parameter
from risk.units import MarketId, MarketStatus, Ppm, Seconds
from runtime.clock import Clock
from runtime.journal import SEPARATOR, Intent
from runtime.rpc.errors import RpcError
from runtime.supervise import cycle_until
from venues.port import Call, ControlVenue

KIND: Final = "control"
DONE: Final = "done"
NOT_MINED: Final = "not_mined"
SEEN_ELSEWHERE: Final = "not_seen"
"""Mined, and the receipt holds no such change."""
OUT_OF_ORDER: Final = frozenset(
    {Refusal.LANE_HALTED, Refusal.NOT_READY, Refusal.SIGNER_UNAVAILABLE}
)
"""Refusals that a lane gives again and again, until somebody mends it."""
PERIOD_SECONDS: Final = 0.25
"""Longest pause between cycles: what a wake missed, this finds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLimits:
    """What the operator sets for this keeper."""

    band_tolerance: Ppm
    gas: int
    expiry_seconds: int
    retry_seconds: int
    """Pause of a market after the exchange refused a write."""
    standby_seconds: int = 0
    """How long a write must have been wanted: another instance is to make it first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerParts:
    """Who the keeper works with; a sender is None where the profile has no such key."""

    view: BreakerView
    facts: ControlFacts
    venue: ControlVenue
    breaker: Sender | None
    guardian: Sender | None
    journal: ControlJournal
    limits: BreakerLimits
    metrics: BreakerMetrics
    clock: Clock


class BreakerKeeper:
    """Bring every market to where its machines want it."""

    name = "breaker"

    def __init__(self, parts: BreakerParts) -> None:
        self._parts = parts
        self._rules = DeedRules(
            band_tolerance=parts.limits.band_tolerance,
            has_breaker=parts.breaker is not None,
            has_guardian=parts.guardian is not None,
        )
        self._guardian_back_at = self._closed_until = Seconds(0)
        self._statuses: SeenSince[MarketStatus] = SeenSince()
        self._bands: SeenSince[tuple[int, int]] = SeenSince()
        self._standby: Standby[tuple[MarketId, What]] = Standby(parts.limits.standby_seconds)
        self._writes: MarketWrites[Deed] = MarketWrites(
            KIND, retry_seconds=parts.limits.retry_seconds
        )
        self._own_before: dict[MarketId, MarketStatus] = {}
        """The status that was ours before one on its way; it is again if that comes to nothing."""
        self._wake = asyncio.Event()
        self._woken_at: float | None = None
        self._last_said: tuple[BreakerCycle, str] | None = None
        for sender in (parts.breaker, parts.guardian):
            if sender is not None:
                sender.subscribe(self.on_outcome)
        self._writes.recall(parts.journal.in_flight(KIND), parts.clock.monotonic())

    def wake(self) -> None:
        """Ask for a cycle; called when an input moved."""
        if self._woken_at is None:
            self._woken_at = self._parts.clock.monotonic()
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Cycle until stop: at once when woken, else every quarter of a second."""
        await cycle_until(stop, self._wake, self.run_once, period_seconds=PERIOD_SECONDS)

    async def run_once(self) -> BreakerCycle:
        """See, compare, write; give the one outcome of the cycle."""
        woken_at, self._woken_at = self._woken_at, None
        outcome, why = await self._cycle(woken_at or self._parts.clock.monotonic())
        self._parts.metrics.cycles.labels(outcome.value).inc()
        self._parts.metrics.last_cycle.set(self._parts.clock.now())
        if outcome is BreakerCycle.ACTED or (outcome, why) != self._last_said:
            log.info("breaker_cycle_finished", outcome=outcome.value, why=why)
        self._last_said = (outcome, why)
        return outcome

    async def _cycle(self, decided_at: float) -> tuple[BreakerCycle, str]:
        parts = self._parts
        if parts.view.distrust is not None:
            return BreakerCycle.DISTRUSTED, parts.view.distrust
        wanted = parts.view.wanted()
        now, markets = parts.view.now, dict(parts.view.markets)
        # We have closed them, and the last reading may be older than that.
        is_open = parts.facts.withdrawals_open if now >= self._closed_until else False
        todo = deeds(
            markets,
            wanted,
            rails=self._rails(wanted, now),
            withdrawals_open=is_open,
            now=now,
            rules=replace(
                self._rules, has_guardian=self._rules.has_guardian and now >= self._guardian_back_at
            ),
        )
        parts.metrics.waiting.set(len({deed.market for deed in todo}))
        if not todo:
            self._standby.ripe((), now)
            return BreakerCycle.IDLE, "every market is as it ought to be"
        busy, block = self._writes.busy(), parts.view.applied_block
        ripe = self._standby.ripe([(deed.market, deed.what) for deed in todo], now)
        ready = [
            deed
            for deed in todo
            if (deed.market, deed.what) in ripe
            and deed.symbol not in busy
            and self._writes.may_write(
                deed.market, now=now, applied_block=block, is_urgent=deed.key is Key.GUARDIAN
            )
        ]
        if not ready:
            return BreakerCycle.WAITING, "what is to be written is on its way, or must wait"
        return await self._do(ready, now, decided_at)

    def _rails(self, wanted: Iterable[MarketId], now: Seconds) -> dict[MarketId, Rails]:
        """Give the guard rails of each market whose limits were read."""
        facts, found = self._parts.facts, {}
        for number in wanted:
            market = self._parts.view.markets[number]
            status_written = self._statuses.since(number, market.status, now)
            band_written = self._bands.since(number, (market.band_low, market.band_high), now)
            band = facts.limits(number, Parameter.BAND)
            status = facts.limits(number, Parameter.STATUS)
            if band is not None and status is not None:
                found[number] = Rails(
                    band=band,
                    status=status,
                    band_written=band_written,
                    status_written=status_written,
                )
        return found

    async def _do(
        self, ready: Sequence[Deed], now: Seconds, decided_at: float
    ) -> tuple[BreakerCycle, str]:
        """Send the guardian's first: they need no epoch, and wait for no reading of one."""
        urgent = [deed for deed in ready if deed.key is Key.GUARDIAN]
        rest = [deed for deed in ready if deed.key is Key.BREAKER]
        sent, refusals = await self._send_all(urgent, {}, now, decided_at)
        if rest:
            try:
                epochs = await self._parts.venue.breaker_epochs([deed.market for deed in rest])
            except RpcError as error:
                log.warning("breaker_epochs_unread", error=str(error))
                refusals.add("the epochs could not be read")
            else:
                more, refused = await self._send_all(rest, epochs, now, decided_at)
                sent, refusals = sent + more, refusals | refused
        if sent:
            return BreakerCycle.ACTED, f"sent {sent} of {len(ready)} writes"
        return BreakerCycle.REFUSED, "; ".join(sorted(refusals))

    async def _send_all(
        self,
        todo: Sequence[Deed],
        epochs: Mapping[MarketId, int],
        now: Seconds,
        decided_at: float,
    ) -> tuple[int, set[str]]:
        """Send by one key until its lane takes no more; give how many, and why not the others."""
        sent, refusals = 0, set()
        for deed in todo:
            refusal = await self._send(deed, epochs.get(deed.market, 0), now, decided_at)
            if refusal is None:
                sent += 1
                continue
            refusals.add(refusal.value)
            if deed.key is Key.GUARDIAN and refusal in OUT_OF_ORDER:
                self._do_without_guardian(refusal, now)
            if refusal is not Refusal.DUPLICATE:
                break
        return sent, refusals

    def _do_without_guardian(self, refusal: Refusal, now: Seconds) -> None:
        """Let the breaker's key halt for a while, when the guardian's lane is out of order."""
        if self._parts.breaker is None:
            return
        self._guardian_back_at = Seconds(now + self._parts.limits.retry_seconds)
        log.error("breaker_without_guardian", reason=refusal.value)
        self.wake()

    async def _send(
        self, deed: Deed, epoch: int, now: Seconds, decided_at: float
    ) -> Refusal | None:
        parts = self._parts
        sender = parts.guardian if deed.key is Key.GUARDIAN else parts.breaker
        assert sender is not None, "a deed is only planned for a key that is there"
        expires_at = Seconds(now + parts.limits.expiry_seconds)
        intent = _intent(deed, epoch, parts.view, expires_at)
        self._writes.begin(intent.key, deed, decided_at)
        if deed.status is not None:
            # The feed may tell the change before the receipt does, and must not take it for another's.
            self._own_before[deed.market] = own = parts.view.own_status(deed.market)
            parts.view.set_by_us(deed.market, max(own, deed.status))
        ticket = await sender.submit(
            [intent], self._call(deed, epoch), expires_at=expires_at, decided_at=decided_at
        )
        if ticket.refusal is not None:
            self._writes.drop(intent.key)
            self._take_back(deed)
            return ticket.refusal
        parts.metrics.sent.labels(deed.what.value).inc()
        log.warning(
            "breaker_writes",
            market=deed.symbol,
            what=deed.what.value,
            value=deed.value,
            by=deed.by,
            why=deed.why,
        )
        return None

    def _call(self, deed: Deed, epoch: int) -> Call:
        venue, gas = self._parts.venue, self._parts.limits.gas
        if deed.what is What.WITHDRAWALS:
            return venue.close_withdrawals_call(gas=gas)
        if deed.band is not None:
            low, high = deed.band.low, deed.band.high
            return venue.band_call(deed.market, low, high, epoch=epoch, gas=gas)
        assert deed.status is not None, "a deed has a band, a status, or closes withdrawals"
        if deed.key is Key.GUARDIAN:
            return venue.restrict_call(deed.market, deed.status, gas=gas)
        return venue.status_call(deed.market, deed.status, epoch=epoch, gas=gas)

    # --- what became of it -----------------------------------------------------------------------

    def on_outcome(self, outcome: Outcome) -> None:
        """Learn what became of a write of ours, an earlier life's too."""
        if outcome.result is Result.FINAL:
            ended = self._writes.ended(outcome)
            self._parts.journal.settle_all([(key, SEEN_ELSEWHERE, None) for key in ended])
            return
        if outcome.result is Result.TAKEN_BACK:
            return
        told = self._writes.settled(outcome)
        if not told:
            return
        settled: list[ControlOutcome] = []
        for key, sent in told:
            if outcome.result is Result.MINED and outcome.receipt is not None:
                settled.append(self._mined(key, sent, outcome.receipt))
            elif outcome.result is Result.WOULD_HAVE_SENT:
                # A dry run's write never shows on chain: say it again only after a while.
                if sent is not None and sent.deed is not None:
                    self._writes.refused(sent.deed.market, self._parts.view.now)
                    self._take_back(sent.deed)
            else:
                settled.append((key, NOT_MINED, None))
                self._not_mined(key, sent, outcome)
        self._parts.journal.settle_all(settled)
        self.wake()

    def _mined(
        self, key: str, sent: Sent[Deed] | None, receipt: Mapping[str, object]
    ) -> ControlOutcome:
        parts, what = self._parts, _what(key)
        if sent is not None:
            parts.metrics.reaction.observe(parts.clock.monotonic() - sent.decided_at)
        parts.metrics.done.labels(what.value).inc()
        if what is What.WITHDRAWALS:
            self._closed_until = Seconds(parts.view.now + parts.limits.retry_seconds)
            return key, DONE, None
        for change in readable(parts.venue.control_changes, receipt):
            self._writes.mined(change.market, change.block)
            if change.status is not None:
                self._note_status(change.market, change.status)
            return key, DONE, {"epoch": change.epoch}
        log.error("breaker_write_unseen", intent=key)
        return key, SEEN_ELSEWHERE, None

    def _note_status(self, market: MarketId, status: MarketStatus) -> None:
        view = self._parts.view
        if market not in view.markets:
            return
        if status < view.markets[market].status:
            self._parts.metrics.lifted.inc()
        # A softer one is learnt from the chain: until it shows there, the stricter is still ours.
        view.set_by_us(market, max(status, view.own_status(market)))

    def _take_back(self, deed: Deed) -> None:
        """Let a status be nobody's again that we did not get to set."""
        before = self._own_before.pop(deed.market, None)
        if deed.status is not None and before is not None:
            self._parts.view.set_by_us(deed.market, before)

    def _not_mined(self, key: str, sent: Sent[Deed] | None, outcome: Outcome) -> None:
        parts = self._parts
        parts.metrics.not_mined.labels(_what(key).value).inc()
        if sent is not None and sent.deed is not None:
            self._take_back(sent.deed)
            self._writes.refused(sent.deed.market, parts.view.now)
        log.warning(
            "breaker_write_not_mined",
            intent=key,
            result=outcome.result.value,
            reason=outcome.reason,
        )


def _what(key: str) -> What:
    """Read what a key is about: `control|NVDA||status-halted-…`."""
    return What(key.split(SEPARATOR)[3].partition("-")[0])


def _intent(deed: Deed, epoch: int, view: BreakerView, expires_at: Seconds) -> Intent:
    market = view.markets.get(deed.market)
    return Intent(
        kind=KIND,
        market=deed.symbol,
        account="",
        judged_on=f"{deed.what.value}-{deed.value}-{view.now}-{view.applied_block}",
        expires_at=expires_at,
        payload={
            "what": deed.what.value,
            "value": deed.value,
            "by": deed.by,
            "why": deed.why,
            "key": deed.key.value,
            "epoch": epoch,
            "block": view.applied_block,
            "mark_e8": None if market is None else market.mark,
            "status_before": None if market is None else market.status.name.lower(),
        },
    )
