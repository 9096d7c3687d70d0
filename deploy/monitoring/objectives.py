"""The objectives, and every threshold: the one place where a number of a rule or a dashboard is set.

Objectives are counted in time where events are few (a day may bring three liquidations): the share of
moments at which the promise was broken. The breaker's is counted in events, since a quiet market
asks nothing of it.
"""

from dataclasses import dataclass
from typing import Final

from deploy.monitoring.alert import Severity

# --- what is promised ----------------------------------------------------------------------------

LIQUIDATION_BLOCKS: Final = 200
"""N: blocks in which a liquidatable account is liquidated; 2 s on a chain of 10 ms blocks."""
MARK_AGE_SECONDS: Final = 15
"""Age from which a mark is not fresh: five publications of the shipped interval (3 s) missed."""
BREAKER_SECONDS: Final = 0.5
"""From the fact to the write mined; an edge of the histogram. 50 blocks of 10 ms."""
AUDIT_LAG_BLOCKS: Final = 100
"""Sealed blocks that may wait for their audit; 1 s on a chain of 10 ms blocks."""

EXCUSED: Final = ("below_minimum", "cooling_down", "market_closed", "stale_price", "warming_up")
"""Reasons by which the rules forbid a liquidation now: who waits for one of these is not late."""
NOT_EXPECTED: Final = ("halted", "unknown")
"""Sessions in which nobody promises a fresh mark."""
NOT_TRADING: Final = ("halted", "settled")
"""Statuses in which nobody needs one."""

BREAKER_LEAST_WRITES: Final = 5
"""With fewer writes in the long window one slow write alone would page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A promise, and how broken it is at a moment or over a window."""

    key: str
    """Label `objective` of its series."""
    alert: str
    """The alert that tells of its budget burning."""
    promise: str
    target: float
    """Share of moments, or events, at which it is kept."""

    @property
    def budget(self) -> float:
        """Share that may break it."""
        return 1 - self.target


LIQUIDATION: Final = Objective(
    key="liquidation",
    alert="LiquidationBudgetBurning",
    promise=f"no liquidatable account waits longer than {LIQUIDATION_BLOCKS} blocks while its market may liquidate",
    target=0.999,
)
MARK: Final = Objective(
    key="mark",
    alert="MarkFreshnessBudgetBurning",
    promise=f"the mark is at most {MARK_AGE_SECONDS} s old while the session is known and the market trades",
    target=0.999,
)
BREAKER: Final = Objective(
    key="breaker",
    alert="BreakerReactionBudgetBurning",
    promise=f"a breaker's write is mined within {BREAKER_SECONDS:g} s of the fact",
    target=0.99,
)
AUDIT: Final = Objective(
    key="audit",
    alert="AuditBudgetBurning",
    promise=f"at most {AUDIT_LAG_BLOCKS} sealed blocks wait for their audit",
    target=0.999,
)
OBJECTIVES: Final = (LIQUIDATION, MARK, BREAKER, AUDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """A pair of windows: how fast a budget of 30 days burns before somebody hears of it.

    The factors and windows are those of the Site Reliability Workbook, chapter 5, table 5-8:
    https://sre.google/workbook/alerting-on-slos/.
    """

    long: str
    short: str
    """A twelfth of the long one: it ends the alert soon after the trouble ended."""
    factor: float
    spent: str
    """Share of the budget that is gone when the alert fires."""
    severity: Severity
    hold: str


BURNS: Final = (
    Burn(long="1h", short="5m", factor=14.4, spent="2 %", severity=Severity.PAGE, hold="1m"),
    Burn(long="6h", short="30m", factor=6, spent="5 %", severity=Severity.PAGE, hold="2m"),
    Burn(long="3d", short="6h", factor=1, spent="10 %", severity=Severity.TICKET, hold="15m"),
)
WINDOWS: Final = ("5m", "30m", "1h", "6h", "3d")

# --- thresholds of symptoms ----------------------------------------------------------------------

NOT_CYCLING_SECONDS: Final = 30
"""A keeper cycles at least every quarter of a second, and a cycle that hangs does nothing else."""
CHAIN_STALLED_SECONDS: Final = 30
LOOP_LAG_SECONDS: Final = 0.25
STUCK_NONCE_SECONDS: Final = 60
"""Rebroadcast after 2 s and replaced after 6 s by default: ten replacements did not help."""
ENDPOINT_FAILURE_RATIO: Final = 0.2
NOT_MINED_RATIO: Final = 0.2
INSURANCE_FALL_RATIO: Final = 0.1
"""Share of the fund that may go in an hour."""
SOURCE_DEVIATION_RATIO: Final = 0.01
BOUND_USED_RATIO: Final = 0.9
"""The bound re-anchors from here on."""
SHORTAGE_RATIO: Final = 0.5
"""Half of the depth or spread that the schedule aims at is lacking."""
HALTS_AGE_SECONDS: Final = 600
"""Ten readings of the halts' page missed."""
