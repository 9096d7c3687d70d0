"""Who the deleverage keeper works with, and what it is allowed."""

from dataclasses import dataclass

from keepers.deleverage.hand import DeleverageHand
from keepers.deleverage.metrics import DeleverageMetrics
from keepers.deleverage.view import DeleverageJournal, DeleverageView, Liquidating
from keepers.sender import Sender
from risk.deleverage_rank import RankPolicy
from risk.deleverage_values import DeleverageLimits
from runtime.clock import Clock
from venues.port import DeleverageVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageRules:
    """What the operator allows this keeper."""

    policy: RankPolicy
    limits: DeleverageLimits
    max_gas: int
    most_judged: int
    """Bankrupt accounts judged in one cycle, those who owe most; the others follow."""
    expiry_seconds: int
    standby_seconds: int = 0
    """How long a need must have been left alone by another keeper before this one acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageParts:
    """Who the keeper works with."""

    view: DeleverageView
    venue: DeleverageVenue
    sender: Sender
    journal: DeleverageJournal
    liquidating: Liquidating | None
    hand: DeleverageHand
    rules: DeleverageRules
    metrics: DeleverageMetrics
    clock: Clock
