"""What plain reads of the exchange give: values for commands, checks and duties.

Money is in atoms, rates in ppm, times in seconds of the venue's clock, as in docs/exchange.md.
"""

from dataclasses import dataclass
from enum import IntEnum

from risk.units import QuoteAtoms
from venues.port import Funds


class Role(IntEnum):
    """What an address may do on the exchange; one address holds one role at most."""

    NONE = 0
    PRICER = 1
    BREAKER = 2
    TUNER = 3
    CORPORATE = 4
    MATCHER = 5
    GUARDIAN = 6
    DELEVERAGER = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """The exchange's own verdict on an account."""

    equity: QuoteAtoms
    maintenance_margin: QuoteAtoms
    initial_margin: QuoteAtoms
    notional: QuoteAtoms
    is_priced: bool

    @property
    def is_liquidatable(self) -> bool:
        """Say whether the exchange would take a liquidation, prices being fresh."""
        return self.is_priced and self.equity < self.maintenance_margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """The exchange's pools and its vault, in atoms."""

    insurance_fund: QuoteAtoms
    fee_pool: QuoteAtoms
    funding_pool: QuoteAtoms
    rewards_owed: QuoteAtoms
    vault_balance: QuoteAtoms
    withdrawals_open: bool

    @property
    def funds(self) -> Funds:
        """Give the pools alone, as the feed tells them."""
        return Funds(
            insurance_fund=self.insurance_fund,
            fee_pool=self.fee_pool,
            funding_pool=self.funding_pool,
            rewards_owed=self.rewards_owed,
        )
