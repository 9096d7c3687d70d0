"""What the deleverage keeper asks of others: who watches the accounts, who liquidates, the journal."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from risk.account_book import AccountBook
from risk.margin import MarginState
from risk.market import Market
from risk.price_guard import Doubt
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds
from runtime.journal import IntentRecord


class DeleverageView(Protocol):
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
    def book(self) -> AccountBook:
        """Every account and market as last told; to be read only."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as they are now."""

    @property
    def insurance_fund(self) -> QuoteAtoms:
        """The insurance fund."""

    @property
    def backstop_account(self) -> AccountId:
        """The pool's account."""

    def bankrupt(self) -> Sequence[tuple[int, AccountId]]:
        """Give (equity in atoms, account) of everybody whose equity is below 0, the lowest first."""

    def state(self, account: AccountId) -> MarginState:
        """Judge an account exactly, now."""

    def doubt(self, market: MarketId) -> Doubt | None:
        """Give the reason not to act on a market's price, or None."""


class Liquidating(Protocol):
    """Whoever liquidates in this process."""

    @property
    def accounts_in_flight(self) -> Collection[AccountId]:
        """The accounts that a liquidation on its way is about to change."""


DeleverageOutcome: TypeAlias = tuple[str, str, Mapping[str, object] | None]
"""An intent's key, what became of it, and the figures."""


class DeleverageJournal(Protocol):
    """Where the keeper finds what is on its way, and writes what became of it."""

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled."""

    def settle_all(self, outcomes: Iterable[DeleverageOutcome]) -> None:
        """Record what was seen on chain."""
