"""What a balance sheet is measured by: what somebody answers for, and where a figure is a breach."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from risk.guard_rails import Limits, Parameter
from risk.units import PPM_SCALE, MarketId, Ppm, PriceE8, QuoteAtoms, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What somebody answers for; None or left out: nobody said, so it is not known to be right."""

    owner: bytes | None = None
    roles: Mapping[str, bytes] = field(default_factory=dict)
    """Holder by role."""
    code_hash: bytes | None = None
    """None: the code of the shipped artifact is what is approved."""
    token: bytes | None = None
    token_code_hash: bytes | None = None
    clamps: Mapping[str, Ppm] = field(default_factory=dict)
    """Largest step of a mark in one update by symbol; the exchange's own where left out."""
    limits: Mapping[str, Mapping[Parameter, Limits]] = field(default_factory=dict)
    """The owner's limits by symbol; they bound the funding rate."""

    def rails(self, symbol: str) -> Limits | None:
        """Give the limits of a market's funding rate, None where nobody said."""
        return self.limits.get(symbol, {}).get(Parameter.FUNDING_RATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvencyRules:
    """Where a figure becomes a breach. Times on the venue's clock."""

    wait_blocks: int = 600
    """Blocks that an account may stay bankrupt, or under margin, while it could be liquidated."""
    mark_index: Ppm = Ppm(100_000)
    """Largest distance of the mark from the index."""
    price_age: Seconds = Seconds(60)
    """Oldest price of a market that trades."""
    clock_slack: Seconds = Seconds(0)
    """How far in the future a price may lie, against its own block."""
    top_one: Ppm = Ppm(500_000)
    top_five: Ppm = Ppm(950_000)
    herfindahl: Ppm = Ppm(400_000)
    concentration_floor: QuoteAtoms = QuoteAtoms(1_000_000_000_000)
    """Open interest in atoms below which nobody asks who holds it."""
    discovery_bound: Ppm = Ppm(50_000)
    """The jump that must always be carried; the larger ones are reported."""
    gaps: tuple[Ppm, ...] = (Ppm(100_000), Ppm(200_000), Ppm(300_000))
    prices: Mapping[MarketId, PriceE8] = field(default_factory=dict)
    """Prices from elsewhere to compare the index with, where the reader has any."""

    def __post_init__(self) -> None:
        jumps = (self.discovery_bound, *self.gaps)
        if not all(0 < jump < PPM_SCALE for jump in jumps):
            raise ValueError(f"expected jumps above 0 and below 10^6 ppm, found {jumps}")
