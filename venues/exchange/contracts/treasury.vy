# pragma version 0.4.3
"""
@title The vault's own pockets
@notice Insurance fund, fee pool, funding pool and keeper rewards, in USDC atoms (1e-6 USD).
        Together with all collateral and quote they always equal the vault's token balance.
        Each call moves them at most once, at its end, and then reports all four values.
        Money leaves only after the books are written, to the owner's choice (fees) or to the
        keeper who earned it.
"""

from ethereum.ercs import IERC20

from . import numbers
from . import roles
from . import structs

uses: roles

event FundsChanged:
    insurance_fund: int256
    fee_pool: int256
    funding_pool: int256
    rewards_owed: int256

event RewardsClaimed:
    keeper: indexed(address)
    amount: uint256

event FeesWithdrawn:
    to: indexed(address)
    amount: uint256

event InsuranceFunded:
    payer: indexed(address)
    amount: uint256

event WithdrawalsChanged:
    is_open: bool

token: public(immutable(address))
insurance_and_fees: uint256       # two signed halves
funding_and_rewards: uint256      # two signed halves
keeper_rewards: public(HashMap[address, uint256])
withdrawals_open: bool


@deploy
def __init__(token_address: address):
    token = token_address
    self.withdrawals_open = True
    log WithdrawalsChanged(is_open=True)


@internal
@view
def insurance_fund() -> int256:
    return numbers.high_half(self.insurance_and_fees)


@internal
def move(insurance: int256, fees: int256, funding: int256, rewards: int256):
    """@notice Apply the changes of one call and report the pockets, if any of them moved."""
    if insurance == 0 and fees == 0 and funding == 0 and rewards == 0:
        return
    word: uint256 = self.insurance_and_fees
    insurance_after: int256 = numbers.high_half(word) + insurance
    fees_after: int256 = numbers.low_half(word) + fees
    if insurance != 0 or fees != 0:
        self.insurance_and_fees = numbers.pack(insurance_after, fees_after)
    word = self.funding_and_rewards
    funding_after: int256 = numbers.high_half(word) + funding
    rewards_after: int256 = numbers.low_half(word) + rewards
    if funding != 0 or rewards != 0:
        self.funding_and_rewards = numbers.pack(funding_after, rewards_after)
    log FundsChanged(
        insurance_fund=insurance_after,
        fee_pool=fees_after,
        funding_pool=funding_after,
        rewards_owed=rewards_after,
    )


@internal
def pull(amount: uint256):
    assert extcall IERC20(token).transferFrom(
        msg.sender, self, amount, default_return_value=True
    ), "transfer failed"


@internal
def push(to: address, amount: uint256):
    assert extcall IERC20(token).transfer(
        to, amount, default_return_value=True
    ), "transfer failed"


@external
@nonreentrant
def fund_insurance(amount: uint256):
    """@notice Anyone may pay in."""
    assert amount > 0, "zero amount"
    self.move(convert(amount, int256), 0, 0, 0)
    log InsuranceFunded(payer=msg.sender, amount=amount)
    self.pull(amount)


@external
@nonreentrant
def withdraw_fees(to: address, amount: uint256):
    roles.require_owner()
    assert to != empty(address), "bad address"
    taken: int256 = convert(amount, int256)
    assert numbers.low_half(self.insurance_and_fees) >= taken, "more than the pool"
    self.move(0, -taken, 0, 0)
    log FeesWithdrawn(to=to, amount=amount)
    self.push(to, amount)


@external
@nonreentrant
def claim_rewards() -> uint256:
    amount: uint256 = self.keeper_rewards[msg.sender]
    if amount == 0:
        return 0
    self.keeper_rewards[msg.sender] = 0
    self.move(0, 0, 0, -convert(amount, int256))
    log RewardsClaimed(keeper=msg.sender, amount=amount)
    self.push(msg.sender, amount)
    return amount


@external
def close_withdrawals():
    roles.require_role(roles.GUARDIAN)
    self.withdrawals_open = False
    log WithdrawalsChanged(is_open=False)


@external
def open_withdrawals():
    roles.require_owner()
    self.withdrawals_open = True
    log WithdrawalsChanged(is_open=True)


@external
@view
def funds() -> structs.Funds:
    return structs.Funds(
        insurance_fund=numbers.high_half(self.insurance_and_fees),
        fee_pool=numbers.low_half(self.insurance_and_fees),
        funding_pool=numbers.high_half(self.funding_and_rewards),
        rewards_owed=numbers.low_half(self.funding_and_rewards),
        vault_balance=staticcall IERC20(token).balanceOf(self),
        withdrawals_open=self.withdrawals_open,
    )
