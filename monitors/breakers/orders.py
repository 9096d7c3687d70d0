"""Operators' orders and the emergency plans, as the breaker panel hears them.

An order is spoken once, when its sequence is later than what was heard before: said again each second,
an old resumption would undo a guardian's halt that came after it. Who asks remembers what was
heard, together with the wish that came of it, so that a crash loses neither or both.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, Protocol

import structlog

from monitors.breakers.memory import Notes, SpokenOrder, read_spoken, spoken_text
from monitors.breakers.orders_metrics import OrdersMetrics
from monitors.breakers.plans import PlanBoard
from monitors.breakers.terms import EXCHANGE, NO_CAUSES, Heard
from monitors.operator_orders import ALL, Order, OrderKind, StandingOrders
from risk.emergency_state import PlanOrder
from risk.emergency_watch import PlanFacts
from risk.integrity_rules import EXCHANGE_CAUSES, MARKET_CAUSES
from risk.precedence import Machine
from risk.units import Seconds

ORDERS_KEY: Final = "breaker/orders"
MOST_SPOKEN: Final = 128
"""So many obeyed orders are kept in the journal; the log has all of them."""
SHOWN_SPOKEN: Final = 5
log = structlog.get_logger(__name__)


class OrderSource(Protocol):
    """Who reads the file of orders."""

    @property
    def revision(self) -> int:
        """How often another file was read."""

    @property
    def problem(self) -> str | None:
        """Why the file cannot be read, while it cannot."""

    def standing(self) -> StandingOrders:
        """Give the orders that stand."""


class NoSource:
    """`OrderSource` of a profile that names no file."""

    revision = 0
    problem: str | None = None

    def standing(self) -> StandingOrders:
        """Give none."""
        return StandingOrders()


class OrderDesk:
    """`Orders` from a file and from the plans; it tells, notes and counts what it passes on."""

    def __init__(
        self,
        source: OrderSource,
        plans: PlanBoard,
        *,
        symbols: Collection[str],
        notes: Notes,
        metrics: OrdersMetrics,
    ) -> None:
        self._source, self._plans, self._symbols = source, plans, symbols
        self._notes, self._metrics = notes, metrics
        text = notes.noted(ORDERS_KEY)
        self._spoken = () if text is None else read_spoken(text)
        self._heard: dict[str, int] = {}
        """Sequence of the last order that each market heard, this life's or an earlier one's."""
        self._complained: set[str] = set()

    # --- for the panel ---------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """Another number whenever another file was read."""
        return self._source.revision

    def observe(self, facts: PlanFacts, now: Seconds) -> None:
        """Step the plans, with the orders about them."""
        orders = self._source.standing().plans
        for name in self._plans.step(facts, orders, now):
            self._speak(_of_plan(name, orders[name], now))
        for problem in self.unheeded():
            if problem not in self._complained:
                self._complained.add(problem)
                log.warning("operator_order_unheeded", why=problem)

    def heard(self, symbol: str, now: Seconds, *, after: int) -> Heard:
        """Give what is said of a market, or of the EXCHANGE; orders only with a later sequence."""
        standing, is_market = self._source.standing(), symbol != EXCHANGE
        order = standing.order(symbol) if is_market else standing.markets.get(ALL)
        plan = self._plans.wish(symbol)
        wishes = {} if plan is None else {Machine.EMERGENCY: plan}
        self._heard[symbol] = after
        if order is None or order.sequence <= after:
            return Heard(wishes=wishes, sequence=after)
        self._heard[symbol] = order.sequence
        self._speak(_of_market(order, now))
        is_resumed = order.kind is OrderKind.RESUME
        causes = MARKET_CAUSES if is_market else EXCHANGE_CAUSES
        return Heard(
            wishes=wishes | ({Machine.OPERATOR: order.wish} if is_market else {}),
            released=causes if is_resumed else NO_CAUSES,
            is_resumed=is_resumed,
            sequence=order.sequence,
        )

    # --- for people ------------------------------------------------------------------------------

    def unheeded(self) -> tuple[str, ...]:
        """Tell each order that does nothing, in a sentence: what it names is not here, or it is late."""
        standing = self._source.standing()
        return (
            *self._strange("plan", standing.plans, self._plans.names),
            *self._strange("market", standing.markets, {*self._symbols, ALL}),
            *self._late(
                {
                    name: (order.sequence, self._plans.obeyed(name))
                    for name, order in standing.plans.items()
                    if name in self._plans.names
                }
            ),
            *self._late(
                {
                    symbol: (order.sequence, heard)
                    for symbol, heard in self._heard.items()
                    if symbol != EXCHANGE and (order := standing.order(symbol)) is not None
                }
            ),
        )

    def explain(self) -> Mapping[str, object]:
        """Tell what stands, what was obeyed last, and what does nothing."""
        standing = self._source.standing()
        return {
            "file_problem": self._source.problem,
            "standing": [
                {
                    "sequence": each.sequence,
                    "order": each.kind.value,
                    "subject": each.subject,
                    "by": each.by,
                    "reason": each.reason,
                    "at_seconds": each.at,
                }
                for each in sorted(standing.markets.values(), key=lambda each: each.sequence)
            ],
            "last_spoken": [
                {
                    "sequence": each.sequence,
                    "order": each.order.value,
                    "subject": each.subject,
                    "by": each.by,
                    "reason": each.reason,
                    "spoken_at_seconds": each.at,
                }
                for each in self._spoken[-SHOWN_SPOKEN:]
            ],
            "unheeded": list(self.unheeded()),
        }

    def explain_plans(self) -> Mapping[str, object]:
        """Tell where each plan stands."""
        return self._plans.explain()

    # --- within ----------------------------------------------------------------------------------

    def _speak(self, spoken: SpokenOrder) -> None:
        """Note, log and count an order, once for all markets that hear it."""
        if any(replace(each, at=spoken.at) == spoken for each in self._spoken):
            return
        self._spoken = (*self._spoken, spoken)[-MOST_SPOKEN:]
        self._notes.note(ORDERS_KEY, spoken_text(self._spoken))
        self._metrics.spoken.labels(spoken.order.value).inc()
        log.warning(
            "operator_order_spoken",
            order=spoken.order.value,
            subject=spoken.subject,
            by=spoken.by,
            reason=spoken.reason,
            sequence=spoken.sequence,
        )

    @staticmethod
    def _strange(
        what: str, named: Mapping[str, Order | PlanOrder], known: Collection[str]
    ) -> list[str]:
        among = ", ".join(sorted(known)) or "none"
        return [
            f"expected a {what} among {among} in the order {order.sequence} of {order.by}, found"
            f" {name}: correct the name"
            for name, order in named.items()
            if name not in known
        ]

    @staticmethod
    def _late(subject_to_sequences: Mapping[str, tuple[int, int]]) -> list[str]:
        return [
            f"expected an order about {subject} later than {obeyed}, which was obeyed already,"
            f" found {given}: set the clock where orders are given, and give it again"
            for subject, (given, obeyed) in subject_to_sequences.items()
            if given < obeyed
        ]


def _of_market(order: Order, now: Seconds) -> SpokenOrder:
    return SpokenOrder(
        sequence=order.sequence,
        order=order.kind,
        subject=order.subject,
        by=order.by,
        reason=order.reason,
        at=now,
    )


def _of_plan(name: str, order: PlanOrder, now: Seconds) -> SpokenOrder:
    return SpokenOrder(
        sequence=order.sequence,
        order=OrderKind.PLAN_START if order.starts else OrderKind.PLAN_STOP,
        subject=name,
        by=order.by,
        reason=order.reason,
        at=now,
    )
