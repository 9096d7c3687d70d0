"""Trades, and collateral in and out."""

from risk.custody_rules import debit_revert
from risk.exchange_reverts import Revert
from risk.trade_rules import Trade, TradeParty, settle_trade
from risk.units import SUBACCOUNT_BITS, AccountId, QuoteAtoms, account_id
from venues.exchange.readings import Role
from venues.memory.draft import Draft, RevertedError
from venues.memory.gates import require_owner, require_role
from venues.memory.requests import (
    DepositMany,
    SettleTrades,
    Transfer,
    Withdraw,
    WithdrawBackstop,
)
from venues.port import TradeSettled


def settle_trades(draft: Draft, request: SettleTrades) -> None:
    """Settle a batch; raises RevertedError for all of it when one of them is bad."""
    require_role(draft, Role.MATCHER)
    fees = funding = 0
    for trade in request.trades:
        fee, owed = _settle(draft, trade)
        fees, funding = fees + fee, funding + owed
    draft.move_pools(fees=fees, funding=funding)


def _settle(draft: Draft, trade: Trade) -> tuple[int, int]:
    known = trade.market in draft.markets
    market = draft.markets[trade.market] if known else None
    effect = settle_trade(
        trade, _party(draft, trade.taker), _party(draft, trade.maker), market, draft.now
    )
    if isinstance(effect, Revert):
        raise RevertedError(effect)
    draft.positions_valued += len(effect.taker.positions) + len(effect.maker.positions)
    draft.write(effect.taker, trade.market)
    draft.write(effect.maker, trade.market)
    draft.move_open_interest(trade.market, effect.open_interest_change)
    draft.changes.append(
        TradeSettled(
            market=trade.market,
            taker=trade.taker,
            maker=trade.maker,
            size=trade.size,
            price=trade.price,
            taker_fee=effect.taker_fee,
            maker_fee=effect.maker_fee,
        )
    )
    return effect.fees, effect.funding_paid


def _party(draft: Draft, number: AccountId) -> TradeParty:
    return TradeParty(
        account=draft.account(number),
        markets=draft.markets_for(number),
        is_open=draft.is_open(number),
        is_free=number == draft.state.backstop,
    )


def deposit_many(draft: Draft, request: DepositMany) -> None:
    """Credit accounts, opening what is not open; raises RevertedError."""
    if len(request.accounts) != len(request.amounts):
        raise RevertedError("lengths differ")
    for number, amount in zip(request.accounts, request.amounts, strict=True):
        if amount <= 0:
            raise RevertedError(Revert.ZERO_AMOUNT)
        draft.open(number)
        draft.change_collateral(number, amount)


def withdraw(draft: Draft, request: Withdraw) -> None:
    """Take collateral of the caller's out of the exchange; raises RevertedError."""
    if not draft.state.withdrawals_open:
        raise RevertedError(Revert.WITHDRAWALS_CLOSED)
    _debit(draft, own_account(draft.caller, request.subaccount), request.amount)


def withdraw_backstop(draft: Draft, request: WithdrawBackstop) -> None:
    """Take capital out of the backstop, by the rules of any account; raises RevertedError."""
    require_owner(draft)
    if not draft.state.withdrawals_open:
        raise RevertedError(Revert.WITHDRAWALS_CLOSED)
    _debit(draft, draft.state.backstop, request.amount)


def transfer(draft: Draft, request: Transfer) -> None:
    """Move collateral between two subaccounts of the caller; raises RevertedError."""
    source = own_account(draft.caller, request.source)
    target = own_account(draft.caller, request.target)
    if source == target:
        raise RevertedError(Revert.SAME_ACCOUNT)
    _debit(draft, source, request.amount)
    draft.open(target)
    draft.change_collateral(target, request.amount)


def own_account(caller: bytes, subaccount: int) -> AccountId:
    """Give a subaccount of the caller's; raises RevertedError for a number that is none."""
    if not 0 <= subaccount < 1 << SUBACCOUNT_BITS:
        raise RevertedError("bad subaccount")
    return account_id(caller, subaccount)


def _debit(draft: Draft, number: AccountId, amount: int) -> None:
    if amount <= 0:
        raise RevertedError(Revert.ZERO_AMOUNT)
    draft.change_collateral(number, -amount)
    refusal = debit_revert(QuoteAtoms(amount), draft.value(number))
    if refusal is not None:
        raise RevertedError(refusal)
