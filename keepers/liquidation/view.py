"""What the liquidation keeper asks of others: who watches the accounts, and who keeps the journal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from risk.liquidation import LiquidationRules
from risk.margin import Account, MarginState
from risk.market import Market
from risk.price_guard import Doubt
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds


class AccountsView(Protocol):
    """What the keeper asks of whoever watches the accounts."""

    @property
    def distrust(self) -> str | None:
        """Why nothing may be acted on, or None."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    @property
    def applied_block(self) -> int:
        """The newest block of which something was applied."""

    @property
    def sealed_block(self) -> int:
        """The newest block that was applied whole."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as they are now."""

    @property
    def rules(self) -> LiquidationRules:
        """The exchange-wide rules."""

    @property
    def insurance_fund(self) -> QuoteAtoms:
        """The insurance fund."""

    @property
    def backstop_account(self) -> AccountId:
        """The pool's account."""

    def under_margin_count(self) -> int:
        """Count the accounts under margin."""

    def oldest_under_margin(self) -> tuple[Seconds, int] | None:
        """Give the venue's time and block at which the oldest of them fell under margin."""

    def worst(self, limit: int) -> Sequence[AccountId]:
        """Name accounts under margin, the largest shortfall first."""

    def account(self, account: AccountId) -> Account:
        """Give an account."""

    def state(self, account: AccountId) -> MarginState:
        """Judge an account exactly, now."""

    def doubt(self, market: MarketId) -> Doubt | None:
        """Give the reason not to act on a market's price, or None."""


SeenOutcome: TypeAlias = tuple[str, str, Mapping[str, object] | None]
"""An intent's key, what became of it, and the figures."""


class OutcomeJournal(Protocol):
    """Where the keeper writes what became of its intents."""

    def settle_all(self, outcomes: Iterable[SeenOutcome]) -> None:
        """Record what was seen on chain."""
