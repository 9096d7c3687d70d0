# pragma version 0.4.3
"""
@title A token that misbehaves, for tests of the exchange only
@notice mode 0: honest; 1: says that it failed; 2: calls back into the exchange while it is
        paying out or being paid, as the owner of an account of its own.
"""

interface Exchange:
    def withdraw(subaccount: uint256, amount: uint256): nonpayable
    def deposit(subaccount: uint256, amount: uint256): nonpayable
    def claim_rewards() -> uint256: nonpayable
    def liquidate(items: DynArray[Item, 128], deadline: uint256) -> DynArray[uint256, 128]: nonpayable

struct Item:
    account: uint256
    market: uint256
    max_size: uint256

mode: public(uint256)
call: public(uint256)
balanceOf: public(HashMap[address, uint256])


@external
def set_mode(mode: uint256, call: uint256):
    self.mode = mode
    self.call = call


@external
def mint(receiver: address, amount: uint256):
    self.balanceOf[receiver] += amount


@external
def do_deposit(exchange: Exchange, amount: uint256):
    extcall exchange.deposit(0, amount)


@internal
def _misbehave() -> bool:
    if self.mode == 2:
        if self.call == 0:
            extcall Exchange(msg.sender).withdraw(0, 1)
        elif self.call == 1:
            extcall Exchange(msg.sender).deposit(0, 1)
        elif self.call == 2:
            extcall Exchange(msg.sender).claim_rewards()
        else:
            extcall Exchange(msg.sender).liquidate([], 0)
    return self.mode != 1


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount
    return self._misbehave()


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount
    return self._misbehave()
