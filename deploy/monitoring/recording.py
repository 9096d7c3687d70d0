"""Recording rules: how broken each objective is, now and over the windows of its alerts.

Each objective has one family of series, `bellkeeper:objective_broken:ratio<window>{objective=…}`, so that an
alert, a dashboard and a person ask for all of them in the same words.
"""

from collections.abc import Iterator
from typing import Final

from deploy.monitoring.objectives import (
    AUDIT,
    AUDIT_LAG_BLOCKS,
    BREAKER,
    BREAKER_SECONDS,
    EXCUSED,
    LIQUIDATION,
    LIQUIDATION_BLOCKS,
    MARK,
    MARK_AGE_SECONDS,
    NOT_EXPECTED,
    NOT_TRADING,
    WINDOWS,
)

NOW: Final = "bellkeeper:objective_broken:now"
RATIO: Final = "bellkeeper:objective_broken:ratio"

_LIQUIDATION_NOW: Final = f"""\
max(
  (bellkeeper_liquidation_oldest_waiting_blocks > bool {LIQUIDATION_BLOCKS})
  * on (instance)
  (
    bellkeeper_accounts_under_margin
    > bool on (instance)
    sum by (instance) (bellkeeper_liquidation_accounts_skipped{{reason=~"{"|".join(EXCUSED)}"}})
  )
)"""

_MARK_NOW: Final = f"""\
max by (market) (
  (
    bellkeeper_venue_time_timestamp_seconds
    - on (instance) group_right ()
    bellkeeper_price_timestamp_seconds
  ) > bool {MARK_AGE_SECONDS}
)
unless on (market) (
  max by (market) (bellkeeper_price_session{{session=~"{"|".join(NOT_EXPECTED)}"}}) == 1
)
unless on (market) (
  max by (market) (bellkeeper_market_status{{status=~"{"|".join(NOT_TRADING)}"}}) == 1
)"""

_AUDIT_NOW: Final = f"max(bellkeeper_feed_audit_lag_blocks > bool {AUDIT_LAG_BLOCKS})"


def _breaker_ratio(window: str) -> str:
    name = "bellkeeper_breaker_reaction_seconds"
    return (
        "1 -\n"
        f'sum(rate({name}_bucket{{le="{BREAKER_SECONDS}"}}[{window}]))\n'
        f"/\nsum(rate({name}_count[{window}]))"
    )


def recording_rules() -> Iterator[tuple[str, str, str]]:
    """Give name, objective and expression of every rule; no objective where the series carry it."""
    yield NOW, LIQUIDATION.key, _LIQUIDATION_NOW
    yield NOW, MARK.key, _MARK_NOW
    yield NOW, AUDIT.key, _AUDIT_NOW
    for window in WINDOWS:
        yield f"{RATIO}{window}", "", f"avg_over_time({NOW}[{window}])"
        yield f"{RATIO}{window}", BREAKER.key, _breaker_ratio(window)
