"""What the deleverage keeper exports. Labels are closed sets and markets; never an account."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from keepers.deleverage.outcome import NOT_MINED, UNSEEN, DeleverageCycle
from risk.deleverage_need import WaitReason
from risk.deleverage_rules import DeleverageCode
from runtime.metrics import counter, gauge, histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageMetrics:
    """Collectors of the deleverage keeper."""

    cycles: Counter
    cycle_duration: Histogram
    last_cycle: Gauge
    bankrupt: Gauge
    in_need: Gauge
    shortfall: Gauge
    uncovered: Gauge
    waiting: Gauge
    batches_in_flight: Gauge
    touched: Gauge
    planned: Counter
    results: Counter
    other_size: Counter
    closed: Counter
    given_up: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "DeleverageMetrics":
        """Create the collectors, with all of their series, on a registry."""
        results = [*(code.value for code in DeleverageCode), NOT_MINED, UNSEEN]
        return cls(
            cycles=counter(
                registry,
                "bellkeeper_deleverage_cycles_total",
                "Cycles of the deleverage keeper.",
                {"outcome": [outcome.value for outcome in DeleverageCycle]},
            ),
            cycle_duration=histogram(
                registry,
                "bellkeeper_deleverage_cycle_duration_seconds",
                "Time of a cycle in which somebody was bankrupt.",
            ),
            last_cycle=gauge(
                registry,
                "bellkeeper_deleverage_last_cycle_timestamp_seconds",
                "When the last cycle ended.",
            ),
            bankrupt=gauge(
                registry,
                "bellkeeper_deleverage_bankrupt_accounts",
                "Accounts whose equity is below 0.",
            ),
            in_need=gauge(
                registry,
                "bellkeeper_deleverage_positions_in_need",
                "Bankrupt positions, of those judged last, that nobody but others in profit can carry.",
            ),
            shortfall=gauge(
                registry,
                "bellkeeper_deleverage_shortfall_usd",
                "What all bankrupt accounts owe together.",
            ),
            uncovered=gauge(
                registry,
                "bellkeeper_deleverage_uncovered_usd",
                "What of it insurance fund and backstop headroom together lack.",
            ),
            waiting=gauge(
                registry,
                "bellkeeper_deleverage_waiting_positions",
                "Bankrupt positions that the last plan left alone, or not closed to the end.",
                {"reason": [reason.value for reason in WaitReason]},
            ),
            batches_in_flight=gauge(
                registry,
                "bellkeeper_deleverage_batches_in_flight",
                "Deleverage transactions on their way.",
            ),
            touched=gauge(
                registry,
                "bellkeeper_deleverage_counterparties_touched",
                "Counterparties taken in this round.",
            ),
            planned=counter(
                registry, "bellkeeper_deleverage_items_planned_total", "Items sent to the chain."
            ),
            results=counter(
                registry,
                "bellkeeper_deleverage_results_total",
                "What became of the items sent, as seen on chain.",
                {"result": results},
            ),
            other_size=counter(
                registry,
                "bellkeeper_deleverage_other_size_total",
                "Items that closed another size than planned: something moved in between.",
            ),
            closed=counter(
                registry,
                "bellkeeper_deleverage_closed_usd_total",
                "Notional closed on each side, at the mark it was planned on.",
            ),
            given_up=counter(
                registry,
                "bellkeeper_deleverage_given_up_usd_total",
                "What counterparties gave up against the mark it was planned on.",
            ),
        )
