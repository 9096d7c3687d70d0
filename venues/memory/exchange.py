"""The exchange in memory: one call at a time, all or nothing, to the atom as the contracts would.

Every rule is a pure function of `risk`, the same one that the keepers judge by; a parity test plays
random histories here and on the contracts and compares every event, account, market and pool. What a
call changed is told as `venues.port` changes, in the order of the contracts' logs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from risk.exact_columns import exact_sum
from risk.units import QuoteAtoms, Seconds
from venues.memory.corporate import corporate
from venues.memory.draft import Draft
from venues.memory.liquidating import deleverage, liquidate
from venues.memory.owning import (
    claim_rewards,
    fund_insurance,
    grant,
    set_limits,
    set_market_rules,
    withdraw_fees,
)
from venues.memory.requests import (
    ClaimRewards,
    Corporate,
    Deleverage,
    DepositMany,
    FundInsurance,
    Grant,
    Liquidate,
    Publish,
    Request,
    Restrict,
    SetBand,
    SetLimits,
    SetMarketRules,
    SetParameter,
    SetStatus,
    SettleTrades,
    SetWithdrawals,
    Transfer,
    Withdraw,
    WithdrawBackstop,
    WithdrawFees,
)
from venues.memory.state import ExchangeState
from venues.memory.trading import (
    deposit_many,
    settle_trades,
    transfer,
    withdraw,
    withdraw_backstop,
)
from venues.memory.writing import publish, set_control, set_parameter, set_withdrawals
from venues.port import Change

_HANDLERS: Final[Mapping[type, Callable[[Draft, Any], None]]] = {
    Liquidate: liquidate,
    Deleverage: deleverage,
    Publish: publish,
    SettleTrades: settle_trades,
    SetParameter: set_parameter,
    SetBand: set_control,
    SetStatus: set_control,
    Restrict: set_control,
    SetWithdrawals: set_withdrawals,
    Corporate: corporate,
    DepositMany: deposit_many,
    Withdraw: withdraw,
    WithdrawBackstop: withdraw_backstop,
    Transfer: transfer,
    FundInsurance: fund_insurance,
    ClaimRewards: claim_rewards,
    WithdrawFees: withdraw_fees,
    SetLimits: set_limits,
    SetMarketRules: set_market_rules,
    Grant: grant,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a call changed, what its receipt tells besides, and how much the exchange had to value."""

    changes: tuple[Change, ...]
    answers: tuple[object, ...]
    positions_valued: int


class MemoryExchange:
    """One exchange and its state."""

    def __init__(self, state: ExchangeState) -> None:
        self.state = state

    def draft(self, request: Request, *, caller: bytes, now: Seconds, base_fee_wei: int) -> Draft:
        """Work out a call without carrying it out; raises RevertedError where it is refused."""
        drafted = Draft(self.state, caller=caller, now=now, base_fee_wei=base_fee_wei)
        _HANDLERS[type(request)](drafted, request)
        return drafted

    def execute(
        self, request: Request, *, caller: bytes, now: Seconds, base_fee_wei: int = 0
    ) -> Done:
        """Carry out a call at a block's time; raises RevertedError, and then nothing changed."""
        drafted = self.draft(request, caller=caller, now=now, base_fee_wei=base_fee_wei)
        drafted.carry_out()
        return Done(
            changes=tuple(drafted.changes),
            answers=tuple(drafted.answers),
            positions_valued=drafted.positions_valued,
        )

    def money(self) -> QuoteAtoms:
        """Add up all collateral, quotes and pools: what the vault would hold, to the atom.

        Only deposits, withdrawals and claims move it: docs/exchange.md section 2.
        """
        book, funds = self.state.book, self.state.funds
        live = book.slots.market[: book.slots.count] >= 0
        held = book.rows.collateral[: book.rows.count]
        quotes = book.slots.quote[: book.slots.count][live]
        pools = funds.insurance_fund + funds.fee_pool + funds.funding_pool + funds.rewards_owed
        return QuoteAtoms(exact_sum(held) + exact_sum(quotes) + pools)
