"""What the incentive keeper asks of others: what levers ought to be, and a journal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from monitors.incentives.market_state import Judgement
from risk.guard_rails import Parameter
from risk.market import Market
from risk.units import MarketId, Seconds
from runtime.journal import IntentRecord


class IncentiveView(Protocol):
    """What the keeper asks of who judges the levers; `IncentiveDesk` is one."""

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

    def to_step(self) -> Sequence[MarketId]:
        """Name the markets that were not judged yet in this second."""

    def step(self, number: MarketId) -> None:
        """Judge one market now."""

    def watched(self) -> Sequence[MarketId]:
        """Name the watched markets that are listed."""

    def judgement(self, number: MarketId) -> Judgement | None:
        """Give what was judged of a market last."""

    def sent(self, symbol: str, parameter: Parameter, value: int) -> None:
        """Learn that a write of ours is on its way."""

    def settled(self, symbol: str, parameter: Parameter | None = None) -> None:
        """Learn that nothing of ours is on its way any more; it was written now if it is named."""


IncentiveOutcome: TypeAlias = tuple[str, str, Mapping[str, object] | None]
"""An intent's key, what became of it, and the figures."""


class IncentiveJournal(Protocol):
    """Where the keeper looks for what is on its way, and writes what became of it."""

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled."""

    def settle_all(self, outcomes: Iterable[IncentiveOutcome]) -> None:
        """Record what was seen on chain."""
