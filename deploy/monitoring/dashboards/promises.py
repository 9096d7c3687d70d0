"""The four objectives: kept now, how fast their budgets burn, what is left of a month's."""

from typing import Final

from deploy.monitoring.alert import Severity
from deploy.monitoring.dashboards.panels import (
    Color,
    Kind,
    Limits,
    Panel,
    Row,
    Target,
    Unit,
    above,
)
from deploy.monitoring.dashboards.states import BROKEN
from deploy.monitoring.objectives import (
    BREAKER,
    BREAKER_SECONDS,
    BURNS,
    OBJECTIVES,
    Burn,
    Objective,
)
from deploy.monitoring.recording import NOW, RATIO

MONTH: Final = "30d"
_STEP: Final = "5m"
_LITTLE_LEFT: Final = 0.25
_RUNBOOKS: Final = tuple(objective.alert for objective in OBJECTIVES)


def _chosen(family: str, objective: Objective) -> str:
    """Give an objective's worst series: that of the mark has one for each market."""
    return f'max by (objective) ({family}{{objective="{objective.key}"}})'


def _now(objective: Objective) -> Target:
    # Writes of breakers are events: whether the promise is kept now is whether the last ones kept it.
    expr = (
        f"{_chosen(f'{RATIO}5m', objective)} > bool {objective.budget:.6g}"
        if objective is BREAKER
        else _chosen(NOW, objective)
    )
    return Target(expr=expr, legend=objective.key)


def _burning(objective: Objective, burn: Burn) -> Target:
    expr = f"{_chosen(f'{RATIO}{burn.long}', objective)} / {objective.budget:.6g}"
    return Target(expr=expr, legend=objective.key)


def _left(objective: Objective) -> Target:
    """Ask for the share of a month's budget that is left; below 0 it is overspent."""
    if objective is BREAKER:
        name = "bellkeeper_breaker_reaction_seconds"
        broken = (
            f'(1 -\n  sum(increase({name}_bucket{{le="{BREAKER_SECONDS}"}}[{MONTH}]))\n'
            f"  / sum(increase({name}_count[{MONTH}])))"
        )
    else:
        recent = f'{RATIO}{_STEP}{{objective="{objective.key}"}}'
        # In its first minutes a Prometheus has no past to average: what holds now stands for it.
        broken = f"max by (objective) (avg_over_time({recent}[{MONTH}:{_STEP}])\n  or\n{recent})"
    return Target(expr=f"1 - {broken} / {objective.budget:.6g}", legend=objective.key)


def _burn_panel(burn: Burn) -> Panel:
    is_page = burn.severity is Severity.PAGE
    limits: Limits = (
        above(burn.factor) if is_page else ((Color.GOOD, None), (Color.DOUBT, burn.factor))
    )
    what = (
        "follow the runbook of that objective now" if is_page else "find the cause in working hours"
    )
    return Panel(
        key=f"burn_{burn.long}",
        title=f"Burn rate, {burn.long}",
        text=f"How many times faster than a month's budget allows each promise was broken in the last {burn.long}. From {burn.factor:g} × on: {what}.",
        kind=Kind.STAT,
        unit=Unit.TIMES,
        targets=tuple(_burning(objective, burn) for objective in OBJECTIVES),
        limits=limits,
        width=5,
        decimals=1,
        runbooks=_RUNBOOKS,
    )


PROMISES: Final = Row(
    title="Promises: " + " · ".join(f"{each.key} {each.target * 100:g} %" for each in OBJECTIVES),
    height=5,
    panels=(
        Panel(
            key="kept",
            title="Kept now",
            text="Whether each promise is kept at this moment (by breakers: in the last 5 minutes). Red: follow the runbook of that objective.",
            kind=Kind.STAT,
            unit=Unit.STATE,
            targets=tuple(map(_now, OBJECTIVES)),
            words=BROKEN,
            limits=above(1),
            width=4,
            runbooks=_RUNBOOKS,
        ),
        *map(_burn_panel, BURNS),
        Panel(
            key="left",
            title=f"Budget left of {MONTH}",
            text="Share of a month's error budget that is left. Red: it is spent, so change nothing that is not a repair until it has come back.",
            kind=Kind.BARS,
            unit=Unit.SHARE,
            targets=tuple(map(_left, OBJECTIVES)),
            limits=((Color.BAD, None), (Color.DOUBT, 0), (Color.GOOD, _LITTLE_LEFT)),
            width=5,
            decimals=0,
            runbooks=_RUNBOOKS,
        ),
    ),
)
