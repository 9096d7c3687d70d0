"""Alerts on the ways between people and keepers: can we be told, can we be heard, who else tries."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one

PEOPLE_ALERTS: Final = (
    Alert(
        name="NotificationsFailing",
        severity=Severity.TICKET,
        expr=(
            "sum by (instance, channel)"
            ' (increase(bellkeeper_notifications_total{outcome=~"failed|dropped"}[30m])) > 0'
        ),
        hold="0s",
        summary="Notices by {{ $labels.channel }} do not arrive",
        description=(
            "{{ $labels.instance }} gave up at least one in half an hour: the other side refuses"
            " it, did not answer for a minute, or too many waited. Other channels are not affected."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one(
                "bellkeeper_notifications_total", "0 0 1+0x8", channel="slack", outcome="failed"
            ),
            at="5m",
            labels={"instance": INSTANCE, "channel": "slack"},
        ),
        quiet=Story(
            series={
                **one(
                    "bellkeeper_notifications_total", "7+0x10", channel="slack", outcome="failed"
                ),
                **one(
                    "bellkeeper_notifications_total", "0+1x10", channel="slack", outcome="retried"
                ),
                **one("bellkeeper_notifications_total", "0+1x10", channel="slack", outcome="sent"),
            },
            at="5m",
        ),
    ),
    Alert(
        name="LanePaused",
        severity=Severity.TICKET,
        expr='bellkeeper_sender_halted{reason="paused"} == 1',
        hold="30m",
        summary="Lane {{ $labels.lane }} has been paused for half an hour",
        description=(
            "An operator paused it on {{ $labels.instance }}, and it signs nothing new until"
            " somebody resumes it, over restarts too."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_sender_halted", "0 1+0x40", lane="urgent", reason="paused"),
            at="35m",
            labels={"instance": INSTANCE, "lane": "urgent", "job": JOB, "reason": "paused"},
        ),
        quiet=Story(
            series={
                **one(
                    "bellkeeper_sender_halted", "1+0x20 0 1+0x20", lane="urgent", reason="paused"
                ),
                **one("bellkeeper_sender_halted", "1+0x40", lane="pricer", reason="funds"),
            },
            at="35m",
        ),
    ),
    Alert(
        name="AdminAccessRefused",
        severity=Severity.TICKET,
        expr=(
            "sum by (instance)"
            ' (increase(bellkeeper_admin_requests_total{outcome="not_let_in"}[15m])) > 5'
        ),
        hold="0s",
        summary="Somebody tries to give orders to {{ $labels.instance }} and may not",
        description=(
            "More than five requests to the admin listener in 15 minutes had no token of this"
            " keeper, or came from another user: a wrong token in a script, or somebody who guesses."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_admin_requests_total", "0+2x9", outcome="not_let_in"),
            at="8m",
            labels={"instance": INSTANCE},
        ),
        quiet=Story(
            series={
                **one("bellkeeper_admin_requests_total", "0 1 2 2+0x6", outcome="not_let_in"),
                **one("bellkeeper_admin_requests_total", "0+9x9", outcome="refused"),
            },
            at="8m",
        ),
    ),
)
