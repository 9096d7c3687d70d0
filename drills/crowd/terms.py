"""What is assumed of a crowd, in one place. Amounts in USD, as floats; "ours" marks what nothing public supports.

What is public: on 10 October 2025 about 1.62 million accounts lost 19.1 billion USD of positions; counterparties of deleveraging held a median leverage of 0.20
(ConejoCapital/HyperMultiAssetedADL); one account was more than half of a weekend's liquidations in December 2025
(followin.io, phemex.com). `drills/crowd/calibration.py` says how near the crowd comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from drills.population import COUNT_WEIGHTS, LONG_SHARE, POPULARITY

LARGEST_CROWD: Final = 1_620_000
SMALLEST_CROWD: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Whale:
    """A large account that is put in by hand, with one position."""

    symbol: str
    usd: float
    """Notional; + long, − short."""
    leverage: float
    """As far as the initial margin allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdTerms:
    """What accounts are drawn from. Raises ValueError for nonsense."""

    position_counts: tuple[int, ...] = COUNT_WEIGHTS
    """Chances of one position, two, and so on: the demo's population."""
    popularity: Mapping[str, float] = field(default_factory=lambda: dict(POPULARITY))
    """How much more often a market is chosen than others: the demo's population."""
    long_share: float = LONG_SHARE
    """Of positions: the demo's population."""
    togetherness: float = 0.7
    """Chance that a position of an account takes the account's own side, rather than one drawn anew: positions
    of one account are bets on the same thing; ours."""
    median_usd: float = 5_000.0
    """Notional of an account; with the spread and the tail it gives the mean of an account that was liquidated on
    10 October 2025."""
    spread: float = 1.5
    """Standard deviation of its logarithm; ours, near the demo's 1.35."""
    tail_share: float = 0.01
    """Part of the accounts whose notional is drawn from a Pareto tail instead; ours."""
    tail_usd: float = 100_000.0
    """Where the tail begins; ours."""
    tail_power: float = 1.3
    """Pareto's exponent: below 2, so that the largest account is a visible part of the whole; wealth and firm sizes
    have 1 to 1.5."""
    smallest_usd: float = 100.0
    """No position is smaller: what is worth a trade in the demo's population."""
    largest_usd: float = 20_000_000.0
    """No account is larger; ours, the order of a venue's cap for one account."""
    median_leverage: float = 2.0
    """Of an account, what it is worth against all it holds; it gives the part of the open interest that was
    liquidated on 10 October 2025."""
    leverage_spread: float = 0.9
    """Standard deviation of its logarithm; ours."""
    large_leverage_power: float = -0.1
    """Leverage falls with this power of an account's notional over the median: large accounts are more
    careful; ours."""
    entry_spread: float = 0.06
    """Standard deviation of entry prices about the mark, as a part of it; ours."""
    whales: tuple[Whale, ...] = ()
    """They take the place of the first accounts. In December 2025 two accounts were 10.1 of 13 million USD liquidated: no
    drawn crowd of some size is that concentrated."""
    house_accounts: int = 4
    """Makers who hold the other side of what is left over, half of them on each."""
    house_leverage: float = 0.20
    """The median of the counterparties on 10 October 2025."""
    margin_cushion: float = 0.03
    """What an account has at least above its initial margin: the demo's population."""

    def __post_init__(self) -> None:
        shares = (self.long_share, self.togetherness, self.tail_share)
        amounts = (
            self.median_usd,
            self.tail_usd,
            self.tail_power,
            self.largest_usd,
            self.median_leverage,
            self.house_leverage,
        )
        if not all(0 <= share <= 1 for share in shares) or min(amounts) <= 0:
            raise ValueError(f"expected shares from 0 to 1 and amounts above 0, found {self}")
        if self.house_accounts < 2 or not self.position_counts or min(self.position_counts) < 0:
            raise ValueError(
                f"expected two house accounts at least and chances of positions, found {self}"
            )
