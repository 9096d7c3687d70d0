"""Who the incentive keeper works with, and what the operator sets for it."""

from dataclasses import dataclass

from keepers.incentives.metrics import IncentiveMetrics
from keepers.incentives.view import IncentiveJournal, IncentiveView
from keepers.sender import Sender
from runtime.clock import Clock
from venues.port import TuningVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveLimits:
    """What the operator sets for this keeper."""

    gas: int
    expiry_seconds: int
    retry_seconds: int
    """Pause of a market after the exchange refused a write."""
    standby_seconds: int
    """Only what was wanted for so long is written: 0 but for a second keeper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncentiveParts:
    """Who the keeper works with."""

    view: IncentiveView
    venue: TuningVenue
    sender: Sender
    journal: IncentiveJournal
    limits: IncentiveLimits
    metrics: IncentiveMetrics
    clock: Clock
