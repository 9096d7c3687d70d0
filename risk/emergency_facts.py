"""The facts that an emergency plan may name, and what it calls bad.

They are the numbers that the integrity breaker measures; a name carries its unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from risk.integrity_rules import EXCHANGE_CAUSES, Cause
from risk.units import Seconds


class Fact(StrEnum):
    """What a plan may look at, with its unit; a flag is 0 or 1."""

    PRICE_AGE = "price_age_seconds"
    INPUTS = "inputs"
    SOURCE_DEVIATION = "source_deviation_ppm"
    DIVERGENCE = "divergence_ppm"
    DEPTH_FALL = "depth_fall_ppm"
    OPEN_INTEREST_RISE = "open_interest_rise_ppm"
    LARGEST_SHARE = "largest_share_ppm"
    BACKLOG = "backlog_blocks"
    UNDERLYING_HALTED = "underlying_halted"
    LIMITS_CHANGED = "limits_changed"
    INSURANCE_FALL = "insurance_fall_ppm"
    SOLVENCY_GAP = "solvency_gap_atoms"
    ROLES_CHANGED = "roles_changed"
    HEAD_AGE = "head_age_seconds"

    @property
    def cause(self) -> Cause:
        """The integrity breaker's cause that is measured by the same number."""
        return _FACT_TO_CAUSE[self]

    @property
    def is_of_exchange(self) -> bool:
        """Say whether it is measured once; all others are measured for each market."""
        return self.cause in EXCHANGE_CAUSES


_FACT_TO_CAUSE: Final[Mapping[Fact, Cause]] = {
    Fact.PRICE_AGE: Cause.PRICE_STALE,
    Fact.INPUTS: Cause.BELOW_QUORUM,
    Fact.SOURCE_DEVIATION: Cause.SOURCES_DIVERGE,
    Fact.DIVERGENCE: Cause.MARK_INDEX_DIVERGENCE,
    Fact.DEPTH_FALL: Cause.BOOK_EMPTIED,
    Fact.OPEN_INTEREST_RISE: Cause.OPEN_INTEREST_JUMP,
    Fact.LARGEST_SHARE: Cause.CONCENTRATION,
    Fact.BACKLOG: Cause.LIQUIDATION_BACKLOG,
    Fact.UNDERLYING_HALTED: Cause.UNDERLYING_HALTED,
    Fact.LIMITS_CHANGED: Cause.LIMIT_CHANGED,
    Fact.INSURANCE_FALL: Cause.INSURANCE_FALLING,
    Fact.SOLVENCY_GAP: Cause.SOLVENCY_BREACH,
    Fact.ROLES_CHANGED: Cause.ROLE_CHANGED,
    Fact.HEAD_AGE: Cause.CHAIN_STALLED,
}


class Comparison(StrEnum):
    """On which side of its threshold a fact is bad; the threshold itself is good."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A fact beyond a threshold for so long. Raises ValueError for a time that cannot be measured."""

    fact: Fact
    comparison: Comparison
    threshold: int
    persistence: Seconds

    def __post_init__(self) -> None:
        if self.persistence < 0:
            raise ValueError(f"expected a persistence of at least 0 s, found {self.persistence}")
        if self.fact is Fact.HEAD_AGE and self.persistence != 0:
            raise ValueError(
                f"expected a persistence of 0 s for {self.fact}, since the venue's clock stands"
                f" still with the chain, found {self.persistence}"
            )

    def is_bad(self, value: int) -> bool:
        """Say whether a number is beyond the threshold."""
        if self.comparison is Comparison.ABOVE:
            return value > self.threshold
        return value < self.threshold
