"""What the transports count, by endpoint name and by method from a closed list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from runtime.errors import TransientError
from runtime.metrics import counter, gauge, histogram
from runtime.rpc.errors import BadAnswer, Behind, ExecutionReverted, RateLimited, RpcTransient

METHODS: Final = (
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_sendRawTransaction",
    "eth_sendRawTransactionSync",
    "eth_subscribe",
    "realtime_sendRawTransaction",
    "batch",
    "other",
)


class CallOutcome(Enum):
    """How a call ended."""

    ANSWERED = "answered"
    REVERTED = "reverted"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    BAD_ANSWER = "bad_answer"
    TRANSIENT = "transient"


def outcome_of(error: Exception | None) -> CallOutcome:
    """Tell under which outcome an error is counted."""
    match error:
        case None:
            return CallOutcome.ANSWERED
        case ExecutionReverted():
            return CallOutcome.REVERTED
        case RateLimited():
            return CallOutcome.RATE_LIMITED
        case BadAnswer():
            return CallOutcome.BAD_ANSWER
        case Behind() | RpcTransient() | TransientError():
            return CallOutcome.TRANSIENT
        case _:
            return CallOutcome.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointMetrics:
    """The series of one endpoint, looked up once so that counting costs no lock on labels."""

    requests: Mapping[tuple[str, CallOutcome], Counter]
    latency: Mapping[str, Histogram]
    reconnects: Counter
    dropped_notifications: Counter
    high_water_refusals: Counter
    connected: Gauge

    def count(self, method: str, seconds: float, error: Exception | None = None) -> None:
        """Count one call that took `seconds`."""
        name = method if method in self.latency else "other"
        self.requests[name, outcome_of(error)].inc()
        self.latency[name].observe(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcMetrics:
    """The collectors of all endpoints."""

    by_endpoint: Mapping[str, EndpointMetrics]

    @classmethod
    def create(cls, registry: CollectorRegistry, endpoints: Sequence[str]) -> "RpcMetrics":
        """Make the collectors for the endpoints of these names."""
        names = {"endpoint": tuple(endpoints)}
        requests = counter(
            registry,
            "bellkeeper_rpc_requests_total",
            "JSON-RPC calls by method and how they ended.",
            {**names, "method": METHODS, "outcome": tuple(item.value for item in CallOutcome)},
        )
        latency = histogram(
            registry,
            "bellkeeper_rpc_request_duration_seconds",
            "Time from asking to the answer or the error.",
            {**names, "method": METHODS},
        )
        reconnects = counter(
            registry,
            "bellkeeper_rpc_reconnects_total",
            "WebSocket connections that were lost and tried again.",
            names,
        )
        dropped = counter(
            registry,
            "bellkeeper_rpc_dropped_notifications_total",
            "Notifications dropped because their consumer was too slow; it was told to resync.",
            names,
        )
        refusals = counter(
            registry,
            "bellkeeper_rpc_high_water_refusals_total",
            "Answers and heads refused because the endpoint was behind what we had seen.",
            names,
        )
        connected = gauge(
            registry,
            "bellkeeper_rpc_websocket_connections",
            "Open WebSocket connections.",
            names,
        )
        return cls(
            by_endpoint={
                name: EndpointMetrics(
                    requests={
                        (method, outcome): requests.labels(name, method, outcome.value)
                        for method in METHODS
                        for outcome in CallOutcome
                    },
                    latency={method: latency.labels(name, method) for method in METHODS},
                    reconnects=reconnects.labels(name),
                    dropped_notifications=dropped.labels(name),
                    high_water_refusals=refusals.labels(name),
                    connected=connected.labels(name),
                )
                for name in endpoints
            }
        )

    @classmethod
    def unregistered(cls, endpoints: Sequence[str]) -> "RpcMetrics":
        """Make collectors that nobody scrapes, for commands and tests."""
        return cls.create(CollectorRegistry(), endpoints)
