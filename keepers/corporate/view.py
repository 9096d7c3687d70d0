"""Who the corporate keeper works with, and what the operator sets for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from keepers.corporate.metrics import CorporateMetrics
from keepers.sender import Sender
from monitors.corporate.desk import ActionDesk
from risk.account_watch import AccountWatch
from risk.market import Market
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds
from runtime.clock import Clock
from runtime.journal import IntentRecord
from venues.port import CorporateVenue


class CorporateView(Protocol):
    """The venue as the feed tells it; `AccountsMonitor` is one."""

    watch: AccountWatch

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def sealed_block(self) -> int:
        """The newest block of which everything was applied and audited."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""

    @property
    def insurance_fund(self) -> QuoteAtoms:
        """The insurance fund."""

    @property
    def backstop_account(self) -> AccountId:
        """The pool's account."""


CorporateOutcome: TypeAlias = tuple[str, str, Mapping[str, object] | None]
"""An intent's key, what became of it, and the figures."""


class CorporateJournal(Protocol):
    """Where the keeper looks for what is on its way, and writes what became of it."""

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled."""

    def settle_all(self, outcomes: Iterable[CorporateOutcome]) -> None:
        """Record what was seen on chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateLimits:
    """What the operator sets for this keeper."""

    gas: int
    expiry_seconds: int
    retry_seconds: int
    """Pause of a market after the exchange refused a write."""
    standby_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateParts:
    """Who the keeper works with."""

    view: CorporateView
    desk: ActionDesk
    venue: CorporateVenue
    sender: Sender
    address: bytes | None
    """The key's, in whose name writes are simulated; None in a dry run."""
    journal: CorporateJournal
    limits: CorporateLimits
    metrics: CorporateMetrics
    clock: Clock
