"""What the breaker panel exports: what each market ought to be, how near it is to its band, and trips."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from risk.band_state import BandDecision, Stage
from risk.integrity import IntegrityDecision
from risk.integrity_rules import Cause
from risk.market import Market
from risk.precedence import Machine, Wanted
from risk.units import PPM_SCALE, Seconds, div_floor
from runtime.metrics import counter, gauge

NO_CAUSE: Final = "none"
LOW: Final = "low"
HIGH: Final = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelMetrics:
    """Collectors of the breaker panel."""

    wanted_status: Gauge
    chain_status: Gauge
    stage: Gauge
    stage_age: Gauge
    distance: Gauge
    trips: Counter

    @classmethod
    def create(cls, registry: CollectorRegistry, *, symbols: Sequence[str]) -> "PanelMetrics":
        """Create the collectors on a registry, with every label combination there is."""
        by_market = {"market": symbols}
        return cls(
            wanted_status=gauge(
                registry,
                "bellkeeper_breaker_wanted_status",
                "What the market ought to allow: 0 open, 1 limit, 2 reduce-only, 3 halted.",
                by_market,
            ),
            chain_status=gauge(
                registry,
                "bellkeeper_breaker_chain_status",
                "What the market allows on chain, in the same numbers.",
                by_market,
            ),
            stage=gauge(
                registry,
                "bellkeeper_breaker_band_stage",
                "1 for the stage of the market's price band.",
                {"market": symbols, "stage": [stage.value for stage in Stage]},
            ),
            stage_age=gauge(
                registry,
                "bellkeeper_breaker_band_stage_age_seconds",
                "How long the stage lasts, on the venue's clock.",
                by_market,
            ),
            distance=gauge(
                registry,
                "bellkeeper_breaker_band_distance_ratio",
                "Distance of the mark from an edge of the wanted band, as a share of the mark.",
                {"market": symbols, "edge": [LOW, HIGH]},
            ),
            trips=counter(
                registry,
                "bellkeeper_breaker_trips_total",
                "Times that a market had to be restricted more, by machine and cause.",
                {
                    "machine": [machine.value for machine in Machine],
                    "cause": [NO_CAUSE, *(cause.value for cause in Cause)],
                },
            ),
        )

    def count_trip(self, symbol: str, wanted: Wanted, doubt: IntegrityDecision) -> None:
        """Count that a market (told in the log line) has to be restricted more."""
        assert symbol
        machine = Machine.BAND if wanted.by is None else wanted.by
        is_doubt = machine is Machine.INTEGRITY and doubt.causes
        cause = doubt.causes[0].cause.value if is_doubt else NO_CAUSE
        self.trips.labels(machine.value, cause).inc()

    def show(
        self,
        market: Market,
        wanted: Wanted,
        decision: BandDecision,
        since: Seconds | None,
        now: Seconds,
    ) -> None:
        """Set a market's gauges."""
        symbol = market.symbol
        self.wanted_status.labels(symbol).set(wanted.status)
        self.chain_status.labels(symbol).set(market.status)
        for stage in Stage:
            self.stage.labels(symbol, stage.value).set(stage is decision.stage)
        self.stage_age.labels(symbol).set(0 if since is None else now - since)
        if wanted.band is not None and market.mark > 0:
            for edge, price in ((LOW, wanted.band.low), (HIGH, wanted.band.high)):
                share = div_floor(abs(price - market.mark) * PPM_SCALE, market.mark)
                self.distance.labels(symbol, edge).set(share / PPM_SCALE)
