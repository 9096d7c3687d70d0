"""What the breaker keeper asks of others: what markets ought to be, and a journal."""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.precedence import Wanted
from risk.units import MarketId, MarketStatus, Seconds
from runtime.journal import IntentRecord


class BreakerView(Protocol):
    """What the keeper asks of who steps the machines."""

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""

    @property
    def applied_block(self) -> int:
        """The newest block of which anything was applied."""

    def wanted(self) -> Mapping[MarketId, Wanted]:
        """Give what each watched market ought to be now."""

    def own_status(self, market: MarketId) -> MarketStatus:
        """Give the strictest status that is ours to lift; OPEN before we set any."""

    def set_by_us(self, market: MarketId, status: MarketStatus) -> None:
        """Learn that this status on chain is ours; a stricter one is somebody else's."""


class ControlFacts(Protocol):
    """What was read of the owner's guard rails and of withdrawals."""

    def limits(self, market: MarketId, parameter: Parameter) -> Limits | None:
        """Give the owner's limits of a parameter of a market; None before they were read."""

    @property
    def withdrawals_open(self) -> bool | None:
        """Whether anything may leave the exchange; None before it was read."""


ControlOutcome: TypeAlias = tuple[str, str, Mapping[str, object] | None]
"""An intent's key, what became of it, and the figures."""


class ControlJournal(Protocol):
    """Where the keeper looks for what is on its way, and writes what became of it."""

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled."""

    def settle_all(self, outcomes: Iterable[ControlOutcome]) -> None:
        """Record what was seen on chain."""
