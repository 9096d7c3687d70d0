"""The worker: look who is bankrupt and carried by nobody, plan a step, journal, send; hear what became of it.

Level-triggered: each cycle decides on the state as it is, and one step is on its way at a time. The
next is planned only when the feed has applied the block of the one before, so a fund that recovers
ends the round by itself. The exchange checks every item again; what it refuses waits a while.
Times are on the venue's clock unless they say monotonic.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import structlog

from keepers.deleverage.aftermath import Aftermath
from keepers.deleverage.hand import SentBatch, SentItem, position_count
from keepers.deleverage.intents import KIND, intent_of, plan_sentence
from keepers.deleverage.outcome import DeleverageCycle
from keepers.deleverage.parts import DeleverageParts
from keepers.sender import Outcome, Refusal
from risk.deleverage_need import Need, Waiting, WaitReason, deleverage_need
from risk.deleverage_plan import plan_needs
from risk.deleverage_rules import DeleverageCode, Pools
from risk.deleverage_values import DeleveragePlan, PlannedDeleverage
from risk.gas_model import GasModel
from risk.liquidation import backstop_state
from risk.market import Market
from risk.price_guard import Doubt
from risk.units import ATOMS_PER_USD, AccountId, MarketId, Seconds
from runtime.journal import Intent
from runtime.supervise import cycle_until
from venues.port import Call, DeleverageSettled

PERIOD_SECONDS: Final = 0.25
"""Pause between cycles. Nothing else wakes them but what becomes of a step: a need that lasts is seen."""
WAIT_FOR: Final = frozenset({Doubt.UNPRICED, Doubt.FUTURE_DATED, Doubt.DIVERGED, Doubt.WARMING_UP})
"""Doubts that the exchange does not check by itself; it refuses stale and closed markets."""

log = structlog.get_logger(__name__)


class DeleverageKeeper:
    """Close those whom nobody can carry, in small steps, until nobody is left or the pools recover."""

    name = "deleverage"

    def __init__(self, parts: DeleverageParts) -> None:
        self._parts = parts
        self._wake = asyncio.Event()
        self._needed_since: Seconds | None = None
        self._need_seen = Seconds(0)
        self._last_said: tuple[DeleverageCycle, str] | None = None
        self.sentence = ""
        """What the last plan said."""
        self._aftermath = Aftermath(parts)
        parts.sender.subscribe(self.on_outcome)
        parts.hand.recall(parts.journal.in_flight(KIND))

    @property
    def last(self) -> tuple[DeleverageCycle, str] | None:
        """How the last cycle ended, and why."""
        return self._last_said

    def wake(self) -> None:
        """Ask for a cycle."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Cycle until stop, every quarter of a second."""
        await cycle_until(stop, self._wake, self.run_once, period_seconds=PERIOD_SECONDS)

    async def run_once(self) -> DeleverageCycle:
        """See, judge, remember, act; give the one outcome of the cycle."""
        parts = self._parts
        started = parts.clock.monotonic()
        outcome, why = await self._cycle(started)
        parts.metrics.cycles.labels(outcome.value).inc()
        parts.metrics.batches_in_flight.set(parts.hand.batches_in_flight)
        parts.metrics.touched.set(len(parts.hand.touched))
        parts.metrics.last_cycle.set(parts.clock.now())
        if outcome not in {DeleverageCycle.IDLE, DeleverageCycle.DISTRUSTED}:
            parts.metrics.cycle_duration.observe(parts.clock.monotonic() - started)
        if outcome is DeleverageCycle.ACTED or (outcome, why) != self._last_said:
            log.info("deleverage_cycle_finished", outcome=outcome.value, why=why)
        self._last_said = (outcome, why)
        return outcome

    async def _cycle(self, decided_at: float) -> tuple[DeleverageCycle, str]:
        view, hand = self._parts.view, self._parts.hand
        if view.distrust is not None:
            return DeleverageCycle.DISTRUSTED, view.distrust
        hand.release_up_to(view.sealed_block)
        if hand.is_waiting:
            return DeleverageCycle.BUSY, "the last step is on its way, or not seen yet"
        found = [each for each in view.bankrupt() if each[1] != view.backstop_account]
        if not found:
            self._show_bankrupt(found, self._pools())
            self._end_round(())
            return DeleverageCycle.IDLE, "nobody is bankrupt"
        why = await self._give_way()
        if why is not None:
            return DeleverageCycle.DISTRUSTED, why
        pools = self._pools()
        self._show_bankrupt(found, pools)
        busy = self._liquidated_now()
        out = {*busy, *hand.aside(view.now)}
        open_ones = [account for _, account in found if account not in out]
        judged = open_ones[: self._parts.rules.most_judged]
        if not judged:
            return (
                DeleverageCycle.WAITING,
                "whoever is bankrupt is being changed, or was just refused",
            )
        need = deleverage_need(view.book, pools, view.now, candidates=judged)
        if not need.closes:
            return self._nobody_in_need(need, found, judged, open_ones)
        if self._is_left_to_another(view.now):
            self._show(need, need.waiting)
            return DeleverageCycle.STANDBY, "another keeper is to act first"
        plan = self._plan(need, pools, busy)
        self._show(need, plan.waiting)
        items = fitting(plan, hand.gas, self._parts.rules.max_gas)
        if not items:
            self._make_way(plan.waiting, judged, open_ones)
            return DeleverageCycle.WAITING, _why_waiting(plan.waiting)
        return await self._send(need, items, pools, decided_at)

    async def _give_way(self) -> str | None:
        """Let others of the process go first, for finding the bankrupt may have taken a while.

        What is judged then is judged on the state after it; give why nothing may be, if so.
        """
        await asyncio.sleep(0)
        return self._parts.view.distrust

    def _liquidated_now(self) -> Collection[AccountId]:
        liquidating = self._parts.liquidating
        return () if liquidating is None else liquidating.accounts_in_flight

    def _pools(self) -> Pools:
        view = self._parts.view
        return Pools(
            insurance_fund=view.insurance_fund,
            backstop=backstop_state(view.state(view.backstop_account)),
        )

    def _nobody_in_need(
        self,
        need: Need,
        found: Sequence[tuple[int, AccountId]],
        judged: Sequence[AccountId],
        open_ones: Sequence[AccountId],
    ) -> tuple[DeleverageCycle, str]:
        self._show(need, need.waiting)
        if len(judged) == len(found):
            self._end_round(need.waiting)
        else:
            self._make_way(need.waiting, judged, open_ones)
        if all(wait.reason is WaitReason.CARRIED for wait in need.waiting):
            return DeleverageCycle.CARRIED, "insurance fund and backstop carry whoever is bankrupt"
        return DeleverageCycle.WAITING, _why_waiting(need.waiting)

    def _end_round(self, waiting: Sequence[Waiting]) -> None:
        """Forget who was touched once no need is left; a halted market only interrupts a round."""
        self._needed_since = None
        if all(wait.reason is WaitReason.CARRIED for wait in waiting):
            self._parts.hand.end_round()
        if not waiting:
            self._show(None, ())

    def _make_way(
        self,
        waiting: Sequence[Waiting],
        judged: Sequence[AccountId],
        open_ones: Sequence[AccountId],
    ) -> None:
        """Leave those who must wait alone for a second, if they hide others who were not judged."""
        if len(judged) < len(open_ones):
            until = Seconds(self._parts.view.now + 1)
            self._parts.hand.set_aside({wait.account for wait in waiting}, until)

    def _is_left_to_another(self, now: Seconds) -> bool:
        standby = self._parts.rules.standby_seconds
        if self._needed_since is None or now - self._need_seen > standby:
            self._needed_since = now
        self._need_seen = now
        return now - self._needed_since < standby

    def _plan(self, need: Need, pools: Pools, busy: Collection[AccountId]) -> DeleveragePlan:
        parts, view = self._parts, self._parts.view
        doubtful = frozenset(market for market in view.markets if view.doubt(market) in WAIT_FOR)
        return plan_needs(
            need,
            view.book,
            pools,
            view.now,
            policy=parts.rules.policy,
            limits=parts.rules.limits,
            work=parts.hand.work(busy, doubtful),
        )

    async def _send(
        self,
        need: Need,
        items: Sequence[PlannedDeleverage],
        pools: Pools,
        decided_at: float,
    ) -> tuple[DeleverageCycle, str]:
        """Write down, sign and send one step; what was judged is what is written."""
        parts, view = self._parts, self._parts.view
        markets: Mapping[MarketId, Market] = dict(view.markets)
        self.sentence = sentence = plan_sentence(need, items, markets, pools)
        expires_at = Seconds(view.now + parts.rules.expiry_seconds)
        intents = [
            intent_of(
                each,
                markets,
                place=place,
                plan=sentence,
                block=view.applied_block,
                expires_at=expires_at,
            )
            for place, each in enumerate(items)
        ]
        sent = tuple(_sent(intent, each) for intent, each in zip(intents, items, strict=True))
        gas = gas_limit(items, parts.hand.gas)
        taken: list[SentItem] = []

        def call(new: Sequence[Intent]) -> Call:
            """Ask for what the journal has not had; what becomes of it may be told at once."""
            wanted = {intent.key for intent in new}
            taken[:] = [item for item in sent if item.key in wanted]
            parts.hand.sent(SentBatch(items=tuple(taken), gas=gas))
            return parts.venue.deleverage_call(
                [item.planned.item for item in taken if item.planned is not None], gas=gas
            )

        ticket = await parts.sender.submit(
            intents, call, expires_at=expires_at, decided_at=decided_at
        )
        if ticket.refusal is not None:
            parts.hand.take([item.key for item in taken])
            if ticket.refusal is Refusal.DUPLICATE:
                parts.hand.known_already(sent)
            return DeleverageCycle.WAITING, f"{ticket.refusal}: {ticket.reason}"
        parts.metrics.planned.inc(len(taken))
        if ticket.nonce is None:
            # A dry run's items are never seen on chain: leave the accounts alone for a while.
            parts.hand.take([item.key for item in taken])
            parts.hand.set_aside({item.account for item in taken}, expires_at)
        log.warning("deleverage_sent", items=len(taken), plan=sentence)
        return DeleverageCycle.ACTED, f"sent {len(taken)} items"

    # --- what became of it -----------------------------------------------------------------------

    def on_settled(self, settled: DeleverageSettled) -> None:
        """Learn of a result that the feed has applied: another keeper's work is left to it."""
        hand = self._parts.hand
        if settled.code is not DeleverageCode.DELEVERAGED:
            return
        hand.touched.add(settled.counterparty)
        if not hand.is_ours(settled.account, settled.counterparty):
            self._needed_since = self._parts.view.now

    def on_outcome(self, outcome: Outcome) -> None:
        """Learn what became of a step of ours, an earlier life's too."""
        if self._aftermath.take(outcome):
            self.wake()

    # --- what is shown ---------------------------------------------------------------------------

    def _show_bankrupt(self, found: Sequence[tuple[int, AccountId]], pools: Pools) -> None:
        metrics = self._parts.metrics
        owed = -sum(equity for equity, _ in found)
        lacking = max(0, owed - pools.insurance_fund - pools.backstop.headroom)
        metrics.bankrupt.set(len(found))
        metrics.shortfall.set(owed / ATOMS_PER_USD)
        metrics.uncovered.set(lacking / ATOMS_PER_USD)

    def _show(self, need: Need | None, waiting: Sequence[Waiting]) -> None:
        metrics = self._parts.metrics
        metrics.in_need.set(0 if need is None else len(need.closes))
        counts = Counter(wait.reason for wait in waiting)
        for reason in WaitReason:
            metrics.waiting.labels(reason.value).set(counts[reason])


def fitting(plan: DeleveragePlan, gas: GasModel, max_gas: int) -> Sequence[PlannedDeleverage]:
    """Give as many of a step's items, from the first on, as fit into one transaction."""
    items = plan.batches[0] if plan.batches else ()
    while len(items) > 1 and gas_limit(items, gas) > max_gas:
        items = items[:-1]
    return items


def gas_limit(items: Sequence[PlannedDeleverage], gas: GasModel) -> int:
    """Give the gas limit of a transaction."""
    return gas.bound(items=len(items), positions=position_count(items))


def _sent(intent: Intent, planned: PlannedDeleverage) -> SentItem:
    item = planned.item
    return SentItem(
        key=intent.key, account=item.account, counterparty=item.counterparty, planned=planned
    )


def _why_waiting(waiting: Sequence[Waiting]) -> str:
    reasons = ", ".join(sorted({wait.reason.value for wait in waiting}))
    return f"each bankrupt position has a reason to wait: {reasons or 'none is left'}"
