"""What the price keeper asks of others: who knows the fair prices, and who keeps the journal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from risk.market import Market
from risk.price_publication import FairPrice
from risk.units import MarketId, Seconds


class PriceView(Protocol):
    """What the keeper asks of whoever makes the prices."""

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""

    def fair_prices(self) -> Sequence[FairPrice]:
        """Give the prices as they ought to be now, at most one for each market."""

    def why(self, market: MarketId) -> Mapping[str, object]:
        """Tell every input, weight and rejection of a price just given, as the journal keeps it."""


PublishedOutcome: TypeAlias = tuple[str, str, Mapping[str, object] | None]
"""An intent's key, what became of it, and the figures."""


class PriceJournal(Protocol):
    """Where the keeper writes what became of its prices."""

    def settle_all(self, outcomes: Iterable[PublishedOutcome]) -> None:
        """Record what was seen on chain."""
