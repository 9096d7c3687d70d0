"""The liquidation duty put together: hand, planner's limits, keeper."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from config.settings import Settings
from keepers.lanes import adopt_earlier_life
from keepers.liquidation.hand import Hand
from keepers.liquidation.keeper import KeeperLimits, LiquidationKeeper
from keepers.liquidation.metrics import LiquidationMetrics
from keepers.liquidation.turns import Turns
from keepers.sender import Lane, Sender
from monitors.accounts import AccountsMonitor
from risk.gas_model import GasModel
from risk.liquidation_values import PlanLimits
from risk.retry_book import RetryBook, RetryRules
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from runtime.clock import Clock
from runtime.journal import Journal
from runtime.supervise import Worker
from venues.port import LiquidationVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationDuty:
    """The running liquidation duty."""

    hand: Hand
    keeper: LiquidationKeeper

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duty."""
        return {"liquidation": self.keeper.run}

    def adopt(self, journal: Journal, symbols: dict[str, MarketId]) -> int:
        """Take over what an earlier life has on its way; count the items."""
        return adopt_earlier_life(self.hand, journal, symbols)

    def show(self) -> None:
        """Nothing: its gauges are kept as it goes."""

    def status(self) -> Mapping[str, object]:
        """Say how the duty is, for `/status`."""
        return {
            "batches_in_flight": self.hand.batches_in_flight,
            "gas_per_item": self.hand.gas.parts.item,
        }


def open_liquidation_duty(
    settings: Settings,
    *,
    monitor: AccountsMonitor,
    venue: LiquidationVenue,
    sender: Sender,
    journal: Journal,
    registry: CollectorRegistry,
    clock: Clock,
) -> LiquidationDuty:
    """Put the duty together, and let the monitor wake it."""
    hand = Hand(_retry_book(settings), GasModel())
    # A dry run has no address.
    address = sender.address if isinstance(sender, Lane) else b""
    keeper = LiquidationKeeper(
        view=monitor,
        venue=venue,
        sender=sender,
        address=address,
        journal=journal,
        hand=hand,
        limits=_limits(settings),
        metrics=LiquidationMetrics.create(registry),
        clock=clock,
        turns=Turns(
            address,
            settings.liquidation.known_keeper_addresses,
            delay_blocks=settings.liquidation.rank_delay_blocks,
        ),
    )
    monitor.on_wake(keeper.wake)
    monitor.on_settled(keeper.on_settled)
    return LiquidationDuty(hand=hand, keeper=keeper)


def _limits(settings: Settings) -> KeeperLimits:
    knobs = settings.liquidation
    return KeeperLimits(
        plan=PlanLimits(
            max_items=knobs.max_items_per_transaction,
            max_batches=knobs.max_batches_in_flight,
            max_gas=knobs.max_gas_per_transaction,
            default_stress=Ppm(knobs.stress_ppm),
            min_notional=QuoteAtoms(knobs.min_notional_atoms),
        ),
        expiry_seconds=int(settings.sender.expiry_seconds),
    )


def _retry_book(settings: Settings) -> RetryBook:
    knobs = settings.liquidation
    return RetryBook(
        rules=RetryRules(
            first=Seconds(max(1, int(knobs.retry_spacing_seconds))),
            stuck_after=knobs.alarm_after_attempts,
        )
    )
