"""The deleverage duty put together: hand, limits, keeper, outlook."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from config.settings import Settings
from keepers.deleverage.hand import DeleverageHand
from keepers.deleverage.keeper import DeleverageKeeper
from keepers.deleverage.metrics import DeleverageMetrics
from keepers.deleverage.outlook import DeleverageOutlook, OutlookMetrics
from keepers.deleverage.parts import DeleverageParts, DeleverageRules
from keepers.deleverage.view import Liquidating
from keepers.sender import Sender
from monitors.accounts import AccountsMonitor
from risk.deleverage_rank import RankPolicy
from risk.deleverage_values import DeleverageLimits
from risk.units import QuoteAtoms
from runtime.clock import Clock
from runtime.journal import Journal
from runtime.supervise import Worker
from venues.port import DeleverageVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageDuty:
    """The running deleverage duty."""

    hand: DeleverageHand
    keeper: DeleverageKeeper
    outlook: DeleverageOutlook
    policy: RankPolicy

    def workers(self) -> dict[str, Worker]:
        """Name the workers of the duty."""
        return {"deleverage": self.keeper.run, "deleverage_outlook": self.outlook.run}

    def show(self) -> None:
        """Create the gauges of markets that are new; the rest is kept as it goes."""
        self.outlook.show()

    def status(self) -> Mapping[str, object]:
        """Say how the last cycle ended, what was planned last, forecasts and queues, for `/status`."""
        last = self.keeper.last
        return {
            "deleverage": {
                "policy": self.policy.value,
                "outcome": None if last is None else last[0].value,
                "why": None if last is None else last[1],
                "last_plan": self.keeper.sentence or None,
                "batches_in_flight": self.hand.batches_in_flight,
                "counterparties_touched": len(self.hand.touched),
                "gas_per_item": self.hand.gas.parts.item,
                "markets": self.outlook.explain(),
            }
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageBase:
    """What the duty shares with the rest of the process."""

    settings: Settings
    monitor: AccountsMonitor
    venue: DeleverageVenue
    sender: Sender
    journal: Journal
    registry: CollectorRegistry
    clock: Clock
    liquidating: Liquidating | None
    """Who liquidates, if that runs in this process."""


def open_deleverage_duty(base: DeleverageBase) -> DeleverageDuty:
    """Put the duty together."""
    knobs = base.settings.deleverage
    hand = DeleverageHand(retry_seconds=knobs.retry_seconds)
    rules = deleverage_rules(base.settings)
    keeper = DeleverageKeeper(
        DeleverageParts(
            view=base.monitor,
            venue=base.venue,
            sender=base.sender,
            journal=base.journal,
            liquidating=base.liquidating,
            hand=hand,
            rules=rules,
            metrics=DeleverageMetrics.create(base.registry),
            clock=base.clock,
        )
    )
    outlook = DeleverageOutlook(
        base.monitor,
        period_seconds=knobs.forecast_seconds,
        metrics=OutlookMetrics.create(base.registry),
        clock=base.clock,
    )
    base.monitor.on_deleveraged(keeper.on_settled)
    return DeleverageDuty(hand=hand, keeper=keeper, outlook=outlook, policy=rules.policy)


def deleverage_rules(settings: Settings) -> DeleverageRules:
    """Give what the profile allows the keeper."""
    knobs = settings.deleverage
    return DeleverageRules(
        policy=RankPolicy(knobs.policy),
        limits=DeleverageLimits(
            max_items=knobs.max_items_per_transaction,
            max_notional=QuoteAtoms(knobs.step_notional_atoms),
            smallest_share=QuoteAtoms(knobs.smallest_share_atoms),
            max_refusals=knobs.max_refusals,
        ),
        max_gas=knobs.max_gas_per_transaction,
        most_judged=knobs.most_accounts_judged,
        expiry_seconds=int(settings.sender.expiry_seconds),
        standby_seconds=knobs.standby_seconds,
    )
