"""Operators' orders and emergency plans put together for the breaker duty."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry

from config.breakers import Breakers
from config.plans import PLANS_DIRECTORY, check_keys, group_members, load_plans
from config.settings import Settings
from monitors.breakers.orders import NoSource, OrderDesk
from monitors.breakers.orders_metrics import OrdersMetrics
from monitors.breakers.plans import PlanBoard
from monitors.operator_orders import OperatorOrders
from risk.emergency_rules import EmergencyPlan
from risk.integrity_rules import Cause
from runtime.journal import Journal
from runtime.supervise import Worker

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOrders:
    """The desk, and the file that it reads; None where the profile names none."""

    desk: OrderDesk
    file: OperatorOrders | None

    def workers(self) -> dict[str, Worker]:
        """Name the worker that watches the file."""
        return {} if self.file is None else {"breaker_orders": self.file.run}

    def on_read(self, listener: Callable[[], None]) -> None:
        """Tell this listener whenever another file of orders was read."""
        if self.file is not None:
            self.file.on_read(listener)


def open_breaker_orders(
    settings: Settings,
    rules: Breakers,
    *,
    symbols: tuple[str, ...],
    lanes: Collection[str],
    blind: Collection[Cause],
    journal: Journal,
    registry: CollectorRegistry,
) -> BreakerOrders:
    """Load the plans, read the orders; raises OperatorError for a plan that this process cannot follow.

    `lanes` are those whose keys the process holds, `blind` the causes that it cannot see.
    """
    directory = settings.breaker.plans_directory or PLANS_DIRECTORY
    plans = load_plans(directory, groups=rules.groups)
    for plan in plans.values():
        check_keys(plan, lanes)
        _warn(plan, symbols, blind)
    path = settings.breaker.orders_file
    file = None if path is None else OperatorOrders(path)
    if file is not None:
        # Before the first step: what stands must hold from the start.
        file.read()
    metrics = OrdersMetrics.create(registry, plans=tuple(plans))
    board = PlanBoard(plans, groups=group_members(rules, symbols), notes=journal, metrics=metrics)
    desk = OrderDesk(file or NoSource(), board, symbols=symbols, notes=journal, metrics=metrics)
    return BreakerOrders(desk=desk, file=file)


def _warn(plan: EmergencyPlan, symbols: Collection[str], blind: Collection[Cause]) -> None:
    """Say what of a plan does nothing in this process; another may watch those markets."""
    unseen = sorted({each.fact.value for each in plan.when if each.fact.cause in blind})
    if unseen:
        log.warning("plan_is_blind_to", plan=plan.name, facts=unseen)
    missing = sorted(set(plan.scope.symbols) - set(symbols))
    if missing:
        log.warning("plan_names_markets_not_watched", plan=plan.name, markets=missing)
