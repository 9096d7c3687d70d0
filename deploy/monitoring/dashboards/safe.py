"""Is the network safe? One screen for three in the morning: a verdict, and what it is made of."""

from typing import Final

from deploy.monitoring.alert import JOB, Board, Severity
from deploy.monitoring.dashboards.panels import (
    Color,
    Dashboard,
    Kind,
    Panel,
    Row,
    Shape,
    Target,
    Unit,
    above,
    below,
    one,
)
from deploy.monitoring.dashboards.promises import PROMISES
from deploy.monitoring.dashboards.queries import worst
from deploy.monitoring.dashboards.safe_parts import BACKLOG, FEED, MONEY
from deploy.monitoring.dashboards.states import yes_no
from deploy.monitoring.objectives import CHAIN_STALLED_SECONDS

_FIRING: Final = 'ALERTS{alertstate="firing", '


def _count(severity: Severity) -> str:
    """Count what fires; -1 while the rules themselves are not heard of."""
    return (
        f'(count({_FIRING}severity="{severity.value}"}}) or vector(0))\n'
        f'and on () (count({_FIRING}alertname="DeadMansSwitch"}}) > 0)\nor vector(-1)'
    )


_VERDICT: Final = Row(
    title="Verdict",
    height=4,
    panels=(
        Panel(
            key="verdict",
            title="Is the network safe?",
            text="Pages that fire now. Red: open the first alert of the table below and follow its runbook; BLIND means that no keeper is scraped or no rule runs, so nothing on this screen is to be believed.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(_count(Severity.PAGE), "pages"),
            limits=above(1),
            words={
                0: ("YES: no page fires", Color.GOOD),
                -1: ("BLIND", Color.BAD),
            },
            width=6,
            runbooks=("NoKeeper", "DeadMansSwitch"),
        ),
        Panel(
            key="tickets",
            title="Tickets",
            text="Tickets that fire now. Orange: nobody need be woken, look in working hours.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(_count(Severity.TICKET), "tickets"),
            limits=above(1_000, doubt=1),
            width=3,
            runbooks=("DeadMansSwitch",),
        ),
        Panel(
            key="keepers",
            title="Keepers that answer",
            text="Keepers whose pages Prometheus reads. Red: none does; start one before you look for the cause.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(f'sum(up{{job="{JOB}"}}) or vector(0)', "up"),
            limits=below(1),
            width=3,
            runbooks=("KeeperDown", "NoKeeper"),
            boards=(Board.KEEPER,),
        ),
        Panel(
            key="ready",
            title="Keepers that act",
            text="Keepers that follow the chain and trust what they hold. Red: none may act, so nothing is liquidated; look at endpoints and resyncs.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one("sum(bellkeeper_state_trusted * bellkeeper_feed_following)", "ready"),
            limits=below(1),
            width=3,
            runbooks=("StateNotTrusted", "ResyncLoop"),
            boards=(Board.KEEPER,),
        ),
        Panel(
            key="head_age",
            title="Newest block",
            text="Age of the newest block that any keeper has seen. Red: the chain stands or every endpoint does; see which, and halt what must not open into a gap.",
            kind=Kind.STAT,
            unit=Unit.SECONDS,
            targets=one("time() - max(bellkeeper_feed_head_timestamp_seconds > 0)", "age"),
            limits=above(CHAIN_STALLED_SECONDS),
            width=3,
            decimals=0,
            runbooks=("ChainStalled",),
            boards=(Board.KEEPER,),
        ),
        Panel(
            key="halted",
            title="Halted markets",
            text="Markets in which nothing trades and nobody is liquidated. Orange: read why before you resume one.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            targets=one(
                'sum(max by (market) (bellkeeper_market_status{status="halted"}))',
                "halted",
            ),
            limits=above(1_000, doubt=1),
            width=3,
            runbooks=("MarketHalted", "IntegrityBreakerTripped"),
            boards=(Board.MARKET,),
        ),
        Panel(
            key="withdrawals",
            title="Withdrawals",
            text="Whether withdrawals ought to be closed. Red: somebody may be taking money that is not theirs; only the owner opens them again.",
            kind=Kind.STAT,
            unit=Unit.STATE,
            targets=one(worst("bellkeeper_withdrawal_gate_closed"), "gate"),
            words=yes_no("CLOSED", "open", good=False),
            limits=above(1),
            width=3,
            runbooks=("WithdrawalsClosed",),
        ),
    ),
)

_ALERTS: Final = Row(
    title="What fires, and who waits",
    height=7,
    panels=(
        Panel(
            key="alerts",
            title="Alerts that fire",
            text="Every alert that fires, by severity; DeadMansSwitch, the heartbeat, is always there. For each page: open its runbook, docs/runbooks under the alert's name.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            targets=(
                Target(
                    expr='sum by (severity, alertname, market) (ALERTS{alertstate="firing"})',
                    legend="{{alertname}}",
                    shape=Shape.TABLE,
                ),
            ),
            sorted_by=("severity",),
            runbooks=("DeadMansSwitch",),
        ),
        *BACKLOG,
    ),
)

SAFE: Final = Dashboard(
    board=Board.SAFE,
    title="Is the network safe?",
    text="One screen for whoever was woken: what fires, which promise is broken, who waits, what the exchange lacks.",
    rows=(
        _VERDICT,
        PROMISES,
        _ALERTS,
        Row(title="Money and feed", height=6, panels=(*MONEY, *FEED)),
    ),
)
