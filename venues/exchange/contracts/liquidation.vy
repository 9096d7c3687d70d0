# pragma version 0.4.3
"""
@title Liquidation, open to anyone, in batches
@notice Every item ends in a code and an event; none reverts the others. A piece is closed
        against the backstop between mark and bankruptcy price, so that the account's ratio of
        equity to margin never gets worse; a shortfall is carried by the insurance fund, then by
        the backstop. Money 1e-6 USD, sizes 1e-8 share, rates in parts per million.
        Guarded by fresh prices, slices with a cool-down, caps, a capped reward, and no re-entry.
"""

from . import backstop
from . import ledger
from . import margin
from . import markets
from . import numbers
from . import roles
from . import structs
from . import treasury

uses: backstop
uses: ledger
uses: margin
uses: markets
uses: roles
uses: treasury

LIQUIDATED: constant(uint256) = 0
NOT_LIQUIDATABLE: constant(uint256) = 1
NO_POSITION: constant(uint256) = 2
STALE_PRICE: constant(uint256) = 3
MARKET_CLOSED: constant(uint256) = 4
COOLING_DOWN: constant(uint256) = 5
UNKNOWN_MARKET: constant(uint256) = 6
BACKSTOP_FULL: constant(uint256) = 7
DELEVERAGE_NEEDED: constant(uint256) = 8
EXPIRED: constant(uint256) = 9

PPM: constant(uint256) = 10**6
MILLION: constant(int256) = 10**6

event LiquidationResult:
    account: indexed(uint256)
    market: indexed(uint256)
    keeper: indexed(address)
    code: uint256
    size: int256
    value: int256
    discount: uint256
    penalty: uint256
    shortfall: uint256
    reward: uint256
    equity: int256
    maintenance_margin: uint256

event LiquidationRulesChanged:
    rules: structs.LiquidationRules

# What a batch carries from item to item, to be booked once at its end.
struct Batch:
    code: uint256
    backstop: backstop.Carried
    insurance: int256
    funding: int256
    rewards: int256

struct Facts:
    position: ledger.Position
    pricing: markets.Pricing
    equity: int256
    maintenance: uint256

# One item, judged: how much is closed and at what cost.
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
def _plan(item: structs.LiquidationItem, facts: Facts) -> Plan:
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
def _reward(plan: Plan, insurance: int256) -> uint256:
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


@internal
def _execute(
    item: structs.LiquidationItem, facts: Facts, plan: Plan, held: ledger.Position, paid: int256
) -> int256:
    """@notice Book both fills; gives the funding that moved to the pool."""
    cash: int256 = plan.value - convert(plan.discount, int256)
    funding: int256 = facts.pricing.funding
    lost: ledger.Fill = ledger.fill(facts.position, -plan.size, cash, funding)
    if lost.position.size != 0:
        lost.position.slice_time = plan.slice_time
    extra: int256 = plan.shortfall - convert(plan.penalty, int256)
    ledger.write(item.account, item.market, lost.position, lost.cash + extra)
    if paid > 0:
        ledger.change_collateral(ledger.backstop, -paid, ledger.SHORTFALL)
    gained: ledger.Fill = ledger.fill(held, plan.size, -cash, funding)
    ledger.write(ledger.backstop, item.market, gained.position, gained.cash)
    longs: int256 = ledger.long_part(lost.position.size) + ledger.long_part(gained.position.size)
    longs -= ledger.long_part(facts.position.size) + ledger.long_part(held.size)
    markets.move_open_interest(item.market, longs)
    return lost.owed + gained.owed


