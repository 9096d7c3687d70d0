"""The worker: look who is under margin, plan, journal, send; hear what became of it.

Level-triggered: the monitor only wakes it, and each cycle decides on the state as it is. A cycle
ends in one outcome and does not wait for the chain. Between judging and the journal nothing is
awaited but the signature: every batch after a plan's first is judged again right before it is handed
to the sender. After each the loop turns once, so that what came meanwhile is read before the next.
Times are on the venue's clock unless they say monotonic.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from keepers.liquidation.hand import Hand, Pair, SentBatch
from keepers.liquidation.intents import figures_of, intent_of, item_of, pairs_of
from keepers.liquidation.metrics import NOT_MINED, LiquidationMetrics
from keepers.liquidation.outcome import CycleOutcome
from keepers.liquidation.turns import Turns
from keepers.liquidation.view import AccountsView, OutcomeJournal, SeenOutcome
from keepers.receipts import readable
from keepers.sender import Outcome, Refusal, Result, Sender, Ticket
from risk.liquidation import (
    LiquidationCode,
    LiquidationTerms,
    LiquidationVerdict,
    backstop_state,
    judge_liquidation,
)
from risk.liquidation_plan import confirm, plan_liquidations, retries_after_plan
from risk.liquidation_values import (
    Candidate,
    LiquidationPlan,
    PlanLimits,
    PlannedBatch,
    PlannedItem,
    SkipReason,
)
from risk.margin import margin_state
from risk.market import Market
from risk.price_guard import Doubt
from risk.units import ATOMS_PER_USD, MarketId, Seconds
from runtime.clock import Clock
from runtime.journal import Intent
from runtime.supervise import cycle_until
from venues.port import Call, LiquidationSettled, LiquidationVenue

PERIOD_SECONDS: Final = 0.25
"""Longest pause between cycles: what a wake missed, this finds (retries due, cool-downs over)."""
SPARE_CANDIDATES: Final = 64
"""Accounts judged beyond what the free batches can hold: some will have to wait."""
WAIT_FOR: Final = frozenset({Doubt.UNPRICED, Doubt.FUTURE_DATED, Doubt.DIVERGED, Doubt.WARMING_UP})
"""Doubts that the exchange does not check by itself; it refuses stale and closed markets."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperLimits:
    """What the operator allows this keeper."""

    plan: PlanLimits
    expiry_seconds: int


