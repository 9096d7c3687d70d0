"""A keeper's endpoints, and the queues of its keys with what the journal holds of them."""

from typing import Final

from deploy.monitoring.dashboards.panels import Kind, Panel, Row, Target, Unit, above, one
from deploy.monitoring.dashboards.queries import INSTANCE, pace, quantile
from deploy.monitoring.dashboards.states import yes_no
from deploy.monitoring.objectives import ENDPOINT_FAILURE_RATIO, STUCK_NONCE_SECONDS

_REQUESTS: Final = "bellkeeper_rpc_requests_total"
_FAILED: Final = "bad_answer|rate_limited|transient"
_LANE: Final = "{{instance}} {{lane}}"

RPC: Final = Row(
    title="Endpoints",
    height=7,
    panels=(
        Panel(
            key="requests",
            title="Calls",
            text="Calls in a second, by endpoint and how they ended.",
            unit=Unit.PER_SECOND,
            targets=pace(_REQUESTS, "endpoint, outcome", INSTANCE),
            is_stacked=True,
        ),
        Panel(
            key="failures",
            title="Failures",
            text="Share of the calls to each endpoint that were not answered, badly answered or turned away.",
            unit=Unit.SHARE,
            targets=one(
                f'sum by (instance, endpoint) (rate({_REQUESTS}{{outcome=~"{_FAILED}", {INSTANCE}}}[5m]))\n'
                f"/ sum by (instance, endpoint) (rate({_REQUESTS}{{{INSTANCE}}}[5m]))",
                "{{instance}} {{endpoint}}",
            ),
            limits=above(ENDPOINT_FAILURE_RATIO),
            runbooks=("EndpointFailing",),
        ),
        Panel(
            key="rpc_latency",
            title="Answers, 99 in 100 within",
            text="Time from asking an endpoint to the answer or the error.",
            unit=Unit.SECONDS,
            targets=one(
                quantile(0.99, "bellkeeper_rpc_request_duration_seconds", INSTANCE, by="endpoint"),
                "{{endpoint}}",
            ),
        ),
        Panel(
            key="websockets",
            title="WebSockets",
            text="Open WebSocket connections to each endpoint.",
            unit=Unit.COUNT,
            targets=one(
                f"bellkeeper_rpc_websocket_connections{{{INSTANCE}}}", "{{instance}} {{endpoint}}"
            ),
            runbooks=("WebSocketLost",),
        ),
        Panel(
            key="reconnects",
            title="Lost connections, last 15 min",
            text="WebSocket connections that were lost and tried again in the last quarter of an hour.",
            unit=Unit.COUNT,
            targets=one(
                f"sum by (instance, endpoint) (increase(bellkeeper_rpc_reconnects_total{{{INSTANCE}}}[15m]))",
                "{{instance}} {{endpoint}}",
            ),
            runbooks=("WebSocketLost",),
        ),
        Panel(
            key="behind",
            title="Answers from behind",
            text="Answers and heads refused in a second because the endpoint was behind what we had seen.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_rpc_high_water_refusals_total", "endpoint", INSTANCE),
        ),
    ),
)

LANES: Final = Row(
    title="Lanes",
    height=7,
    panels=(
        Panel(
            key="halted",
            title="Does it sign?",
            text="Whether the lane signs anything new, by the reason for which it would not.",
            kind=Kind.STATES,
            unit=Unit.STATE,
            targets=one(
                f"max by (instance, lane, reason) (bellkeeper_sender_halted{{{INSTANCE}}})",
                f"{_LANE} {{{{reason}}}}",
            ),
            words=yes_no("HALTED", "signs", good=False),
            runbooks=("LaneHalted",),
        ),
        Panel(
            key="oldest",
            title="Oldest in flight",
            text="Age of the oldest transaction that is signed and not mined.",
            unit=Unit.SECONDS,
            targets=one(f"bellkeeper_sender_oldest_in_flight_seconds{{{INSTANCE}}}", _LANE),
            limits=above(STUCK_NONCE_SECONDS),
            runbooks=("StuckNonce",),
        ),
        Panel(
            key="in_flight",
            title="In flight",
            text="Transactions that are signed and not mined.",
            unit=Unit.COUNT,
            targets=one(f"bellkeeper_sender_in_flight{{{INSTANCE}}}", _LANE),
            runbooks=("StuckNonce",),
        ),
        Panel(
            key="nonces",
            title="Next nonce",
            text="The nonce that the lane signs next: it rises with every transaction and never falls.",
            unit=Unit.COUNT,
            targets=one(f"bellkeeper_sender_next_nonce{{{INSTANCE}}}", _LANE),
        ),
        Panel(
            key="foreign",
            title="Foreign nonces, last 24 h",
            text="Nonces that a transaction used which is not ours; one is enough to move the key.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(
                f"sum by (lane) (increase(bellkeeper_sender_foreign_nonces_total{{{INSTANCE}}}[24h]))",
                "{{lane}}",
            ),
            limits=above(1),
            decimals=0,
            runbooks=("ForeignNonce",),
        ),
        Panel(
            key="balance",
            title="Ether above the floor",
            text="What each key holds beyond the balance below which it needs topping up.",
            unit=Unit.ETHER,
            targets=one(
                f"bellkeeper_sender_balance_ether{{{INSTANCE}}} - bellkeeper_sender_balance_floor_ether{{{INSTANCE}}}",
                _LANE,
            ),
            runbooks=("KeyBalanceLow",),
        ),
        Panel(
            key="decided_to_written",
            title="Decided to written, 99 in 100 within",
            text="Time from a decision to its bytes being handed to the socket.",
            unit=Unit.SECONDS,
            targets=one(
                quantile(0.99, "bellkeeper_sender_decided_to_written_seconds", INSTANCE, by="lane"),
                "{{lane}}",
            ),
        ),
        Panel(
            key="written_to_receipt",
            title="Written to receipt, 99 in 100 within",
            text="Time from a transaction's first write to its receipt.",
            unit=Unit.SECONDS,
            targets=one(
                quantile(0.99, "bellkeeper_sender_written_to_receipt_seconds", INSTANCE, by="lane"),
                "{{lane}}",
            ),
        ),
        Panel(
            key="refusals",
            title="Not signed",
            text="Submissions in a second that the lane did not sign, by reason.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_sender_refusals_total", "lane, refusal", INSTANCE),
        ),
    ),
)

JOURNAL: Final = Row(
    title="What was journaled",
    height=7,
    panels=(
        Panel(
            key="events",
            title="Steps of transactions",
            text="Steps that transactions took in a second; each was durable in the journal before it was done.",
            unit=Unit.PER_SECOND,
            targets=pace("bellkeeper_sender_transactions_total", "lane, event", INSTANCE),
            width=12,
        ),
        Panel(
            key="reverted",
            title="Reverted, replaced, failed, last 15 min",
            text="Steps of the last quarter of an hour that cost gas or time; more than 3 reverts make a ticket.",
            unit=Unit.COUNT,
            targets=(
                Target(
                    expr=(
                        "sum by (lane, event) (increase(bellkeeper_sender_transactions_total"
                        f'{{event=~"reverted|replaced|failed|cancelled|taken_back", {INSTANCE}}}[15m]))'
                    ),
                    legend="{{lane}} {{event}}",
                ),
            ),
            width=12,
            runbooks=("TransactionsReverting",),
        ),
    ),
)
