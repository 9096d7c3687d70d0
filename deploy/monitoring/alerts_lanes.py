"""Alerts on lanes and keys: can we still sign, pay and be mined, and does anybody else use our keys."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one
from deploy.monitoring.objectives import STUCK_NONCE_SECONDS

_LANE: Final = {"instance": INSTANCE, "lane": "urgent"}
_KEEPER_LANE: Final = {**_LANE, "job": JOB}

LANE_ALERTS: Final = (
    Alert(
        name="ForeignNonce",
        severity=Severity.PAGE,
        expr=(
            "max by (instance, lane)"
            ' (bellkeeper_sender_halted{reason=~"foreign_nonce|unknown_nonces"}) == 1\n'
            "or\nsum by (instance, lane) (increase(bellkeeper_sender_foreign_nonces_total[1h])) > 0"
        ),
        hold="0s",
        summary="Somebody else signs with the key of lane {{ $labels.lane }}",
        description=(
            "A nonce of this key was used by a transaction that the journal of"
            " {{ $labels.instance }} does not know. The lane signs nothing new. Two keepers share"
            " one key, or the key is stolen."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one(
                "bellkeeper_sender_halted", "0 1+0x5", lane="urgent", reason="unknown_nonces"
            ),
            at="2m",
            labels=_LANE,
        ),
        quiet=Story(
            series={
                **one("bellkeeper_sender_halted", "0 1+0x5", lane="urgent", reason="funds"),
                **one("bellkeeper_sender_halted", "0+0x6", lane="urgent", reason="foreign_nonce"),
                **one("bellkeeper_sender_foreign_nonces_total", "2+0x6", lane="urgent"),
            },
            at="2m",
        ),
    ),
    Alert(
        name="LaneHalted",
        severity=Severity.PAGE,
        expr='bellkeeper_sender_halted{reason=~"funds|refused"} == 1',
        hold="30s",
        summary="Lane {{ $labels.lane }} signs nothing new: {{ $labels.reason }}",
        description=(
            "On {{ $labels.instance }}. `funds`: the key cannot pay for gas. `refused`: the"
            " servers refuse its transactions, the log has their words."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_sender_halted", "0 1+0x5", lane="urgent", reason="funds"),
            at="3m",
            labels={**_KEEPER_LANE, "reason": "funds"},
        ),
        quiet=Story(
            series=one("bellkeeper_sender_halted", "0 1 0+0x5", lane="urgent", reason="refused"),
            at="3m",
        ),
    ),
    Alert(
        name="KeyBalanceLow",
        severity=Severity.TICKET,
        expr="bellkeeper_sender_balance_ether < bellkeeper_sender_balance_floor_ether",
        hold="5m",
        summary="The key of lane {{ $labels.lane }} needs topping up",
        description=(
            "It holds {{ $value }} ether, less than `[sender] low_balance_wei`. The lane halts"
            " when it cannot pay, and a crash is when gas is dearest."
        ),
        board=Board.KEEPER,
        fires=Story(
            series={
                **one("bellkeeper_sender_balance_ether", "0.004+0x9", lane="urgent"),
                **one("bellkeeper_sender_balance_floor_ether", "0.01+0x9", lane="urgent"),
            },
            at="6m",
            labels=_KEEPER_LANE,
            value="0.004",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_sender_balance_ether", "0.01+0x9", lane="urgent"),
                **one("bellkeeper_sender_balance_floor_ether", "0.01+0x9", lane="urgent"),
            },
            at="6m",
        ),
    ),
    Alert(
        name="StuckNonce",
        severity=Severity.PAGE,
        expr=f"bellkeeper_sender_oldest_in_flight_seconds > {STUCK_NONCE_SECONDS}",
        hold="30s",
        summary="Lane {{ $labels.lane }} is stuck behind one transaction",
        description=(
            "Its oldest transaction waits for {{ $value | humanizeDuration }}; it was rebroadcast"
            " and replaced meanwhile. Everything behind it on {{ $labels.instance }} waits too."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_sender_oldest_in_flight_seconds", "1+60x9", lane="urgent"),
            at="3m",
            labels=_KEEPER_LANE,
            value="3m 1s",
        ),
        quiet=Story(
            series=one(
                "bellkeeper_sender_oldest_in_flight_seconds", "1 61 1 2 1 61", lane="urgent"
            ),
            at="3m",
        ),
    ),
    Alert(
        name="TransactionsReverting",
        severity=Severity.TICKET,
        expr=(
            "sum by (instance, lane)"
            ' (increase(bellkeeper_sender_transactions_total{event="reverted"}[15m])) > 3'
        ),
        hold="0s",
        summary="Transactions of lane {{ $labels.lane }} are mined and revert",
        description=(
            "More than three in 15 minutes on {{ $labels.instance }}: gas is paid for nothing. A"
            " role was taken away, the gas limit is too low, or the contract is another."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one(
                "bellkeeper_sender_transactions_total", "0+1x9", lane="urgent", event="reverted"
            ),
            at="8m",
            labels=_LANE,
        ),
        quiet=Story(
            series={
                **one(
                    "bellkeeper_sender_transactions_total", "0+9x9", lane="urgent", event="mined"
                ),
                **one(
                    "bellkeeper_sender_transactions_total",
                    "0 1 2 2+0x9",
                    lane="urgent",
                    event="reverted",
                ),
            },
            at="8m",
        ),
    ),
)
