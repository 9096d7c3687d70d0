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
from . import liquidation_plan
from . import margin
from . import markets
from . import numbers
from . import structs
from . import treasury

uses: backstop
uses: ledger
uses: liquidation_plan
uses: margin
uses: markets
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

# What a batch carries from item to item, to be booked once at its end.
struct Batch:
    code: uint256
    backstop: backstop.Carried
    insurance: int256
    funding: int256
    rewards: int256


@internal
def _report(
    item: structs.LiquidationItem,
    code: uint256,
    facts: liquidation_plan.Facts,
    plan: liquidation_plan.Plan,
    reward: uint256,
):
    """@notice One event for each item; the figures of a refused one are empty."""
    log LiquidationResult(
        account=item.account,
        market=item.market,
        keeper=msg.sender,
        code=code,
        size=plan.size,
        value=plan.value,
        discount=plan.discount,
        penalty=plan.penalty,
        shortfall=convert(plan.shortfall, uint256),
        reward=reward,
        equity=facts.equity,
        maintenance_margin=facts.maintenance,
    )


@internal
def _execute(
    item: structs.LiquidationItem,
    facts: liquidation_plan.Facts,
    plan: liquidation_plan.Plan,
    held: ledger.Position,
    paid: int256,
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
def _carry_out(
    item: structs.LiquidationItem,
    facts: liquidation_plan.Facts,
    plan: liquidation_plan.Plan,
    batch: Batch,
) -> Batch:
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
    reward: uint256 = liquidation_plan.reward(plan, after.insurance)
    after.insurance += convert(plan.penalty, int256) - convert(reward, int256)
    after.rewards += convert(reward, int256)
    after.funding += self._execute(item, facts, plan, held, paid)
    after.code = LIQUIDATED
    self._report(item, LIQUIDATED, facts, plan, reward)
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
    facts: liquidation_plan.Facts = empty(liquidation_plan.Facts)
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
        plan: liquidation_plan.Plan = liquidation_plan.plan(item, facts)
        if plan.is_cooling:
            after.code = COOLING_DOWN
        else:
            after = self._carry_out(item, facts, plan, after)
    if after.code != LIQUIDATED:
        self._report(item, after.code, facts, empty(liquidation_plan.Plan), 0)
    return after


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
            self._report(
                item, EXPIRED, empty(liquidation_plan.Facts), empty(liquidation_plan.Plan), 0
            )
        else:
            batch = self._liquidate(item, batch)
        codes.append(batch.code)
    if batch.rewards > 0:
        treasury.keeper_rewards[msg.sender] += convert(batch.rewards, uint256)
    treasury.move(batch.insurance - insurance, 0, batch.funding, batch.rewards)
    return codes
