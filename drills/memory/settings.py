"""What a drill in memory is set up with: the chain's pace, the lanes', and what each keeper may do.

Defaults are the keepers' own; a drill changes what it is about.
"""

from dataclasses import dataclass, field

from drills.memory.sender import LanePace
from keepers.breaker.keeper import BreakerLimits
from keepers.corporate.view import CorporateLimits
from keepers.deleverage.parts import DeleverageRules
from keepers.incentives.parts import IncentiveLimits
from keepers.liquidation.keeper import KeeperLimits
from keepers.price.keeper import PriceLimits
from risk.deleverage_rank import RankPolicy
from risk.deleverage_values import DeleverageLimits
from risk.liquidation_values import PlanLimits
from risk.price_guard import PriceRules
from risk.price_publication import PublicationRules
from risk.retry_book import RetryRules
from risk.units import Ppm, Seconds
from venues.memory.blocks import ChainPace

_EXPIRY = 30


def _liquidation() -> KeeperLimits:
    return KeeperLimits(plan=PlanLimits(), expiry_seconds=_EXPIRY)


def _deleverage() -> DeleverageRules:
    return DeleverageRules(
        policy=RankPolicy.PROFIT_LEVERAGE,
        limits=DeleverageLimits(),
        max_gas=30_000_000,
        most_judged=256,
        expiry_seconds=_EXPIRY,
    )


def _price() -> PriceLimits:
    rules = PublicationRules(interval=Seconds(3), early_move=Ppm(1_000))
    return PriceLimits(rules=rules, gas_base=150_000, gas_per_price=60_000)


def _breaker() -> BreakerLimits:
    return BreakerLimits(
        band_tolerance=Ppm(1_000), gas=300_000, expiry_seconds=_EXPIRY, retry_seconds=5
    )


def _incentives() -> IncentiveLimits:
    return IncentiveLimits(gas=300_000, expiry_seconds=_EXPIRY, retry_seconds=60, standby_seconds=0)


def _corporate() -> CorporateLimits:
    return CorporateLimits(
        gas=30_000_000, expiry_seconds=_EXPIRY, retry_seconds=5, standby_seconds=0
    )


def _guard() -> PriceRules:
    return PriceRules(max_divergence=Ppm(100_000), warm_up_updates=3, future_tolerance=Seconds(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """One drill's chain, lanes and keepers."""

    pace: ChainPace = field(default_factory=ChainPace)
    lane: LanePace = field(default_factory=LanePace)
    base_fee_wei: int = 0
    price_guard: PriceRules = field(default_factory=_guard)
    """When the liquidation keeper does not believe a mark."""
    retries: RetryRules = field(default_factory=RetryRules)
    liquidation: KeeperLimits = field(default_factory=_liquidation)
    deleverage: DeleverageRules = field(default_factory=_deleverage)
    price: PriceLimits = field(default_factory=_price)
    breaker: BreakerLimits = field(default_factory=_breaker)
    incentives: IncentiveLimits = field(default_factory=_incentives)
    corporate: CorporateLimits = field(default_factory=_corporate)
    seed: int = 0
    """Of whatever a worker draws; the world's own luck is the drill's business."""
