"""Alerts on budgets that burn: each objective with three pairs of windows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Final

from deploy.monitoring.alert import Alert, Board, Story, one
from deploy.monitoring.objectives import (
    AUDIT,
    AUDIT_LAG_BLOCKS,
    BREAKER,
    BREAKER_LEAST_WRITES,
    BREAKER_SECONDS,
    BURNS,
    LIQUIDATION,
    LIQUIDATION_BLOCKS,
    MARK,
    MARK_AGE_SECONDS,
    OBJECTIVES,
    Burn,
    Objective,
)
from deploy.monitoring.recording import RATIO

Runs = Sequence[tuple[int, bool]]
"""Minutes, and whether the promise is kept in them; one run after the other."""

_FAST: Final = ((60, True), (12, False))
_MIDDLE: Final = ((100, True), (20, False), (240, True), (10, False), (20, True))
_SLOW: Final = ((150, True), (25, False), (215, True))
_GOOD: Final = ((90, True),)
_OVER: Final = ((10, False), (390, True))
"""Broken once, and for longer than the longest short window no more."""
_STORIES: Final[Mapping[str, tuple[Runs, str, tuple[str, ...]]]] = {
    "1h": (_FAST, "71m", ("1h", "6h")),
    "6h": (_MIDDLE, "389m", ("6h", "3d")),
    "3d": (_SLOW, "389m", ("3d",)),
}
"""Long window → what happens, when to look, and all windows that have fired by then."""

_BOARDS: Final = {
    LIQUIDATION.key: Board.LIQUIDATIONS,
    MARK.key: Board.MARKET,
    BREAKER.key: Board.MARKET,
    AUDIT.key: Board.KEEPER,
}


def burn_alerts() -> Iterator[Alert]:
    """Give every alert, objective by objective."""
    for objective in OBJECTIVES:
        for burn in BURNS:
            yield _alert(objective, burn)


def _alert(objective: Objective, burn: Burn) -> Alert:
    runs, at, windows = _STORIES[burn.long]
    where = " of {{ $labels.market }}" if objective is MARK else ""
    return Alert(
        name=objective.alert,
        severity=burn.severity,
        labels={"window": burn.long, "objective": objective.key},
        expr=_expression(objective, burn),
        hold=burn.hold,
        summary=f"The promise{where} is broken too often: {objective.promise}",
        description=(
            f"In the last {burn.long}, and in the last {burn.short} too, it was broken more than"
            f" {burn.factor:g} times as often as {objective.target * 100:g} % allow: at this pace"
            f" {burn.spent} of a month's budget go in {burn.long}."
        ),
        board=_BOARDS[objective.key],
        fires=Story(
            series=_SERIES[objective.key](runs),
            at=at,
            labels={"market": "NVDA"} if objective is MARK else {},
            windows=windows,
        ),
        quiet=_quiet(objective, burn),
    )


def _quiet(objective: Objective, burn: Burn) -> Story:
    """Give what is near: few writes, all slow; long windows broken, the short one not; the very edge."""
    if objective is BREAKER:
        name, few = "bellkeeper_breaker_reaction_seconds", "0+0x60 1 2 3 3 3"
        slow = one(f"{name}_bucket", "0+0x65", le=str(BREAKER_SECONDS))
        return Story(series={**slow, **one(f"{name}_count", few)}, at="65m")
    if burn is BURNS[-1]:
        return Story(series=_SERIES[objective.key](_OVER), at="399m")
    return Story(series=_SERIES[objective.key](_GOOD), at="89m")


def _expression(objective: Objective, burn: Burn) -> str:
    limit = f"{burn.factor * objective.budget:.6g}"
    parts = [
        f'{RATIO}{window}{{objective="{objective.key}"}} > {limit}'
        for window in (burn.long, burn.short)
    ]
    expression = f"{parts[0]}\nand\n{parts[1]}"
    if objective is BREAKER:
        counted = f"sum(increase(bellkeeper_breaker_reaction_seconds_count[{burn.long}]))"
        expression += f"\nand on ()\n{counted} >= {BREAKER_LEAST_WRITES}"
    return expression


# --- series of the stories -----------------------------------------------------------------------


def _values(runs: Runs, good: int, bad: int) -> str:
    return " ".join(f"{good if kept else bad}+0x{minutes - 1}" for minutes, kept in runs)


def _liquidation(runs: Runs) -> dict[str, str]:
    return {
        **one(
            "bellkeeper_liquidation_oldest_waiting_blocks",
            _values(runs, LIQUIDATION_BLOCKS, LIQUIDATION_BLOCKS + 1),
        ),
        **one("bellkeeper_accounts_under_margin", "3+0x400"),
        **one("bellkeeper_liquidation_accounts_skipped", "2+0x400", reason="cooling_down"),
    }


def _mark(runs: Runs) -> dict[str, str]:
    return {
        **one(
            "bellkeeper_venue_time_timestamp_seconds",
            _values(runs, 1_000 + MARK_AGE_SECONDS, 1_001 + MARK_AGE_SECONDS),
        ),
        **one("bellkeeper_price_timestamp_seconds", "1000+0x400", market="NVDA"),
        **one("bellkeeper_price_session", "1+0x400", market="NVDA", session="regular"),
        **one("bellkeeper_price_session", "0+0x400", market="NVDA", session="halted"),
        **one("bellkeeper_market_status", "0+0x400", market="NVDA", status="halted"),
    }


def _breaker(runs: Runs) -> dict[str, str]:
    """Give one write a minute; those that keep the promise are in the bucket of its edge."""
    name = "bellkeeper_breaker_reaction_seconds"
    ends = accumulate((minutes if kept else 0 for minutes, kept in runs), initial=0)
    quick = " ".join(
        f"{before}+{int(kept)}x{minutes - 1}"
        for (minutes, kept), (before, _) in zip(runs, pairwise(ends), strict=True)
    )
    return {
        **one(f"{name}_bucket", quick, le=str(BREAKER_SECONDS)),
        **one(f"{name}_count", "0+1x400"),
    }


def _audit(runs: Runs) -> dict[str, str]:
    return one(
        "bellkeeper_feed_audit_lag_blocks", _values(runs, AUDIT_LAG_BLOCKS, AUDIT_LAG_BLOCKS + 1)
    )


_SERIES: Final[Mapping[str, Callable[[Runs], dict[str, str]]]] = {
    LIQUIDATION.key: _liquidation,
    MARK.key: _mark,
    BREAKER.key: _breaker,
    AUDIT.key: _audit,
}
