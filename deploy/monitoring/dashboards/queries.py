"""Pieces of PromQL that boards share, and how a query runs outside Grafana."""

from collections.abc import Sequence
from typing import Final

from deploy.monitoring.dashboards.panels import Shape, Target

MARKET: Final = 'market=~"$market"'
INSTANCE: Final = 'instance=~"$instance"'
SPAN: Final = "$__rate_interval"
"""Grafana's: long enough for a rate at the width of the screen."""

_EVERYTHING: Final = {"$market": ".+", "$instance": ".+"}


def runnable(expr: str, *, span: str) -> str:
    """Give a query with all choices at "All" and rates over `span`, as Prometheus takes it."""
    for variable, value in {**_EVERYTHING, SPAN: span}.items():
        expr = expr.replace(variable, value)
    return expr


def state(metric: str, label: str, states: Sequence[str], choice: str, *, by: str) -> str:
    """Turn series of which at most one is 1 into the number of its state: its place in `states`.

    A state without a name has no series: it is the one that holds while no other does.
    """
    parts = [
        f'{metric}{{{label}="{each}", {choice}}} * {number}'
        for number, each in enumerate(states)
        if each
    ]
    return f"max by ({by}) (\n  " + "\n  or ".join(parts) + "\n)"


def quantile(share: float, metric: str, choice: str = "", *, by: str = "") -> str:
    """Give the latency within which a share of the observations lie; NaN where there were none."""
    labels = ", ".join(each for each in ("le", by) if each)
    selector = f"{metric}_bucket{{{choice}}}" if choice else f"{metric}_bucket"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({selector}[{SPAN}])))"


def half_and_most(metric: str, choice: str = "", *, by: str = "") -> tuple[Target, ...]:
    """Ask for the latency of half, and of 99 in 100."""
    suffix = f" {{{{{by}}}}}" if by else ""
    return tuple(
        Target(expr=quantile(share, metric, choice, by=by), legend=f"{name}{suffix}")
        for share, name in ((0.5, "half within"), (0.99, "99 % within"))
    )


def buckets(metric: str, choice: str = "") -> tuple[Target, ...]:
    """Ask for how many observations fell into each bucket."""
    selector = f"{metric}_bucket{{{choice}}}" if choice else f"{metric}_bucket"
    expr = f"sum by (le) (increase({selector}[{SPAN}]))"
    return (Target(expr=expr, legend="{{le}}", shape=Shape.BUCKETS),)


def pace(metric: str, by: str, choice: str = "") -> tuple[Target, ...]:
    """Ask for a counter's rate by a label."""
    selector = f"{metric}{{{choice}}}" if choice else metric
    expr = f"sum by ({by}) (rate({selector}[{SPAN}]))"
    return (Target(expr=expr, legend=" ".join(f"{{{{{each}}}}}" for each in by.split(", "))),)


def worst(metric: str, choice: str = "", *, by: str = "") -> str:
    """Ask for the largest over all instances: two keepers of one network tell one story."""
    selector = f"{metric}{{{choice}}}" if choice else metric
    return f"max by ({by}) ({selector})" if by else f"max({selector})"
