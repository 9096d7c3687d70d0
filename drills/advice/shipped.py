"""What the shipped files ask for, beside what is advised: where they are weaker, and by how much.

Read through the loaders that the exchange and the incentives are made with. A market's discovery bound is
its initial margin unless a profile sets another (`prices.discovery_bound_ppm`).
"""

from dataclasses import dataclass
from pathlib import Path

from config.incentives import INCENTIVES_DIRECTORY, load_incentives
from config.markets import MARKETS_DIRECTORY, load_exchange
from config.schema.markets import MarketFile
from drills.advice.account import BadDebt, Costs, Margins, bad_debt, tails_of
from drills.advice.gaps import Gaps
from drills.advice.search import Advice, Target
from risk.sessions import Session
from risk.units import Ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """One market as it is configured."""

    symbol: str
    asset_class: str
    margins: Margins
    bound: Ppm
    penalty_and_spread: Ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A shipped market, played on its class's gaps, and how much weaker it is than advised."""

    market: Shipped
    debt: BadDebt
    initial_short: int | None
    """Ppm that are missing to the advice; 0 where it is no weaker, None where nothing is advised."""
    maintenance_short: int | None
    weekend_short: int | None
    bound_beyond: int | None
    """Ppm by which the bound is wider (+) or narrower (-) than advised."""


def load_shipped(
    *,
    markets_directory: Path = MARKETS_DIRECTORY,
    incentives_directory: Path = INCENTIVES_DIRECTORY,
) -> list[Shipped]:
    """Load every market of the exchange; raises OperatorError with one sentence."""
    markets = load_exchange(markets_directory=markets_directory).markets
    incentives = load_incentives(incentives_directory, markets=markets)
    return [
        _shipped(
            market, incentives.markets[market.symbol].terms.levels[Session.WEEKEND].initial_margin
        )
        for market in markets
    ]


def costs_of(asset_class: str, shipped: list[Shipped]) -> Costs:
    """Give what a liquidation costs in a class: the dearest of its markets."""
    costs = [each.penalty_and_spread for each in shipped if each.asset_class == asset_class]
    return Costs(penalty_and_spread=max(costs, default=Ppm(0)))


def compare(market: Shipped, advice: Advice, gaps: Gaps, target: Target) -> Comparison:
    """Play a shipped market's margins on its class's gaps."""
    margins = market.margins
    return Comparison(
        market=market,
        debt=bad_debt(margins, gaps, tails_of(gaps), fresh_share=target.fresh_share),
        initial_short=_short(advice.initial, margins.initial),
        maintenance_short=_short(advice.maintenance, margins.maintenance),
        weekend_short=_short(advice.weekend, margins.weekend),
        bound_beyond=None if advice.bound is None else market.bound - advice.bound,
    )


def _short(advised: int | None, shipped: int) -> int | None:
    return None if advised is None else max(0, advised - shipped)


def _shipped(market: MarketFile, weekend: Ppm) -> Shipped:
    liquidation = market.liquidation
    return Shipped(
        symbol=market.symbol,
        asset_class=market.asset_class,
        margins=Margins(
            initial=Ppm(market.initial_margin_ppm),
            maintenance=Ppm(market.tiers[0].maintenance_margin_ppm),
            weekend=weekend,
        ),
        bound=Ppm(market.initial_margin_ppm),
        penalty_and_spread=Ppm(liquidation.penalty_ppm + liquidation.spread_max_ppm),
    )