class LiquidationKeeper:
    """Liquidate every account below its maintenance margin, once each."""

    name = "liquidation"

    def __init__(  # noqa: PLR0913 - the composition root hands over one thing of each kind
        self,
        *,
        view: AccountsView,
        venue: LiquidationVenue,
        sender: Sender,
        address: bytes,
        journal: OutcomeJournal,
        hand: Hand,
        limits: KeeperLimits,
        metrics: LiquidationMetrics,
        clock: Clock,
        turns: Turns | None = None,
    ) -> None:
        self._view = view
        self._venue = venue
        self._sender = sender
        self._address = address
        self._journal = journal
        self._hand = hand
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._turns = turns or Turns()
        self._wake = asyncio.Event()
        self._woken_at: float | None = None
        self._last_said: tuple[CycleOutcome, str] | None = None
        self._stuck = 0
        sender.subscribe(self.on_outcome)

    # --- woken by others -------------------------------------------------------------------------

    def wake(self) -> None:
        """Ask for a cycle; called by the monitor, in the task that read the change."""
        if self._woken_at is None:
            self._woken_at = self._clock.monotonic()
        self._wake.set()

    def on_settled(self, settled: LiquidationSettled) -> None:
        """Learn of a result that the feed has applied; another keeper's frees nothing of ours."""
        self._turns.acted_on(settled.account)
        if settled.keeper == self._address:
            self._hand.seen_in_feed(settled)

    def on_outcome(self, outcome: Outcome) -> None:
        """Learn what became of a transaction of ours."""
        match outcome.result:
            case Result.MINED if outcome.receipt is not None:
                self._mined(outcome, outcome.receipt)
            case Result.TAKEN_BACK:
                # On its way again: its accounts are not ours to plan, and its results will come anew.
                pairs = pairs_of(outcome.intent_keys, self._view.markets)
                self._hand.adopt(outcome.nonce, pairs)
            case Result.FINAL | Result.MINED | Result.WOULD_HAVE_SENT:
                return
            case _:
                self._not_mined(outcome)
        self.wake()

    # --- the loop --------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Cycle until stop: at once when woken, else every quarter of a second."""
        await cycle_until(stop, self._wake, self.run_once, period_seconds=PERIOD_SECONDS)

    async def run_once(self) -> CycleOutcome:
        """See, judge, remember, act; give the one outcome of the cycle."""
        woken_at, self._woken_at = self._woken_at, None
        started = self._clock.monotonic()
        outcome, why = await self._cycle(woken_at or started)
        metrics = self._metrics
        metrics.cycles.labels(outcome.value).inc()
        metrics.batches_in_flight.set(self._hand.batches_in_flight)
        metrics.last_cycle.set(self._clock.now())
        if outcome is CycleOutcome.ACTED:
            metrics.cycle_duration.observe(self._clock.monotonic() - started)
        if outcome is CycleOutcome.ACTED or (outcome, why) != self._last_said:
            log.info(
                "cycle_finished",
                outcome=outcome.value,
                why=why,
                under_margin=self._view.under_margin_count(),
                batches_in_flight=self._hand.batches_in_flight,
                block=self._view.applied_block,
                duration_seconds=round(self._clock.monotonic() - started, 6),
            )
        self._last_said = (outcome, why)
        return outcome

    async def _cycle(self, decided_at: float) -> tuple[CycleOutcome, str]:
        view, hand = self._view, self._hand
        if view.distrust is not None:
            return CycleOutcome.DISTRUSTED, view.distrust
        hand.release_up_to(view.sealed_block)
        if view.under_margin_count() == 0:
            self._show_idle()
            return CycleOutcome.IDLE, "nobody is under margin"
        free = self._limits.plan.max_batches - hand.batches_in_flight
        if free <= 0:
            return CycleOutcome.BUSY, "as many transactions are on their way as are allowed"
        terms = self._terms()
        candidates, is_everybody = self._candidates(free)
        held = {held.market for each in candidates for held in each.account.positions}
        work = hand.work(self._doubtful(held))
        plan = plan_liquidations(candidates, terms, limits=self._limits.plan, work=work)
        self._turns.note_skips(plan.skips)
        if plan.skips:
            hand.note_plan(retries_after_plan(work, plan, candidates, terms))
            if not is_everybody:
                hand.set_aside(plan.skips, view.now)
        sent = 0
        refusals: list[str] = []
        for place, batch in enumerate(plan.batches):
            # Nothing was awaited between the plan and its first batch: that would be judged the same.
            ready = batch if place == 0 else self._confirmed(batch)
            ticket = None if ready is None else await self._send(ready, decided_at)
            if ticket is None:
                continue
            if ticket.refusal is None:
                sent += len(ticket.intents)
            else:
                refusals.append(f"{ticket.refusal}: {ticket.reason}")
        self._show(plan)
        if sent:
            return CycleOutcome.ACTED, f"sent {sent} items in {len(plan.batches)} transactions"
        return CycleOutcome.WAITING, "; ".join(refusals) or _why_waiting(plan, self._turns)

    def _terms(self) -> LiquidationTerms:
        view = self._view
        return LiquidationTerms(
            # A copy: what is judged on it is written down later, and prices may move meanwhile.
            markets=dict(view.markets),
            rules=view.rules,
            backstop=backstop_state(view.state(view.backstop_account)),
            insurance_fund=view.insurance_fund,
            now=view.now,
        )

    def _candidates(self, free_batches: int) -> tuple[list[Candidate], bool]:
        """Judge the worst that are not on their way already, as many as could be sent.

        Says too whether that was everybody. When it was not, those who had to wait last time are
        left out, or a crowd that cannot be liquidated would hide those who can.
        """
        view, hand = self._view, self._hand
        busy, aside = hand.accounts_in_flight, hand.aside(view.now, self._doubts())
        room = free_batches * self._limits.plan.max_items + SPARE_CANDIDATES
        room += len(hand.retries.entries) + len(busy) + len(aside) + self._turns.waiting_count
        worst = view.worst(room)
        theirs = self._turns.waiting(worst, block=view.applied_block, now=view.now)
        left_out = {*busy, *aside, *theirs, view.backstop_account}
        accounts = [view.account(account) for account in worst if account not in left_out]
        markets, now = view.markets, view.now
        candidates = [
            Candidate(account=account, state=margin_state(account, markets, now))
            for account in accounts
        ]
        return candidates, len(worst) < room

    def _doubts(self) -> tuple[Doubt | None, ...]:
        return tuple(map(self._view.doubt, self._view.markets))

    def _doubtful(self, markets: Collection[MarketId]) -> frozenset[MarketId]:
        return frozenset(market for market in markets if self._view.doubt(market) in WAIT_FOR)

    def _confirmed(self, batch: PlannedBatch) -> PlannedBatch | None:
        """Judge a batch again; None when nothing of it is left, or a new plan is needed."""
        held = {position.market for item in batch.items for position in item.judged.positions}
        if self._view.distrust is not None or self._doubtful(held):
            return None
        planned = batch.items[0].terms
        return confirm(batch, self._judge(self._terms(), planned), self._hand.gas)[0]

    async def _send(self, confirmed: PlannedBatch, decided_at: float) -> Ticket:
        """Write down, sign and send."""
        view = self._view
        expires_at = Seconds(view.now + self._limits.expiry_seconds)
        intents = [
            intent_of(item, view.markets, block=view.applied_block, expires_at=expires_at)
            for item in confirmed.items
        ]
        key_to_item = dict(zip((each.key for each in intents), confirmed.items, strict=True))

        def call(new: Sequence[Intent]) -> Call:
            """Ask for what the journal has not had: one known intent must not hold up the rest."""
            items = [item_of(key_to_item[intent.key]) for intent in new]
            return self._venue.liquidation_call(items, deadline=expires_at, gas=confirmed.gas)

        ticket = await self._sender.submit(
            intents, call, expires_at=expires_at, decided_at=decided_at
        )
        taken = [key_to_item.pop(intent.key) for intent in ticket.intents]
        if ticket.nonce is not None:
            keys = [intent.key for intent in ticket.intents]
            self._hand.sent(
                ticket.nonce, replace(confirmed, items=tuple(taken)), keys, view.markets
            )
            self._metrics.planned.inc(len(taken))
            self._metrics.seen_to_sent.observe(self._clock.monotonic() - decided_at)
        else:
            self._hand.leave_until(taken, expires_at)
        if ticket.refusal in (None, Refusal.DUPLICATE) and key_to_item:
            self._hand.known_already(key_to_item.values(), view.markets, view.now)
            log.info("known_already", items=len(key_to_item), reason=ticket.reason)
        await asyncio.sleep(0)
        return ticket

    def _judge(
        self, terms: LiquidationTerms, planned: LiquidationTerms
    ) -> Callable[[PlannedItem], LiquidationVerdict]:
        """Make a judge who knows what a verdict of the plan was given on.

        An account of which nothing changed has the verdict that it had: the plan reckoned with what
        its earlier items take from the pools, and for what others take the exchange judges.
        """
        view = self._view
        moved = {
            number
            for number, market in terms.markets.items()
            if not _judges_alike(market, planned.markets.get(number))
        }
        is_later = terms.now != planned.now

        def again(item: PlannedItem) -> LiquidationVerdict:
            """Judge on the state of this moment; a second item of an account, on the plan's."""
            if item.judged != view.account(item.account):
                return item.verdict
            if not is_later and not any(held.market in moved for held in item.judged.positions):
                return item.verdict
            state = view.state(item.account)
            return judge_liquidation(state, item.market, terms, max_size=item.max_size)

        return again

    # --- what became of it -----------------------------------------------------------------------

    def _mined(self, outcome: Outcome, receipt: Mapping[str, object]) -> None:
        results = readable(self._venue.settled_items, receipt)
        batch = self._hand.mined(
            outcome.nonce,
            results,
            gas_used=_quantity(receipt.get("gasUsed")),
            block=_quantity(receipt.get("blockNumber")),
            now=self._view.now,
        )
        if batch is not None:
            self._settle(batch, results)

    def _settle(self, batch: SentBatch, results: Sequence[LiquidationSettled]) -> None:
        left: dict[Pair, str] = dict(batch.keys)
        outcomes: list[SeenOutcome] = []
        for result in results:
            key = left.pop((result.account, result.market), None)
            if key is not None:
                outcomes.append((key, result.code.value, figures_of(result)))
        counts = Counter(result.code for result in results)
        for code, count in counts.items():
            self._metrics.results.labels(code.value).inc(count)
        self._metrics.rewards.inc(sum(result.reward for result in results) / ATOMS_PER_USD)
        for key in left.values():
            # A mined batch gives a result for every item: anything else is worth a human's look.
            log.error("result_missing", intent=key)
            outcomes.append((key, NOT_MINED, {"reason": "the receipt has no result for it"}))
        self._journal.settle_all(outcomes)
        liquidated = counts[LiquidationCode.LIQUIDATED]
        log.info("batch_mined", items=len(results), liquidated=liquidated)

    def _not_mined(self, outcome: Outcome) -> None:
        gas_used = None
        if outcome.receipt is not None:
            gas_used = _quantity(outcome.receipt.get("gasUsed"))
        batch = self._hand.ended(outcome.nonce, now=self._view.now, gas_used=gas_used)
        if batch is None:
            return
        self._metrics.results.labels(NOT_MINED).inc(len(batch.keys))
        log.warning(
            "batch_not_mined",
            result=outcome.result.value,
            items=len(batch.keys),
            reason=outcome.reason,
        )

    # --- what is shown ---------------------------------------------------------------------------

    def _show_idle(self) -> None:
        for reason in SkipReason:
            self._metrics.skipped.labels(reason.value).set(0)
        self._metrics.stuck.set(0)
        self._metrics.oldest_waiting.set(0)
        self._metrics.oldest_waiting_blocks.set(0)

    def _show(self, plan: LiquidationPlan) -> None:
        metrics = self._metrics
        counts = dict.fromkeys(SkipReason, 0)
        for skip in plan.skips:
            counts[skip.reason] += 1
        for reason, count in counts.items():
            metrics.skipped.labels(reason.value).set(count)
        metrics.stuck.set(len(plan.stuck))
        if len(plan.stuck) > self._stuck:
            log.error("accounts_stuck", accounts=len(plan.stuck), was=self._stuck)
        self._stuck = len(plan.stuck)
        oldest = self._view.oldest_under_margin()
        if oldest is not None:
            metrics.oldest_waiting.set(self._view.now - oldest[0])
            metrics.oldest_waiting_blocks.set(self._view.applied_block - oldest[1])


def _why_waiting(plan: LiquidationPlan, turns: Turns) -> str:
    reasons = sorted({skip.reason.value for skip in plan.skips})
    if turns.waiting_count:
        reasons.append("another keeper's turn")
    return "each account has a reason to wait: " + ", ".join(reasons) if reasons else "cured"


def _judges_alike(market: Market, other: Market | None) -> bool:
    """Say whether two states of a market differ in nothing that a liquidation is judged on."""
    return other is not None and market == replace(other, open_interest=market.open_interest)


def _quantity(value: object) -> int:
    return int(value, 16) if isinstance(value, str) else 0
