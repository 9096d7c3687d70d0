# pragma version 0.4.3
"""
@title Collateral in and out
@notice Deposits (also in another's name), withdrawals and transfers, in USDC atoms. Only
        collateral leaves, only at fresh prices, and what stays covers the initial margin.
        Books are written before tokens move; every function that moves tokens is guarded
        against re-entry. The guardian can close withdrawals.
"""

from . import ledger
from . import margin
from . import roles
from . import structs
from . import treasury

uses: ledger
uses: margin
uses: roles
uses: treasury


@internal
def _credit(account: uint256, amount: uint256):
    assert amount > 0, "zero amount"
    ledger.open(account)
    ledger.change_collateral(account, convert(amount, int256), ledger.DEPOSIT)


@internal
def _debit(account: uint256, amount: uint256, reason: uint256):
    assert amount > 0, "zero amount"
    ledger.change_collateral(account, -convert(amount, int256), reason)
    assert ledger.collateral(account) >= 0, "more than the collateral"
    state: structs.AccountState = margin.state(account, True)
    assert state.is_priced, "stale price"
    assert state.equity >= convert(state.initial_margin, int256), "below initial margin"


@external
@nonreentrant
def deposit(subaccount: uint256, amount: uint256):
    self._credit(ledger.account_of(msg.sender, subaccount), amount)
    treasury.pull(amount)


@external
@nonreentrant
def deposit_for(account: uint256, amount: uint256):
    self._credit(account, amount)
    treasury.pull(amount)


@external
@nonreentrant
def deposit_many(accounts: DynArray[uint256, 128], amounts: DynArray[uint256, 128]):
    assert len(accounts) == len(amounts), "lengths differ"
    total: uint256 = 0
    for i: uint256 in range(len(accounts), bound=128):
        self._credit(accounts[i], amounts[i])
        total += amounts[i]
    treasury.pull(total)


@external
@nonreentrant
def withdraw(subaccount: uint256, amount: uint256):
    assert treasury.withdrawals_open, "withdrawals closed"
    self._debit(ledger.account_of(msg.sender, subaccount), amount, ledger.WITHDRAWAL)
    treasury.push(msg.sender, amount)


@external
@nonreentrant
def withdraw_backstop(to: address, amount: uint256):
    """@notice The owner takes capital out of the backstop, under the rules of any account."""
    roles.require_owner()
    assert to != empty(address), "bad address"
    assert treasury.withdrawals_open, "withdrawals closed"
    self._debit(ledger.backstop, amount, ledger.WITHDRAWAL)
    treasury.push(to, amount)


@external
@nonreentrant
def transfer(from_subaccount: uint256, to_subaccount: uint256, amount: uint256):
    """@notice Between two subaccounts of the caller; nothing leaves the vault."""
    source: uint256 = ledger.account_of(msg.sender, from_subaccount)
    target: uint256 = ledger.account_of(msg.sender, to_subaccount)
    assert source != target, "same account"
    self._debit(source, amount, ledger.TRANSFER)
    ledger.open(target)
    ledger.change_collateral(target, convert(amount, int256), ledger.TRANSFER)
