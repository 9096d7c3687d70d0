"""What the corporate desk exports. Labels are closed sets: markets and stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

from risk.corporate_state import Stage
from runtime.metrics import counter, gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionMetrics:
    """Collectors of the corporate desk."""

    stage: Gauge
    actions: Gauge
    entered: Counter
    alarming: Gauge
    alarms: Counter
    differences: Counter
    unreadable: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry, *, symbols: Sequence[str]) -> "ActionMetrics":
        """Create the collectors, with all of their series, on a registry."""
        by_market = {"market": symbols}
        stages = {"stage": [stage.value for stage in Stage]}
        return cls(
            stage=gauge(
                registry,
                "bellkeeper_corporate_stage",
                "1 for the stage of the action that a market is busy with; all 0 while it is not.",
                {**by_market, **stages},
            ),
            actions=gauge(
                registry, "bellkeeper_corporate_actions", "Actions that are known of.", stages
            ),
            entered=counter(
                registry,
                "bellkeeper_corporate_stages_total",
                "Stages that actions came to.",
                stages,
            ),
            alarming=gauge(
                registry,
                "bellkeeper_corporate_needs_operator",
                "1 while an operator must look at an action of the market.",
                by_market,
            ),
            alarms=counter(
                registry,
                "bellkeeper_corporate_alarms_total",
                "Sentences that called an operator.",
                by_market,
            ),
            differences=counter(
                registry,
                "bellkeeper_corporate_differences_total",
                "Applied actions that changed a sum that they may not.",
                by_market,
            ),
            unreadable=gauge(
                registry,
                "bellkeeper_corporate_unreadable_files",
                "Folder of actions and file of orders, as far as they cannot be read now.",
            ),
        )

    def show_market(self, symbol: str, stage: Stage | None, *, is_alarm: bool) -> None:
        """Set a market's gauges."""
        for each in Stage:
            self.stage.labels(symbol, each.value).set(each is stage)
        self.alarming.labels(symbol).set(is_alarm)

    def show_counts(self, counts: Mapping[Stage, int]) -> None:
        """Set how many actions are in each stage."""
        for stage, count in counts.items():
            self.actions.labels(stage.value).set(count)

    def count(self, stage: Stage) -> None:
        """Count that an action came to a stage."""
        self.entered.labels(stage.value).inc()
