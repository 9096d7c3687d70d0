"""What the liquidation keeper exports. Labels are closed sets; never an account."""

from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from keepers.liquidation.outcome import CycleOutcome
from risk.liquidation import LiquidationCode
from risk.liquidation_values import SkipReason
from runtime.metrics import counter, gauge, histogram

NOT_MINED: Final = "not_mined"
"""The result of an item whose transaction expired, was cancelled or reverted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationMetrics:
    """Collectors of the liquidation keeper."""

    cycles: Counter
    cycle_duration: Histogram
    last_cycle: Gauge
    planned: Counter
    results: Counter
    skipped: Gauge
    stuck: Gauge
    batches_in_flight: Gauge
    rewards: Counter
    seen_to_sent: Histogram
    oldest_waiting: Gauge
    oldest_waiting_blocks: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "LiquidationMetrics":
        """Create the collectors, with all of their series, on a registry."""
        reasons = {"reason": [reason.value for reason in SkipReason]}
        results = {"result": [*(code.value for code in LiquidationCode), NOT_MINED]}
        return cls(
            cycles=counter(
                registry,
                "bellkeeper_liquidation_cycles_total",
                "Cycles of the liquidation keeper.",
                {"outcome": [outcome.value for outcome in CycleOutcome]},
            ),
            cycle_duration=histogram(
                registry,
                "bellkeeper_liquidation_cycle_duration_seconds",
                "Time of a cycle that planned: judging, planning, journaling, signing.",
            ),
            last_cycle=gauge(
                registry,
                "bellkeeper_liquidation_last_cycle_timestamp_seconds",
                "When the last cycle ended.",
            ),
            planned=counter(
                registry, "bellkeeper_liquidation_items_planned_total", "Items sent to the chain."
            ),
            results=counter(
                registry,
                "bellkeeper_liquidation_results_total",
                "What became of the items sent, as seen on chain.",
                results,
            ),
            skipped=gauge(
                registry,
                "bellkeeper_liquidation_accounts_skipped",
                "Accounts under margin that the last plan left alone, by reason.",
                reasons,
            ),
            stuck=gauge(
                registry,
                "bellkeeper_liquidation_accounts_stuck",
                "Accounts that were refused again and again and still are under margin.",
            ),
            batches_in_flight=gauge(
                registry,
                "bellkeeper_liquidation_batches_in_flight",
                "Liquidation transactions on their way.",
            ),
            rewards=counter(
                registry, "bellkeeper_liquidation_rewards_usd_total", "Keeper rewards earned."
            ),
            seen_to_sent=histogram(
                registry,
                "bellkeeper_liquidation_seen_to_sent_seconds",
                "From the change that woke the keeper to signed bytes on the socket.",
            ),
            oldest_waiting=gauge(
                registry,
                "bellkeeper_liquidation_oldest_waiting_seconds",
                "How long the account under margin that waits longest has waited (venue's clock).",
            ),
            oldest_waiting_blocks=gauge(
                registry,
                "bellkeeper_liquidation_oldest_waiting_blocks",
                "The same in blocks.",
            ),
        )
