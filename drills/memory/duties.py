"""Putting the real keepers on a stage, each with a lane of its own.

They cycle in the order in which they are put on. Whoever judges what a keeper carries out (the breakers'
panel, the incentive desk, the actions' desk) is handed over by the drill.
"""

from drills.memory.sender import MemorySender
from drills.memory.stage import LIQUIDATOR, ROLE_TO_ADDRESS, MemoryStage
from keepers.breaker.keeper import BreakerKeeper, BreakerParts
from keepers.breaker.metrics import BreakerMetrics
from keepers.breaker.view import BreakerView
from keepers.corporate.keeper import CorporateKeeper
from keepers.corporate.metrics import CorporateMetrics
from keepers.corporate.view import CorporateParts
from keepers.deleverage.hand import DeleverageHand
from keepers.deleverage.keeper import DeleverageKeeper
from keepers.deleverage.metrics import DeleverageMetrics
from keepers.deleverage.parts import DeleverageParts
from keepers.incentives.keeper import IncentiveKeeper
from keepers.incentives.metrics import IncentiveMetrics
from keepers.incentives.parts import IncentiveParts
from keepers.incentives.view import IncentiveView
from keepers.liquidation.hand import Hand
from keepers.liquidation.keeper import LiquidationKeeper
from keepers.liquidation.metrics import LiquidationMetrics
from keepers.price.keeper import PriceKeeper
from keepers.price.metrics import PriceMetrics
from monitors.corporate.desk import ActionDesk
from risk.gas_model import GasModel
from risk.retry_book import RetryBook
from venues.exchange.readings import Role

DELEVERAGE_RETRY_SECONDS = 5


def open_prices(stage: MemoryStage) -> PriceKeeper:
    """Put the price keeper on; it publishes what `StepInput.fair` says."""
    keeper = PriceKeeper(
        view=stage.desk,
        venue=stage.venue,
        sender=_lane_of(stage, Role.PRICER),
        journal=stage.journal,
        limits=stage.settings.price,
        metrics=PriceMetrics.create(stage.registry),
        clock=stage.clock,
    )
    stage.hire(keeper)
    return keeper


def open_liquidations(stage: MemoryStage) -> LiquidationKeeper:
    """Put the liquidation keeper on."""
    hand = Hand(RetryBook(rules=stage.settings.retries), GasModel())
    keeper = LiquidationKeeper(
        view=stage.monitor,
        venue=stage.venue,
        sender=stage.sender("liquidation", LIQUIDATOR),
        address=LIQUIDATOR,
        journal=stage.journal,
        hand=hand,
        limits=stage.settings.liquidation,
        metrics=LiquidationMetrics.create(stage.registry),
        clock=stage.clock,
    )
    stage.liquidating = hand
    stage.monitor.on_settled(keeper.on_settled)
    stage.hire(keeper)
    return keeper


def open_deleverages(stage: MemoryStage) -> DeleverageKeeper:
    """Put the deleverage keeper on, after the liquidation keeper if there is to be one."""
    keeper = DeleverageKeeper(
        DeleverageParts(
            view=stage.monitor,
            venue=stage.venue,
            sender=_lane_of(stage, Role.DELEVERAGER),
            journal=stage.journal,
            liquidating=stage.liquidating,
            hand=DeleverageHand(retry_seconds=DELEVERAGE_RETRY_SECONDS),
            rules=stage.settings.deleverage,
            metrics=DeleverageMetrics.create(stage.registry),
            clock=stage.clock,
        )
    )
    stage.monitor.on_deleveraged(keeper.on_settled)
    stage.hire(keeper)
    return keeper


def open_breakers(stage: MemoryStage, view: BreakerView) -> BreakerKeeper:
    """Put the breaker keeper on: it brings every market to where `view` wants it."""
    keeper = BreakerKeeper(
        BreakerParts(
            view=view,
            facts=stage.venue,
            venue=stage.venue,
            breaker=_lane_of(stage, Role.BREAKER),
            guardian=_lane_of(stage, Role.GUARDIAN),
            journal=stage.journal,
            limits=stage.settings.breaker,
            metrics=BreakerMetrics.create(stage.registry),
            clock=stage.clock,
        )
    )
    stage.hire(keeper)
    return keeper


def open_incentives(stage: MemoryStage, view: IncentiveView) -> IncentiveKeeper:
    """Put the incentive keeper on: it writes what `view` judges, one parameter at a time."""
    keeper = IncentiveKeeper(
        IncentiveParts(
            view=view,
            venue=stage.venue,
            sender=_lane_of(stage, Role.TUNER),
            journal=stage.journal,
            limits=stage.settings.incentives,
            metrics=IncentiveMetrics.create(stage.registry),
            clock=stage.clock,
        )
    )
    stage.hire(keeper)
    return keeper


def open_corporate(stage: MemoryStage, desk: ActionDesk) -> CorporateKeeper:
    """Put the corporate keeper on: it carries through what `desk` confirms."""
    lane = _lane_of(stage, Role.CORPORATE)
    keeper = CorporateKeeper(
        CorporateParts(
            view=stage.monitor,
            desk=desk,
            venue=stage.venue,
            sender=lane,
            address=lane.address,
            journal=stage.journal,
            limits=stage.settings.corporate,
            metrics=CorporateMetrics.create(stage.registry),
            clock=stage.clock,
        )
    )
    stage.hire(keeper)
    return keeper


def _lane_of(stage: MemoryStage, role: Role) -> MemorySender:
    return stage.sender(role.name.lower(), ROLE_TO_ADDRESS[role])
