"""Since when a keeper has been waited for: not a closed market, not a fresh price, not the backstop's money.

No keeper can do anything about those three. Counted all the same, they made a halt worse: a market that reopened
was reduce-only at once for the time in which nobody could be liquidated, and where reduce-only came for an empty
backstop nobody could buy what it holds, so it stayed empty.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from risk.liquidation import (
    LiquidationCode,
    LiquidationRules,
    LiquidationTerms,
    backstop_state,
    judge_liquidation,
)
from risk.margin import MarginState
from risk.market import Market
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds

Moment = tuple[Seconds, int]
"""The venue's time and the block."""
MOST_JUDGED: Final = 64
"""Of those under margin, the oldest first. Where none of so many can be helped, nobody is waited for."""
_WAITED_FOR: Final = frozenset({LiquidationCode.LIQUIDATED, LiquidationCode.COOLING_DOWN})
"""What the exchange answers about a position that is a keeper's to close, now or in a moment."""


class Waiting(Protocol):
    """What is asked of the accounts' monitor."""

    @property
    def now(self) -> Seconds:
        """The venue's clock."""

    applied_block: int
    """The newest block of which anything was told."""

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as they are now."""

    @property
    def rules(self) -> LiquidationRules:
        """The exchange-wide liquidation rules."""

    @property
    def insurance_fund(self) -> QuoteAtoms:
        """The insurance fund."""

    @property
    def backstop_account(self) -> AccountId:
        """The account that takes over what is liquidated."""

    def state(self, account: AccountId) -> MarginState:
        """Judge one account exactly, on the venue's clock."""

    def longest_under_margin(self, limit: int) -> list[tuple[AccountId, Moment]]:
        """Name who fell under margin first, with the moment."""


class Backlog:
    """Looked at with every block: it remembers when each market last let nobody be liquidated."""

    def __init__(self, monitor: Waiting) -> None:
        self._monitor = monitor
        self._closed: dict[MarketId, Moment] = {}
        self._oldest: tuple[Moment, Moment | None] | None = None
        """Of a moment: who is waited for longest."""

    def since(self, market: MarketId) -> Moment | None:
        """Give since when somebody has waited for a keeper while this market may liquidate; None: nobody.

        The oldest of all accounts stands for each market: whoever does not get to him does not get to others.
        """
        monitor, held = self._monitor, self._monitor.markets[market]
        now = (monitor.now, monitor.applied_block)
        if not held.may_liquidate or held.is_stale(monitor.now):
            self._closed[market] = now
            return None
        if self._oldest is None or self._oldest[0] != now:
            self._oldest = (now, self._look())
        oldest = self._oldest[1]
        return None if oldest is None else max(oldest, self._closed.get(market, oldest))

    def _look(self) -> Moment | None:
        monitor = self._monitor
        found = monitor.longest_under_margin(MOST_JUDGED)
        if not found:
            return None
        terms = LiquidationTerms(
            markets=monitor.markets,
            rules=monitor.rules,
            backstop=backstop_state(monitor.state(monitor.backstop_account)),
            insurance_fund=monitor.insurance_fund,
            now=monitor.now,
        )
        return next(
            (moment for account, moment in found if _is_a_keepers(monitor.state(account), terms)),
            None,
        )


def _is_a_keepers(state: MarginState, terms: LiquidationTerms) -> bool:
    return any(
        judge_liquidation(state, held.position.market, terms).code in _WAITED_FOR
        for held in state.positions
    )
