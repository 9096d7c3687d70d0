"""Alerts on the process: is it there, does it turn, does anybody hear of it."""

from typing import Final

from deploy.monitoring.alert import INSTANCE, JOB, Alert, Board, Severity, Story, one
from deploy.monitoring.objectives import LOOP_LAG_SECONDS, NOT_CYCLING_SECONDS
from deploy.monitoring.promql import CONTRACT, known_samples

_CYCLE_SUFFIX: Final = "_last_cycle_timestamp_seconds"
_KEEPER: Final = {"instance": INSTANCE, "job": JOB}


def _not_cycling() -> str:
    """Ask every duty that stamps its cycles: one that lands with such a stamp is asked too."""
    names = sorted(
        name for name in known_samples(CONTRACT.read_text()) if name.endswith(_CYCLE_SUFFIX)
    )
    ages = [
        f'  label_replace(time() - {name}, "duty", "{_duty_of(name)}", "", "")' for name in names
    ]
    return "(\n" + "\n  or\n".join(ages) + f"\n) > {NOT_CYCLING_SECONDS}"


def _duty_of(name: str) -> str:
    return name.removeprefix("bellkeeper_").removesuffix(_CYCLE_SUFFIX)


KEEPER_ALERTS: Final = (
    Alert(
        name="DeadMansSwitch",
        severity=Severity.HEARTBEAT,
        expr=f'count(up{{job="{JOB}"}} == 1) > 0',
        hold="0s",
        summary="Monitoring is alive and scrapes at least one keeper",
        description=(
            "Always fires. Its receiver is outside and raises the alarm when this stops coming:"
            " then Prometheus, Alertmanager or every keeper is gone."
        ),
        board=Board.SAFE,
        fires=Story(series=one("up", "1+0x5"), at="2m"),
        quiet=Story(series=one("up", "0+0x5"), at="2m"),
    ),
    Alert(
        name="KeeperDown",
        severity=Severity.PAGE,
        expr=f'up{{job="{JOB}"}} == 0',
        hold="1m",
        summary="Keeper {{ $labels.instance }} does not answer",
        description=(
            "Prometheus has not reached its /metrics for a minute. While no other keeper runs"
            " the same duties, nobody liquidates, prices or halts."
        ),
        board=Board.KEEPER,
        fires=Story(series=one("up", "1 1 0+0x5"), at="4m", labels=_KEEPER),
        quiet=Story(series=one("up", "1 1 0 1+0x5"), at="4m"),
    ),
    Alert(
        name="NoKeeper",
        severity=Severity.PAGE,
        expr=f'absent(up{{job="{JOB}"}})',
        hold="2m",
        summary="Prometheus knows of no keeper at all",
        description=(
            f"There is no target of the job {JOB}: service discovery or the scrape"
            " configuration lost it. Every other alert on keepers is blind meanwhile."
        ),
        board=Board.SAFE,
        fires=Story(series={'up{job="node"}': "1+0x9"}, at="4m", labels={"job": JOB}),
        quiet=Story(series=one("up", "0+0x9"), at="4m"),
    ),
    Alert(
        name="KeeperNotCycling",
        severity=Severity.PAGE,
        expr=_not_cycling(),
        hold="1m",
        summary="Duty {{ $labels.duty }} on {{ $labels.instance }} stands still",
        description=(
            "Its last cycle ended {{ $value | humanizeDuration }} ago; it cycles several times a"
            " second. The process answers, so its supervisor does not restart it."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("bellkeeper_price_last_cycle_timestamp_seconds", "0 60+0x9"),
            at="4m",
            labels={**_KEEPER, "duty": "price"},
            value="3m 0s",
        ),
        quiet=Story(series=one("bellkeeper_price_last_cycle_timestamp_seconds", "0+60x9"), at="4m"),
    ),
    Alert(
        name="KeeperRestarting",
        severity=Severity.TICKET,
        expr=f'changes(process_start_time_seconds{{job="{JOB}"}}[30m]) >= 3',
        hold="0s",
        summary="Keeper {{ $labels.instance }} restarts again and again",
        description=(
            "{{ $value }} restarts in 30 minutes. Each costs a snapshot and the warm-up of"
            " prices, in which nobody is liquidated."
        ),
        board=Board.KEEPER,
        fires=Story(
            series=one("process_start_time_seconds", "1 1 2 2 3 3 4 4"),
            at="7m",
            labels=_KEEPER,
            value="3",
        ),
        quiet=Story(series=one("process_start_time_seconds", "1 1 2 2 3 3 3 3"), at="7m"),
    ),
    Alert(
        name="EventLoopBlocked",
        severity=Severity.TICKET,
        expr=(
            "histogram_quantile(0.99, sum by (instance, le)"
            f" (rate(bellkeeper_event_loop_lag_seconds_bucket[5m]))) > {LOOP_LAG_SECONDS}"
        ),
        hold="5m",
        summary="The event loop of {{ $labels.instance }} is late",
        description=(
            "One wake-up in a hundred came {{ $value | humanizeDuration }} late, or later: every"
            " price and every liquidation waits as long. The machine is too busy, or a bug blocks."
        ),
        board=Board.KEEPER,
        fires=Story(
            series={
                **one("bellkeeper_event_loop_lag_seconds_bucket", "0+0x20", le="0.25"),
                **one("bellkeeper_event_loop_lag_seconds_bucket", "0+60x20", le="0.5"),
                **one("bellkeeper_event_loop_lag_seconds_bucket", "0+60x20", le="+Inf"),
            },
            at="12m",
            labels={"instance": INSTANCE},
            value="497.5ms",
        ),
        quiet=Story(
            series={
                **one("bellkeeper_event_loop_lag_seconds_bucket", "0+60x20", le="0.25"),
                **one("bellkeeper_event_loop_lag_seconds_bucket", "0+60x20", le="+Inf"),
            },
            at="12m",
        ),
    ),
)
