"""What each variant changes in the system as it ships; the record names them."""

from dataclasses import dataclass, replace

from drills.memory.settings import StageSettings
from drills.report.record import Variant
from risk.deleverage_rank import RankPolicy
from risk.liquidation import LiquidationRules
from risk.liquidation_values import PlanLimits
from risk.units import PPM_SCALE

WHOLE = 10**6 * PPM_SCALE
"""A buffer that no equity reaches: the whole position is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Who works in a run, and by which rules."""

    variant: Variant
    has_breakers: bool = True
    has_incentives: bool = True
    is_close_frozen: bool = False
    is_whole: bool = False
    """Liquidation closes whole positions at once: no slices, no stop at the buffer."""
    policy: RankPolicy = RankPolicy.PROFIT_LEVERAGE

    def rules(self, shipped: LiquidationRules) -> LiquidationRules:
        """Give the exchange's rules of liquidation."""
        return replace(shipped, slice=PPM_SCALE, buffer=WHOLE) if self.is_whole else shipped

    def settings(self, *, seed: int, batches: int) -> StageSettings:
        """Give the keepers' settings: their defaults, with so many liquidation batches on their way."""
        usual = StageSettings()
        return replace(
            usual,
            seed=seed,
            liquidation=replace(usual.liquidation, plan=PlanLimits(max_batches=batches)),
            deleverage=replace(usual.deleverage, policy=self.policy),
        )


_ARMS = {
    Variant.NO_BREAKERS: Arm(variant=Variant.NO_BREAKERS, has_breakers=False),
    Variant.NO_INCENTIVES: Arm(variant=Variant.NO_INCENTIVES, has_incentives=False),
    Variant.FROZEN_CLOSE: Arm(variant=Variant.FROZEN_CLOSE, is_close_frozen=True),
    Variant.FULL_LIQUIDATION: Arm(variant=Variant.FULL_LIQUIDATION, is_whole=True),
    Variant.PRO_RATA: Arm(variant=Variant.PRO_RATA, policy=RankPolicy.PRO_RATA),
}


def arm_of(variant: Variant) -> Arm:
    """Give a variant's arm; the base, and leverage times profit, are what ships."""
    return _ARMS.get(variant, Arm(variant=variant))
