"""What orders and emergency plans export. Labels are closed sets; plans are those that were loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from monitors.operator_orders import OrderKind
from runtime.metrics import counter, gauge

AUTOMATIC: Final = "automatic"
OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersMetrics:
    """Collectors of orders and plans."""

    running: Gauge
    starts: Counter
    spoken: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry, *, plans: Sequence[str]) -> "OrdersMetrics":
        """Create the collectors on a registry, with every label combination there is."""
        return cls(
            running=gauge(
                registry,
                "bellkeeper_breaker_plan_running",
                "1 while a step of the emergency plan is in force, on its way up or back.",
                {"plan": plans},
            ),
            starts=counter(
                registry,
                "bellkeeper_breaker_plan_starts_total",
                "Starts of the emergency plan, by its facts or by an operator.",
                {"plan": plans, "start": [AUTOMATIC, OPERATOR]},
            ),
            spoken=counter(
                registry,
                "bellkeeper_breaker_orders_total",
                "Orders of operators that were obeyed.",
                {"order": [kind.value for kind in OrderKind]},
            ),
        )
