"""What the model of makers and takers assumes, in one place, each figure with where it comes from.

Amounts are in USD and moves in bp (1/100 of a percent of the price), as floats: they describe what
people expect. Prices, sizes, fees and money at the venue are integers everywhere else.
"ours" marks an assumption of our own that nothing public supports; docs/incentives_drill.md says what
follows from that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from risk.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """What a session is like."""

    volatility_bp: float
    """Of the price, for the square root of an hour."""
    noise_usd_per_hour: float
    """What traders without news would trade if trading were free."""
    news_per_hour: float
    """Moves that somebody knows before the makers do."""
    news_bp: float
    """Mean size of such a move."""

    def scaled(self, factor: float) -> "Climate":
        """Give the same climate with every move so many times as large."""
        return replace(
            self,
            volatility_bp=self.volatility_bp * factor,
            news_bp=self.news_bp * factor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """Everything that is assumed of prices, takers and makers. Raises ValueError for nonsense."""

    regular: Climate = field(
        default_factory=lambda: Climate(
            volatility_bp=78, noise_usd_per_hour=5_000_000, news_per_hour=60, news_bp=2
        )
    )
    """2 % in a day of 6.5 hours, as a large technology stock moves; flow and news: ours."""
    extended: Climate = field(
        default_factory=lambda: Climate(
            volatility_bp=25, noise_usd_per_hour=750_000, news_per_hour=20, news_bp=3
        )
    )
    """Pre, post and overnight: ours, a third of the volatility and 15 % of the flow."""
    closed: Climate = field(
        default_factory=lambda: Climate(
            volatility_bp=5, noise_usd_per_hour=250_000, news_per_hour=1 / 32, news_bp=75
        )
    )
    """The flow makes the weekend just under 5 % of a week's volume, as public surveys of weekend
    trading report. Moves: three news in two weekends, about 130 bp root mean square, four times the
    median weekend of the Nasdaq in docs/backtest.md; ours for a single stock."""
    surprise_bp: float = 40.0
    """Standard deviation of what comes out at the reopening itself; ours."""
    order_usd: float = 5_000.0
    """Mean noise order; ours."""
    urgency_bp: float = 12.0
    """Mean of the most that a noise trader gives for half the spread and the fee together; ours."""
    herding: float = 0.15
    """How far from one half the share of buyers strays for hours on end; ours."""
    informed_usd: float = 100_000.0
    """The most that all who know the news take in a minute; ours."""
    informed_most_usd: float = 1_000_000.0
    """The largest position of one who knows; ours."""
    informed_edge_bp: float = 5.0
    """They want to gain this beyond the fee: a position must be carried to the reopening; ours."""
    lead_seconds: int = 300
    """So much later makers hear news while outside markets are closed; ours."""
    heard: float = 0.85
    """Part of the news that they then believe, as in the demo's weekend; ours."""
    impact_bp_per_100k: float = 2.0
    """How far makers move their belief, for good, with 100,000 USD of net buying off hours: the lambda
    of Kyle, "Continuous auctions and insider trading", 1985; its size is ours."""
    rival_bp: float = 0.5
    """A rival who is dearer by this much stands in the way e times less: with price-time priority who
    is dearer gets what the others leave; ours."""
    latency_seconds: float = 2.0
    """While outside markets trade, quotes are this old when arbitrage sees them; ours."""
    hedge_seconds: float = 120.0
    """Time until inventory is hedged while outside markets trade; ours."""
    hedge_bp: float = 1.0
    """What the hedge costs: half of an outside spread and its fees; ours."""
    holding_seconds: float = 7_200.0
    """Time until flow the other way frees a position at the venue while outside trades; ours."""
    funding_seconds: float = 28_800.0
    """No maker trusts a funding rate for longer than the eight hours for which it is stated; ours."""
    capital_cost: float = 0.15
    """A year's return that margin must earn; ours."""
    memory_seconds: float = 900.0
    """Time constant in which makers notice each other and decide whether to stay; ours."""
    away_seconds: int = 3_600
    """Who has left does not come back sooner: people have to be called in; ours."""
    return_margin: float = 1.25
    """Who has left comes back for so many times what it costs him; ours."""

    def __post_init__(self) -> None:
        positive = (self.order_usd, self.urgency_bp, self.rival_bp, self.memory_seconds)
        if min(positive) <= 0 or not 0 <= self.heard <= 1:
            raise ValueError(
                "expected sizes, scales and memories above 0 and a part heard from 0 to 1,"
                f" found {self}"
            )

    def scaled(self, factor: float) -> "ModelTerms":
        """Give the same world with every move so many times as large."""
        return replace(
            self,
            regular=self.regular.scaled(factor),
            extended=self.extended.scaled(factor),
            closed=self.closed.scaled(factor),
            surprise_bp=self.surprise_bp * factor,
        )

    def climate(self, session: Session) -> Climate:
        """Give what a session is like."""
        if session is Session.REGULAR:
            return self.regular
        return self.extended if session.has_external_price else self.closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """One maker's traits."""

    risk_aversion: float
    """Relative to capital, so per USD it is this over the capital."""
    capital_usd: float
    inventory_usd: float
    """The most that it holds in this market on either side."""
    cost_usd_per_hour: float
    """Of quoting at all: people, machines, data; below this it leaves."""
    belief_bp: float
    """Standard deviation of its error about the price off hours; a quarter of that otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationTerms:
    """From what makers are drawn: each trait between two ends, evenly in its logarithm; all ours."""

    makers: int = 8
    risk_aversion: tuple[float, float] = (2.0, 20.0)
    """Relative risk aversion is put between 1 and 10 in textbooks; makers are not bolder."""
    capital_usd: tuple[float, float] = (500_000.0, 4_000_000.0)
    inventory_share: tuple[float, float] = (0.3, 1.5)
    """Of the capital."""
    cost_usd_per_hour: tuple[float, float] = (1.0, 8.0)
    belief_bp: tuple[float, float] = (1.0, 6.0)


VOLATILITY: Final = {
    "stock": 1.0,
    "etf": 0.35,
    "crypto_fund": 1.2,
    "commodity": 0.5,
    "treasury_fund": 0.02,
}
"""How much an asset class moves beside a large stock, for which the terms are stated; ours."""


def draw_makers(random: Random, terms: PopulationTerms) -> tuple[Maker, ...]:
    """Draw a population; the same randomness gives the same makers."""
    return tuple(_draw(random, terms) for _ in range(terms.makers))


def _draw(random: Random, terms: PopulationTerms) -> Maker:
    capital = _between(random, terms.capital_usd)
    return Maker(
        risk_aversion=_between(random, terms.risk_aversion),
        capital_usd=capital,
        inventory_usd=capital * _between(random, terms.inventory_share),
        cost_usd_per_hour=_between(random, terms.cost_usd_per_hour),
        belief_bp=_between(random, terms.belief_bp),
    )


def _between(random: Random, ends: Sequence[float]) -> float:
    low, high = ends
    return float(low * (high / low) ** random.random())