@internal
def _carry_out(item: structs.LiquidationItem, facts: Facts, plan: Plan, batch: Batch) -> Batch:
    """@notice Let insurance fund and backstop take the piece, if they can."""
    after: Batch = batch
    if not after.backstop.is_loaded:
        after.backstop = backstop.load()
    insured: int256 = min(after.insurance, plan.shortfall)
    paid: int256 = plan.shortfall - insured
    if paid > backstop.headroom(after.backstop):
        after.code = DELEVERAGE_NEEDED
        return after
    held: ledger.Position = ledger.position(ledger.backstop, item.market)
    cash: int256 = convert(plan.discount, int256) - plan.value - paid
    taking: backstop.Taking = backstop.taking(
        after.backstop, item.market, facts.pricing.mark, held.size, plan.size, cash
    )
    if not taking.is_allowed:
        after.code = BACKSTOP_FULL
        return after
    after.backstop = taking.carried
    after.insurance -= insured
    reward: uint256 = self._reward(plan, after.insurance)
    after.insurance += convert(plan.penalty, int256) - convert(reward, int256)
    after.rewards += convert(reward, int256)
    after.funding += self._execute(item, facts, plan, held, paid)
    after.code = LIQUIDATED
    log LiquidationResult(
        account=item.account,
        market=item.market,
        keeper=msg.sender,
        code=LIQUIDATED,
        size=plan.size,
        value=plan.value,
        discount=plan.discount,
        penalty=plan.penalty,
        shortfall=convert(plan.shortfall, uint256),
        reward=reward,
        equity=facts.equity,
        maintenance_margin=facts.maintenance,
    )
    return after


@internal
@view
def _refusal(item: structs.LiquidationItem) -> uint256:
    """@notice The first reason that needs no valuation of the account; LIQUIDATED if none."""
    if item.market >= markets.market_count:
        return UNKNOWN_MARKET
    held: ledger.Position = ledger.position(item.account, item.market)
    if held.size == 0 or item.account == ledger.backstop:
        return NO_POSITION
    live: markets.Live = markets.live(item.market)
    if live.status >= markets.HALTED or live.is_splitting:
        return MARKET_CLOSED
    return LIQUIDATED


@internal
def _liquidate(item: structs.LiquidationItem, batch: Batch) -> Batch:
    after: Batch = batch
    facts: Facts = empty(Facts)
    after.code = self._refusal(item)
    if after.code == LIQUIDATED:
        state: structs.AccountState = margin.state(item.account, False)
        if not state.is_priced:
            after.code = STALE_PRICE
        else:
            facts.equity = state.equity
            facts.maintenance = state.maintenance_margin
            if state.equity >= convert(state.maintenance_margin, int256):
                after.code = NOT_LIQUIDATABLE
    if after.code == LIQUIDATED:
        facts.position = ledger.position(item.account, item.market)
        facts.pricing = markets.pricing(item.market)
        plan: Plan = self._plan(item, facts)
        if plan.is_cooling:
            after.code = COOLING_DOWN
        else:
            after = self._carry_out(item, facts, plan, after)
    if after.code != LIQUIDATED:
        self._report_refusal(item, after.code, facts)
    return after


@internal
def _report_refusal(item: structs.LiquidationItem, code: uint256, facts: Facts):
    log LiquidationResult(
        account=item.account,
        market=item.market,
        keeper=msg.sender,
        code=code,
        size=0,
        value=0,
        discount=0,
        penalty=0,
        shortfall=0,
        reward=0,
        equity=facts.equity,
        maintenance_margin=facts.maintenance,
    )


@external
@nonreentrant
def liquidate(
    items: DynArray[structs.LiquidationItem, 128], deadline: uint256
) -> DynArray[uint256, 128]:
    codes: DynArray[uint256, 128] = []
    insurance: int256 = treasury.insurance_fund()
    batch: Batch = empty(Batch)
    batch.insurance = insurance
    for item: structs.LiquidationItem in items:
        if block.timestamp > deadline:
            batch.code = EXPIRED
            self._report_refusal(item, EXPIRED, empty(Facts))
        else:
            batch = self._liquidate(item, batch)
        codes.append(batch.code)
    if batch.rewards > 0:
        treasury.keeper_rewards[msg.sender] += convert(batch.rewards, uint256)
    treasury.move(batch.insurance - insurance, 0, batch.funding, batch.rewards)
    return codes
