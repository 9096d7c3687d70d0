"""What a drill assumes beside its scenario, crowd and market model, in one place.

"ours" marks what nothing public supports. Amounts in USD as floats describe people; what is on the exchange is
in integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from drills.crowd.terms import CrowdTerms, Whale
from risk.units import Ppm, Seconds

USUAL_ACCOUNTS: Final = 20_000
"""A crowd of so many holds 35 to 80 million USD a side in a market, about what the shipped caps allow."""
WHALES: Final[Mapping[str, tuple[Whale, ...]]] = {
    # Two accounts were 10.1 of the 13 million USD liquidated (docs/drill_models.md); their margins are ours.
    "thin_weekend_2025_12": (
        Whale(symbol="QQQ", usd=7_000_000.0, leverage=20.0),
        Whale(symbol="QQQ", usd=3_100_000.0, leverage=20.0),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillTerms:
    """One drill's sizes and paces. Raises ValueError for nonsense."""

    crowd: CrowdTerms | None = None
    """What the crowd is drawn from; None: what the scenario's is."""
    insurance: Ppm = Ppm(3_500)
    """The insurance fund at the start, as a part of the open interest of all markets; ours."""
    backstop: Ppm = Ppm(35_000)
    """The backstop's collateral, likewise; ours."""
    unwind_seconds: float = 60.0
    """Time constant in which the backstop sells into our book what it took over; ours."""
    unwind_smallest_usd: float = 5_000.0
    """It sells no smaller piece, but for the last one; ours."""
    turnover_usd_per_hour: Mapping[bool, float] = field(
        default_factory=lambda: {True: 5_000_000.0, False: 140_000.0}
    )
    """What everybody else trades in a market, by whether outside markets trade: 7 million USD a weekend of 50 hours
    (docs/incentives_drill.md), and the flow of its model by day; makers are paid or charged for it."""
    turnover_seconds: Seconds = Seconds(600)
    """It is put on the exchange as one trade each so often: it moves no price, and fees follow."""
    boosted_depth: float = 0.32
    """How much deeper books are while outside is closed and the rebate stands at the owner's limit: the median of
    ten weekends in docs/incentives_drill.md; in between, in proportion to the rebate."""
    quiet_step: Seconds = Seconds(10)
    """From one look to the next while nothing happens; else one second."""
    lively_ppm: Ppm = Ppm(5_000)
    """A value that moves farther within a minute is something that happens: as far as a mark may go in one update."""
    calm_seconds: Seconds = Seconds(120)
    """So long after something happened every second is still looked at; ours."""
    fault_seconds: Seconds = Seconds(900)
    """So much of a fault's beginning and end is looked at second by second; ours."""

    def __post_init__(self) -> None:
        if min(self.insurance, self.backstop) < 0 or self.unwind_seconds <= 0:
            raise ValueError(f"expected amounts of at least 0 and a pace above 0, found {self}")
        if not 1 <= self.quiet_step <= 10:
            raise ValueError(
                "expected a quiet step of 1 to 10 s: what keepers call stale is 10 s old, found"
                f" {self.quiet_step}"
            )


def scale_of(accounts: int) -> int:
    """Give by how many times caps, books and pools are larger than shipped, so that crowds are alike."""
    return max(1, -(-accounts // USUAL_ACCOUNTS))


def crowd_terms(scenario: str) -> CrowdTerms:
    """Give what a scenario's crowd is drawn from."""
    return CrowdTerms(whales=WHALES.get(scenario, ()))
