# pragma version 0.4.3
"""
@title Margin of an account: what it has, what it must keep
@notice Equity and requirements over all positions, at the mark price. Requirements round up,
        equity rounds down: a doubt never hides a risk. Money 1e-6 USD. Reads only.
"""

from . import ledger
from . import markets
from . import numbers
from . import structs

uses: ledger
uses: markets


@internal
@view
def pricing(account: uint256, market: uint256) -> markets.Pricing:
    """@notice Prices for one account: while a split runs, those already rescaled have new ones."""
    pricing: markets.Pricing = markets.pricing(market)
    if pricing.is_splitting:
        split: markets.Split = markets.splits[market]
        if ledger.ranks[account] <= split.cursor:
            pricing.mark = pricing.mark * split.denominator // split.numerator
            pricing.funding = 0
    return pricing


@internal
@view
def state(account: uint256, with_initial: bool) -> structs.AccountState:
    """@notice Equity and requirements; the initial one costs a read per market, so by request."""
    word: uint256 = ledger.words[account]
    state: structs.AccountState = empty(structs.AccountState)
    state.equity = numbers.high_half(word)
    state.is_priced = True
    left: uint256 = word & ledger.MARKET_BITS
    for i: uint256 in range(128):
        if left == 0:
            break
        market: uint256 = numbers.lowest_bit(left)
        left = left & unsafe_sub(left, 1)
        position: ledger.Position = ledger.position(account, market)
        pricing: markets.Pricing = self.pricing(account, market)
        state.equity += ledger.worth(position, pricing.mark, pricing.funding)
        if pricing.is_stale:
            state.is_priced = False
        notional: uint256 = numbers.notional(numbers.magnitude(position.size), pricing.mark)
        state.notional += notional
        if not pricing.is_settled:
            maintenance: uint256 = markets.maintenance(market, notional)
            state.maintenance_margin += maintenance
            if with_initial:
                state.initial_margin += markets.initial(market, notional, maintenance)
    return state


@internal
@view
def maintenance(market: uint256, size: int256, mark: uint256) -> uint256:
    return markets.maintenance(market, numbers.notional(numbers.magnitude(size), mark))


@external
@view
def account_state(account: uint256) -> structs.AccountState:
    return self.state(account, True)
