"""The worker: see the fair prices, choose what is due, remember, publish; hear what became of it.

One publication is on its way at a time, a batch for all markets that are due. A price that comes
too late does no harm: the exchange refuses what is older than what it holds or past its expiry.
Times are on the venue's clock unless they say monotonic.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from keepers.price.metrics import PriceMetrics
from keepers.price.outcome import PriceCycle
from keepers.price.view import PriceJournal, PriceView, PublishedOutcome
from keepers.receipts import readable
from keepers.sender import Outcome, Result, Sender
from risk.market import Market
from risk.price_publication import FairPrice, PriceCode, Publication, PublicationRules, Silence
from risk.price_publication import plan_publication as plan
from risk.units import MarketId, Seconds
from runtime.clock import Clock
from runtime.journal import SEPARATOR, Intent
from runtime.supervise import cycle_until
from venues.port import Call, PriceVenue

KIND: Final = "publish"
NOT_MINED: Final = "not_mined"
UNANSWERED: Final = "unanswered"
"""Mined, but its receipt says nothing of the price: not what the exchange promises."""
PERIOD_SECONDS: Final = 0.25
"""Longest pause between cycles: what a wake missed, this finds."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLimits:
    """What the operator sets for this keeper."""

    rules: PublicationRules
    gas_base: int
    gas_per_price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnItsWay:
    keys: frozenset[str]
    decided_at: float


class PriceKeeper:
    """Publish each market's fair price once in an interval, and sooner when it moved far."""

    name = "price"

    def __init__(
        self,
        *,
        view: PriceView,
        venue: PriceVenue,
        sender: Sender,
        journal: PriceJournal,
        limits: PriceLimits,
        metrics: PriceMetrics,
        clock: Clock,
    ) -> None:
        self._view = view
        self._venue = venue
        self._sender = sender
        self._journal = journal
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._wake = asyncio.Event()
        self._on_its_way: _OnItsWay | None = None
        self._last_said: tuple[PriceCycle, str] | None = None
        sender.subscribe(self.on_outcome)

    def wake(self) -> None:
        """Ask for a cycle; called when an input moved."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Cycle until stop: at once when woken, else every quarter of a second."""
        await cycle_until(stop, self._wake, self.run_once, period_seconds=PERIOD_SECONDS)

    async def run_once(self) -> PriceCycle:
        """See, choose, remember, publish; give the one outcome of the cycle."""
        outcome, why = await self._cycle()
        self._metrics.cycles.labels(outcome.value).inc()
        self._metrics.last_cycle.set(self._clock.now())
        if (outcome, why) != self._last_said:
            log.info("price_cycle_finished", outcome=outcome.value, why=why)
        self._last_said = (outcome, why)
        return outcome

    async def _cycle(self) -> tuple[PriceCycle, str]:
        view = self._view
        if view.distrust is not None:
            return PriceCycle.DISTRUSTED, view.distrust
        if self._on_its_way is not None:
            return PriceCycle.BUSY, "the last publication is on its way"
        decided_at, now, markets = self._clock.monotonic(), view.now, dict(view.markets)
        chosen = plan(markets, view.fair_prices(), now=now, rules=self._limits.rules)
        self._show(chosen)
        if not chosen.prices:
            return PriceCycle.IDLE, "nothing is due"
        return await self._publish(chosen, markets, decided_at)

    async def _publish(
        self,
        chosen: Publication,
        markets: Mapping[MarketId, Market],
        decided_at: float,
    ) -> tuple[PriceCycle, str]:
        now = self._view.now
        expires_at = Seconds(now + min(markets[each.market].expiry for each in chosen.prices))
        key_to_price: dict[str, FairPrice] = {}
        intents: list[Intent] = []
        for each in chosen.prices:
            market, why = markets[each.market], self._view.why(each.market)
            intents.append(_intent(each, market, why, now, expires_at))
            key_to_price[intents[-1].key] = each

        def call(new: Sequence[Intent]) -> Call:
            gas = self._limits.gas_base + self._limits.gas_per_price * len(new)
            return self._venue.publish_call([key_to_price[each.key] for each in new], gas=gas)

        # Before the submission, since what becomes of it may be told before that returns.
        self._on_its_way = _OnItsWay(keys=frozenset(key_to_price), decided_at=decided_at)
        ticket = await self._sender.submit(
            intents, call, expires_at=expires_at, decided_at=decided_at
        )
        if ticket.refusal is not None:
            self._on_its_way = None
            return PriceCycle.REFUSED, f"{ticket.refusal}: {ticket.reason}"
        self._metrics.published.inc(len(ticket.intents))
        return PriceCycle.PUBLISHED, f"published {len(ticket.intents)} prices"

    def _show(self, chosen: Publication) -> None:
        counts = dict.fromkeys(Silence, 0)
        for _, reason in chosen.silences:
            counts[reason] += 1
        for reason, count in counts.items():
            self._metrics.silent.labels(reason.value).set(count)

    # --- what became of it -----------------------------------------------------------------------

    def on_outcome(self, outcome: Outcome) -> None:
        """Learn what became of prices of ours, an earlier life's too."""
        keys = [key for key in outcome.intent_keys if key.startswith(f"{KIND}{SEPARATOR}")]
        if not keys or outcome.result in {Result.FINAL, Result.TAKEN_BACK}:
            return
        sent = self._on_its_way
        is_awaited = sent is not None and not sent.keys.isdisjoint(keys)
        if outcome.result is Result.MINED and outcome.receipt is not None:
            self._journal.settle_all(self._answers(keys, outcome.receipt))
            if sent is not None and is_awaited:
                self._metrics.latency.observe(self._clock.monotonic() - sent.decided_at)
        elif outcome.result is not Result.WOULD_HAVE_SENT:
            self._metrics.not_mined.inc(len(keys))
            self._journal.settle_all([(key, NOT_MINED, None) for key in keys])
            log.warning("prices_not_mined", prices=len(keys), result=outcome.result.value)
        if is_awaited:
            self._on_its_way = None
            self.wake()

    def _answers(
        self, keys: Sequence[str], receipt: Mapping[str, object]
    ) -> list[PublishedOutcome]:
        markets = self._view.markets
        symbol_to_answer = {
            markets[answer.market].symbol: answer
            for answer in readable(self._venue.price_outcomes, receipt)
            if answer.market in markets
        }
        outcomes: list[PublishedOutcome] = []
        for key in keys:
            symbol = key.split(SEPARATOR)[1]
            answer = symbol_to_answer.get(symbol)
            if answer is None:
                outcomes.append((key, UNANSWERED, None))
                log.warning("price_unanswered", market=symbol)
                continue
            code = answer.code.name.lower()
            self._metrics.answers.labels(code).inc()
            if answer.code is not PriceCode.ACCEPTED:
                log.warning("price_refused", market=symbol, code=code)
            outcomes.append((key, code, {"mark_e8": answer.mark}))
        return outcomes


def _intent(
    price: FairPrice,
    market: Market,
    why: Mapping[str, object],
    now: Seconds,
    expires_at: Seconds,
) -> Intent:
    """Write a price down with what made it; the same price at another time is another wish."""
    return Intent(
        kind=KIND,
        market=market.symbol,
        account="",
        judged_on=f"{now}-{price.timestamp}-{price.mark}-{price.index}",
        expires_at=expires_at,
        payload={
            "mark_e8": price.mark,
            "index_e8": price.index,
            "timestamp_seconds": price.timestamp,
            "rung": price.rung.name.lower(),
            "held_mark_e8": market.mark,
            "why": why,
        },
    )
