"""Alerts on the way to the chain: does it move, do we follow, do the servers answer."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one
from deploy.monitoring.objectives import CHAIN_STALLED_SECONDS, ENDPOINT_FAILURE_RATIO

_KEEPER: Final = {"instance": INSTANCE, "job": JOB}
_FAILED: Final = "bad_answer|rate_limited|transient"

CHAIN_ALERTS: Final = (
    Alert(
        name="ChainStalled",
        severity=Severity.PAGE,
        expr=(
            # 0 until the first block: a keeper that has just started knows nothing of the chain.
            f"time() - max(bellkeeper_feed_head_timestamp_seconds > 0) > {CHAIN_STALLED_SECONDS}"
        ),
        hold="30s",
        summary="No keeper has seen a new block for {{ $value | humanizeDuration }}",
        description=(
            "Either the chain stands, or every endpoint does. Nothing can be liquidated, priced"
            " or halted; the first block that comes halts what the integrity rules say."
        ),
        board=Board.SAFE,
        fires=Story(
            series=one("bellkeeper_feed_head_timestamp_seconds", "0 60 60+0x5"),
            at="4m",
            value="3m 0s",
        ),
        quiet=Story(series=one("bellkeeper_feed_head_timestamp_seconds", "0 60 0+0x6"), at="4m"),
    ),
    Alert(
        name="StateNotTrusted",
        severity=Severity.PAGE,
        expr="bellkeeper_state_trusted == 0",
        hold="1m",
        summary="Keeper {{ $labels.instance }} does not trust its state of the exchange",
        description=(
            "The feed lost touch or found a contradiction, and no snapshot has replaced it for a"
            " minute. This keeper acts on nothing meanwhile."
        ),
        board=Board.KEEPER,
        fires=Story(series=one("bellkeeper_state_trusted", "1 0+0x5"), at="3m", labels=_KEEPER),
        quiet=Story(series=one("bellkeeper_state_trusted", "1 0 1+0x5"), at="3m"),
    ),
    Alert(
        name="FeedDiverged",
        severity=Severity.TICKET,
        expr="sum by (instance, what) (increase(bellkeeper_feed_divergences_total[1h])) > 0",
        hold="0s",
        summary="Keeper {{ $labels.instance }} held another {{ $labels.what }} than the chain",
        description=(
            "A sample re-read from the chain differed from what the keeper had applied. It has"
            " taken a new snapshot, so it acts on the truth now; that it could differ is a bug."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_feed_divergences_total", "0 0 1 1 1 1", what="account"),
            at="4m",
            labels={"instance": INSTANCE, "what": "account"},
        ),
        quiet=Story(
            series=one("bellkeeper_feed_divergences_total", "3+0x5", what="account"), at="4m"
        ),
    ),
    Alert(
        name="LogsLost",
        severity=Severity.TICKET,
        expr=(
            'sum by (instance) (increase(bellkeeper_feed_logs_healed_total{cause="lost"}[1h])) > 0'
        ),
        hold="0s",
        summary="An endpoint loses logs of the exchange on {{ $labels.instance }}",
        description=(
            "The audit of sealed blocks found logs that the subscription never brought. They were"
            " applied late: the cost is time, and the endpoint is not to be relied on."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_feed_logs_healed_total", "0 0 2 2 2 2", cause="lost"),
            at="4m",
            labels={"instance": INSTANCE},
        ),
        quiet=Story(
            series=one("bellkeeper_feed_logs_healed_total", "0 5 9 9 9 9", cause="late"), at="4m"
        ),
    ),
    Alert(
        name="ResyncLoop",
        severity=Severity.TICKET,
        expr='sum by (instance) (increase(bellkeeper_feed_resyncs_total{reason!="start"}[15m])) > 3',
        hold="0s",
        summary="Keeper {{ $labels.instance }} takes snapshot after snapshot",
        description=(
            "More than three in 15 minutes, each a pause in which it acts on nothing."
            " `bellkeeper_feed_resyncs_total` has the reasons."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_feed_resyncs_total", "0+1x9", reason="gap"),
            at="8m",
            labels={"instance": INSTANCE},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_feed_resyncs_total", "0 1 2 2+0x9", reason="gap"),
                **one("bellkeeper_feed_resyncs_total", "0+1x12", reason="start"),
            },
            at="8m",
        ),
    ),
    Alert(
        name="EndpointFailing",
        severity=Severity.TICKET,
        expr=(
            f'sum by (instance, endpoint) (rate(bellkeeper_rpc_requests_total{{outcome=~"{_FAILED}"}}[5m]))\n'
            "/\nsum by (instance, endpoint) (rate(bellkeeper_rpc_requests_total[5m]))\n"
            f"> {ENDPOINT_FAILURE_RATIO}"
        ),
        hold="5m",
        summary="Endpoint {{ $labels.endpoint }} fails {{ $labels.instance }}",
        description=(
            "{{ $value | humanizePercentage }} of the calls to it were not answered, badly"
            " answered or turned away. The pool prefers the others, if there are any."
        ),
        board=Board.KEEPER,
        fires=Story(
            series={
                **one(
                    "bellkeeper_rpc_requests_total",
                    "0+30x20",
                    endpoint="alpha",
                    method="eth_call",
                    outcome="rate_limited",
                ),
                **one(
                    "bellkeeper_rpc_requests_total",
                    "0+30x20",
                    endpoint="alpha",
                    method="eth_call",
                    outcome="answered",
                ),
            },
            at="12m",
            labels={"instance": INSTANCE, "endpoint": "alpha"},
            value="50%",
        ),
        quiet=Story(
            series={
                **one(
                    "bellkeeper_rpc_requests_total",
                    "0+30x20",
                    endpoint="alpha",
                    method="eth_call",
                    outcome="reverted",
                ),
                **one(
                    "bellkeeper_rpc_requests_total",
                    "0+3x20",
                    endpoint="alpha",
                    method="eth_call",
                    outcome="transient",
                ),
            },
            at="12m",
        ),
    ),
    Alert(
        name="WebSocketLost",
        severity=Severity.TICKET,
        expr=(
            "bellkeeper_rpc_websocket_connections == 0\n"
            "and\nincrease(bellkeeper_rpc_reconnects_total[15m]) > 0"
        ),
        hold="2m",
        summary="No WebSocket from {{ $labels.instance }} to {{ $labels.endpoint }}",
        description=(
            "It was lost and does not come back. Without any WebSocket the keeper polls, and"
            " sees prices later."
        ),
        board=Board.KEEPER,
        fires=Story(
            series={
                **one("bellkeeper_rpc_websocket_connections", "1 0+0x9", endpoint="alpha"),
                **one("bellkeeper_rpc_reconnects_total", "0 1+1x9", endpoint="alpha"),
            },
            at="5m",
            labels={**_KEEPER, "endpoint": "alpha"},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_rpc_websocket_connections", "0+0x9", endpoint="http-only"),
                **one("bellkeeper_rpc_reconnects_total", "0+0x9", endpoint="http-only"),
                **one("bellkeeper_rpc_websocket_connections", "1+0x9", endpoint="alpha"),
                **one("bellkeeper_rpc_reconnects_total", "0+1x9", endpoint="alpha"),
            },
            at="5m",
        ),
    ),
)
