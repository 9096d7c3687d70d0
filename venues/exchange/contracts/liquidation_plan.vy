# pragma version 0.4.3
"""
@title The plan of one liquidation: how much is closed, at what cost, for what reward
@notice Slices with a cool-down bound how much may go at once, the buffer how much is needed; the
        cost is at most the piece's share of the equity, so that the account's ratio never gets
        worse. Reads only, but for the owner's one set of rules. Money 1e-6 USD, sizes 1e-8
        share, rates in parts per million. Requirements round up, what an account gets down.
"""

from . import ledger
from . import margin
from . import markets
from . import numbers
from . import roles
from . import structs

uses: margin
uses: markets
uses: roles

PPM: constant(uint256) = 10**6
MILLION: constant(int256) = 10**6

event LiquidationRulesChanged:
    rules: structs.LiquidationRules

struct Facts:
    position: ledger.Position
    pricing: markets.Pricing
    equity: int256
    maintenance: uint256

# One item, judged.
struct Plan:
    is_cooling: bool
    is_cut: bool           # by the keeper's own max_size
    slice_time: uint256    # afterwards
    size: int256           # closed, signed like the position
    value: int256
    notional: uint256
    discount: uint256
    penalty: uint256
    shortfall: int256
    reward: uint256

rules: public(structs.LiquidationRules)


@deploy
def __init__(rules: structs.LiquidationRules):
    self._set_rules(rules)


@internal
def _set_rules(rules: structs.LiquidationRules):
    assert rules.slice > 0 and rules.slice <= PPM, "bad slice"
    assert rules.critical_margin <= PPM, "bad critical margin"
    assert rules.buffer >= PPM and rules.buffer <= 2 * PPM, "bad buffer"
    assert rules.reward <= PPM and rules.gas_margin <= 10 * PPM, "bad reward"
    assert max(rules.reward_cap, rules.gas_per_item) < 2**64, "bad reward"
    assert max(rules.native_price, max(rules.cool_down, rules.slice_memory)) < 2**64, "bad rules"
    self.rules = rules
    log LiquidationRulesChanged(rules=rules)


@external
def set_liquidation_rules(rules: structs.LiquidationRules):
    roles.require_owner()
    self._set_rules(rules)


@internal
@view
def _allowed(market: uint256, facts: Facts, rules: structs.LiquidationRules) -> Plan:
    """@notice What slices and cool-down leave open: `size` unsigned here, and the slice time."""
    plan: Plan = empty(Plan)
    size: uint256 = numbers.magnitude(facts.position.size)
    last: uint256 = facts.position.slice_time
    plan.slice_time = last
    plan.size = convert(size, int256)
    line: int256 = convert(facts.maintenance * rules.critical_margin, int256)
    if facts.equity * MILLION < line:
        return plan
    if last > 0 and block.timestamp < last + rules.cool_down:
        plan.is_cooling = True
        return plan
    is_fresh: bool = last == 0 or block.timestamp >= last + rules.slice_memory
    if is_fresh:
        notional: uint256 = numbers.notional(size, facts.pricing.mark)
        if notional > markets.rules[market].slice_threshold:
            plan.size = convert(numbers.part_up(size, rules.slice), int256)
            plan.slice_time = block.timestamp
    return plan


@internal
@view
def _spread(market: uint256, facts: Facts) -> uint256:
    """@notice The worse the account's health, the wider, in ppm."""
    widest: uint256 = markets.rules[market].spread_max
    if facts.equity <= 0:
        return widest
    return widest * (facts.maintenance - convert(facts.equity, uint256)) // facts.maintenance


@internal
@view
def _needed(market: uint256, facts: Facts, spread: uint256, buffer: uint256) -> uint256:
    """@notice How much must be closed so that equity covers the margin with the buffer."""
    size: uint256 = numbers.magnitude(facts.position.size)
    notional: uint256 = numbers.notional(size, facts.pricing.mark)
    maintenance: uint256 = markets.maintenance(market, notional)
    shortage: int256 = convert(numbers.part_up(facts.maintenance, buffer), int256) - facts.equity
    cost: uint256 = numbers.part_up(notional, spread + markets.rules[market].penalty)
    gain: int256 = convert(maintenance * buffer // PPM, int256) - convert(cost, int256)
    if gain <= 0:
        return size
    return min(size, numbers.div_up(size * convert(shortage, uint256), convert(gain, uint256)))


@internal
@view
def plan(item: structs.LiquidationItem, facts: Facts) -> Plan:
    rules: structs.LiquidationRules = self.rules
    plan: Plan = self._allowed(item.market, facts, rules)
    if plan.is_cooling:
        return plan
    mark: uint256 = facts.pricing.mark
    size: uint256 = numbers.magnitude(facts.position.size)
    spread: uint256 = self._spread(item.market, facts)
    needed: uint256 = self._needed(item.market, facts, spread, rules.buffer)
    close: uint256 = min(convert(plan.size, uint256), needed)
    if item.max_size > 0 and item.max_size < close:
        close = item.max_size
        plan.is_cut = True
    least: uint256 = markets.rules[item.market].min_position_notional
    if numbers.notional(size - close, mark) < least:
        close = size
        plan.is_cut = False
    if plan.is_cut:
        # a crumb is no slice: it must not buy the account a cool-down
        plan.slice_time = facts.position.slice_time
    plan.size = convert(close, int256)
    if facts.position.size < 0:
        plan.size = -plan.size
    plan.notional = numbers.notional(close, mark)
    return self._priced(item.market, facts, plan, spread)


@internal
@view
def _priced(market: uint256, facts: Facts, plan: Plan, spread: uint256) -> Plan:
    """@notice The cost of the piece: at most its share of the equity, or its share of the hole."""
    priced: Plan = plan
    mark: uint256 = facts.pricing.mark
    before: int256 = facts.position.size
    after: int256 = before - plan.size
    priced.value = numbers.value(before, mark) - numbers.value(after, mark)
    freed: uint256 = margin.maintenance(market, before, mark)
    freed -= margin.maintenance(market, after, mark)
    budget: int256 = numbers.div_floor(
        facts.equity * convert(freed, int256), convert(facts.maintenance, int256)
    )
    if budget < 0:
        priced.shortfall = -budget
        return priced
    left: uint256 = convert(budget, uint256)
    priced.discount = min(left, numbers.part_up(plan.notional, spread))
    left -= priced.discount
    priced.penalty = min(left, numbers.part_up(plan.notional, markets.rules[market].penalty))
    return priced


@internal
@view
def reward(plan: Plan, insurance: int256) -> uint256:
    """
    @notice The keeper's gas with a margin, plus a part of the notional, capped. A piece that the
            keeper cut small itself is paid from its own penalty only: cutting a liquidation
            into crumbs must not drain the insurance fund.
    """
    rules: structs.LiquidationRules = self.rules
    gas: uint256 = rules.gas_per_item * block.basefee * rules.native_price
    reward: uint256 = numbers.div_up(gas * (PPM + rules.gas_margin), 10**26)
    reward = min(rules.reward_cap, reward + plan.notional * rules.reward // PPM)
    if plan.is_cut:
        return min(reward, plan.penalty)
    return min(reward, plan.penalty + convert(insurance, uint256))
