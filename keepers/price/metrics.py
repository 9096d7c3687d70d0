"""What the price keeper exports. Labels are closed sets."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from keepers.price.outcome import PriceCycle
from risk.price_publication import PriceCode, Silence
from runtime.metrics import counter, gauge, histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMetrics:
    """Collectors of the price keeper."""

    cycles: Counter
    last_cycle: Gauge
    published: Counter
    answers: Counter
    not_mined: Counter
    silent: Gauge
    latency: Histogram

    @classmethod
    def create(cls, registry: CollectorRegistry) -> "PriceMetrics":
        """Create the collectors, with all of their series, on a registry."""
        return cls(
            cycles=counter(
                registry,
                "bellkeeper_price_cycles_total",
                "Cycles of the price keeper.",
                {"outcome": [outcome.value for outcome in PriceCycle]},
            ),
            last_cycle=gauge(
                registry,
                "bellkeeper_price_last_cycle_timestamp_seconds",
                "When the last cycle ended.",
            ),
            published=counter(
                registry, "bellkeeper_prices_sent_total", "Prices handed to the sender."
            ),
            answers=counter(
                registry,
                "bellkeeper_price_answers_total",
                "What the exchange said of each price that was published.",
                {"code": [code.name.lower() for code in PriceCode]},
            ),
            not_mined=counter(
                registry,
                "bellkeeper_prices_not_mined_total",
                "Prices whose transaction expired, was cancelled, or reverted.",
            ),
            silent=gauge(
                registry,
                "bellkeeper_price_silent_markets",
                "Markets that the last cycle did not publish, by reason.",
                {"reason": [reason.value for reason in Silence]},
            ),
            latency=histogram(
                registry,
                "bellkeeper_price_publish_latency_seconds",
                "From the decision to publish to the receipt seen.",
            ),
        )
