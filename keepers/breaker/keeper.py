"""The worker: see what markets ought to be, compare with the chain, write, hear what became of it.

Level-triggered: each cycle compares the chain with what ought to be, so a write that was lost, or that
another instance made, needs no memory. One write of a market is on its way at a time. What the exchange
refused waits a while before it is tried again: a guard rail is not moved by repetition.
Times are on the venue's clock unless they say monotonic.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from keepers.breaker.deeds import EXCHANGE, Deed, DeedRules, Key, Rails, What, deeds
from keepers.breaker.metrics import BreakerMetrics
from keepers.breaker.outcome import BreakerCycle
from keepers.breaker.view import BreakerView, ControlFacts, ControlJournal, ControlOutcome
from keepers.sender import Outcome, Refusal, Result, Sender
from risk.guard_rails import Parameter
from risk.market import Market
from risk.units import MarketId, MarketStatus, Ppm, Seconds
from runtime.clock import Clock
from runtime.journal import SEPARATOR, Intent
from runtime.supervise import cycle_until
from venues.port import Call, ControlVenue

KIND: Final = "control"
DONE: Final = "done"
NOT_MINED: Final = "not_mined"
SEEN_ELSEWHERE: Final = "not_seen"
"""Mined, and the receipt holds no such change."""
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


@dataclass(slots=True)
class _OnItsWay:
    deed: Deed | None
    """None for a write of an earlier life."""
    decided_at: float
    own_before: MarketStatus | None = None
    """The status that was ours before; it is again if this write comes to nothing."""


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


@dataclass(slots=True)
class _Hands:
    """What is on its way, and who must wait."""

    sent: dict[str, _OnItsWay] = field(default_factory=dict)
    retry_at: dict[MarketId, Seconds] = field(default_factory=dict)
    band_written: dict[MarketId, Seconds] = field(default_factory=dict)
    mined_in: dict[MarketId, int] = field(default_factory=dict)
    """Block of the last write: what we see of a market before it is applied is old."""
    statuses: dict[MarketId, tuple[MarketStatus, Seconds | None]] = field(default_factory=dict)
    """The status last seen, and when it came; by anybody's hand, since the cool-down counts all."""

    def see(self, market: Market, now: Seconds) -> Seconds | None:
        """Note a market's status; give when it came, None for one that was there from the start."""
        status, since = self.statuses.get(market.id, (market.status, None))
        if status is not market.status:
            since = now
        self.statuses[market.id] = (market.status, since)
        return since

    def busy(self, symbols: Mapping[str, MarketId]) -> frozenset[MarketId]:
        """Name the markets of which a write is on its way."""
        names = {key.split(SEPARATOR)[1] for key in self.sent}
        return frozenset(symbols.get(name, EXCHANGE) for name in names)


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
        self._hands = _Hands()
        self._wake = asyncio.Event()
        self._woken_at: float | None = None
        self._last_said: tuple[BreakerCycle, str] | None = None
        for sender in (parts.breaker, parts.guardian):
            if sender is not None:
                sender.subscribe(self.on_outcome)
        for record in parts.journal.in_flight(KIND):
            # An earlier life's: the lane that adopted it will tell what became of it.
            self._hands.sent[record.key] = _OnItsWay(None, parts.clock.monotonic())

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
        todo = deeds(
            markets,
            wanted,
            rails=self._rails(wanted, now),
            withdrawals_open=parts.facts.withdrawals_open,
            now=now,
            rules=self._rules,
        )
        parts.metrics.waiting.set(len({deed.market for deed in todo}))
        if not todo:
            return BreakerCycle.IDLE, "every market is as it ought to be"
        symbols = {market.symbol: market.id for market in markets.values()}
        busy = self._hands.busy(symbols)
        ready = [deed for deed in todo if deed.market not in busy and self._may_try(deed, now)]
        if not ready:
            return BreakerCycle.WAITING, "what is to be written is on its way, or must wait"
        return await self._do(ready, now, decided_at)

    def _rails(self, wanted: Iterable[MarketId], now: Seconds) -> dict[MarketId, Rails]:
        """Give the guard rails of each market whose limits were read."""
        facts, found = self._parts.facts, {}
        for number in wanted:
            status_written = self._hands.see(self._parts.view.markets[number], now)
            band = facts.limits(number, Parameter.BAND)
            status = facts.limits(number, Parameter.STATUS)
            if band is not None and status is not None:
                found[number] = Rails(
                    band=band,
                    status=status,
                    band_written=self._hands.band_written.get(number),
                    status_written=status_written,
                )
        return found

    def _may_try(self, deed: Deed, now: Seconds) -> bool:
        """Say whether our last write is seen, and a refusal long enough ago.

        A stricter status never waits for the second.
        """
        if self._parts.view.applied_block < self._hands.mined_in.get(deed.market, 0):
            return False
        is_urgent = deed.key is Key.GUARDIAN
        return is_urgent or now >= self._hands.retry_at.get(deed.market, Seconds(0))

    async def _do(
        self, ready: Sequence[Deed], now: Seconds, decided_at: float
    ) -> tuple[BreakerCycle, str]:
        by_breaker = [deed.market for deed in ready if deed.key is Key.BREAKER]
        epochs = await self._parts.venue.breaker_epochs(by_breaker) if by_breaker else {}
        full: set[Key] = set()
        sent, refusals = 0, []
        for deed in ready:
            if deed.key in full:
                continue
            refusal = await self._send(deed, epochs.get(deed.market, 0), now, decided_at)
            if refusal is None:
                sent += 1
                continue
            refusals.append(refusal.value)
            if refusal is not Refusal.DUPLICATE:
                full.add(deed.key)
        if sent:
            return BreakerCycle.ACTED, f"sent {sent} of {len(ready)} writes"
        return BreakerCycle.REFUSED, "; ".join(sorted(set(refusals)))

    async def _send(
        self, deed: Deed, epoch: int, now: Seconds, decided_at: float
    ) -> Refusal | None:
        parts = self._parts
        sender = parts.guardian if deed.key is Key.GUARDIAN else parts.breaker
        assert sender is not None, "a deed is only planned for a key that is there"
        expires_at = Seconds(now + parts.limits.expiry_seconds)
        intent = _intent(deed, epoch, parts.view, expires_at)
        # Before the submission, since what becomes of it may be told before that returns.
        self._hands.sent[intent.key] = on_its_way = _OnItsWay(deed, decided_at)
        if deed.status is not None:
            # The feed may tell the change before the receipt does, and must not take it for another's.
            on_its_way.own_before = parts.view.own_status(deed.market)
            parts.view.set_by_us(deed.market, max(on_its_way.own_before, deed.status))
        ticket = await sender.submit(
            [intent], self._call(deed, epoch), expires_at=expires_at, decided_at=decided_at
        )
        if ticket.refusal is not None:
            self._hands.sent.pop(intent.key, None)
            self._take_back(on_its_way)
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
        keys = [key for key in outcome.intent_keys if key.startswith(f"{KIND}{SEPARATOR}")]
        if not keys or outcome.result in {Result.FINAL, Result.TAKEN_BACK}:
            return
        settled: list[ControlOutcome] = []
        for key in keys:
            sent = self._hands.sent.pop(key, None)
            if outcome.result is Result.MINED and outcome.receipt is not None:
                settled.append(self._mined(key, sent, outcome.receipt))
            elif outcome.result is not Result.WOULD_HAVE_SENT:
                settled.append((key, NOT_MINED, None))
                self._not_mined(key, sent, outcome)
        self._parts.journal.settle_all(settled)
        self.wake()

    def _mined(
        self, key: str, sent: _OnItsWay | None, receipt: Mapping[str, object]
    ) -> ControlOutcome:
        parts, what = self._parts, _what(key)
        if sent is not None:
            parts.metrics.reaction.observe(parts.clock.monotonic() - sent.decided_at)
        parts.metrics.done.labels(what.value).inc()
        if what is What.WITHDRAWALS:
            return key, DONE, None
        for change in parts.venue.control_changes(receipt):
            self._hands.mined_in[change.market] = change.block
            if change.status is not None:
                self._note_status(change.market, change.status)
            if change.band is not None:
                self._hands.band_written[change.market] = parts.view.now
            return key, DONE, {"epoch": change.epoch}
        log.error("breaker_write_unseen", intent=key)
        return key, SEEN_ELSEWHERE, None

    def _note_status(self, market: MarketId, status: MarketStatus) -> None:
        view = self._parts.view
        if market not in view.markets:
            return
        if status < view.markets[market].status:
            self._parts.metrics.lifted.inc()
        view.set_by_us(market, status)

    def _take_back(self, sent: _OnItsWay) -> None:
        """Let a status be nobody's again that we did not get to set."""
        view = self._parts.view
        if sent.deed is not None and sent.own_before is not None:
            view.set_by_us(sent.deed.market, sent.own_before)

    def _not_mined(self, key: str, sent: _OnItsWay | None, outcome: Outcome) -> None:
        parts = self._parts
        parts.metrics.not_mined.labels(_what(key).value).inc()
        if sent is not None and sent.deed is not None:
            self._take_back(sent)
            wait = Seconds(parts.view.now + parts.limits.retry_seconds)
            self._hands.retry_at[sent.deed.market] = wait
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
