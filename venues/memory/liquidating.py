"""Liquidations and deleverages: batches in which every item ends in a code and an event.

Judged by `risk`, item after item on what the ones before left; here is only the order in which the
contract reads, carries along and tells.
"""

from risk.deleverage_effect import fill_both
from risk.deleverage_rules import DeleverageVerdict, Pools, judge_deleverage
from risk.liquidation import (
    BackstopState,
    LiquidationCode,
    LiquidationTerms,
    LiquidationVerdict,
    backstop_state,
    judge_liquidation,
)
from risk.liquidation_effect import liquidation_effect, terms_after
from risk.margin import Account
from risk.units import QuoteAtoms, SizeE8
from venues.exchange.readings import Role
from venues.memory.draft import Draft
from venues.memory.gates import require_role
from venues.memory.requests import Deleverage, Liquidate
from venues.port import (
    CollateralChanged,
    DeleverageItem,
    DeleverageSettled,
    LiquidationItem,
    LiquidationSettled,
)

_ZERO = QuoteAtoms(0)
_VALUED = frozenset(
    {
        LiquidationCode.LIQUIDATED,
        LiquidationCode.NOT_LIQUIDATABLE,
        LiquidationCode.COOLING_DOWN,
        LiquidationCode.BACKSTOP_FULL,
        LiquidationCode.DELEVERAGE_NEEDED,
    }
)
"""Codes whose event tells equity and margin."""


def liquidate(draft: Draft, request: Liquidate) -> None:
    """Liquidate a batch: pools and backstop are carried along, and booked once at the end."""
    if draft.now > request.deadline:
        for item in request.items:
            draft.changes.append(_refused(draft, item, LiquidationCode.EXPIRED))
        return
    start = draft.funds.insurance_fund
    terms = LiquidationTerms(
        markets=dict(draft.markets),
        rules=draft.state.rules,
        backstop=_backstop(draft),
        insurance_fund=start,
        now=draft.now,
        base_fee_wei=draft.base_fee_wei,
    )
    funding = rewards = 0
    for item in request.items:
        state = draft.value(item.account)
        verdict = judge_liquidation(state, item.market, terms, max_size=item.max_size)
        if verdict.is_liquidated:
            paid, reward = _carry_out(draft, verdict, terms)
            terms = terms_after(terms, verdict)
            funding, rewards = funding + paid, rewards + reward
            draft.changes.append(_settled(draft, verdict))
        else:
            draft.changes.append(_refused(draft, item, verdict.code, verdict))
    if rewards > 0:
        _owe(draft, rewards)
    draft.move_pools(insurance=terms.insurance_fund - start, funding=funding, rewards=rewards)


def _backstop(draft: Draft) -> BackstopState:
    return backstop_state(draft.value(draft.state.backstop))


def _owe(draft: Draft, rewards: int) -> None:
    owed, caller = draft.state.keeper_rewards, draft.caller
    after = QuoteAtoms(owed.get(caller, _ZERO) + rewards)
    draft.later(lambda: owed.update({caller: after}))


def _carry_out(
    draft: Draft, verdict: LiquidationVerdict, terms: LiquidationTerms
) -> tuple[int, int]:
    """Book both fills; give the funding that moved to the pool, and the reward."""
    assert verdict.carrying is not None, "expected a carrier of whatever is liquidated"
    backstop = draft.account(draft.state.backstop)
    effect = liquidation_effect(draft.account(verdict.account), backstop, verdict, terms)
    longs = _longs_moved(verdict, terms)
    draft.write(effect.account, verdict.market)
    paid = verdict.carrying.shortfall_backstop
    if paid > 0:
        left = QuoteAtoms(backstop.collateral - paid)
        draft.changes.append(CollateralChanged(account=backstop.id, collateral=left))
    draft.write(effect.backstop, verdict.market)
    draft.move_open_interest(verdict.market, longs)
    return effect.funding_gain, effect.reward


def _longs_moved(verdict: LiquidationVerdict, terms: LiquidationTerms) -> int:
    assert verdict.position is not None
    assert verdict.carrying is not None
    held = verdict.position.position.size
    inventory = terms.backstop.inventories.get(verdict.market, SizeE8(0))
    after = max(held - verdict.closed, 0) + max(verdict.carrying.backstop_inventory, 0)
    return after - max(held, 0) - max(inventory, 0)


def _settled(draft: Draft, verdict: LiquidationVerdict) -> LiquidationSettled:
    cost, carrying = verdict.cost, verdict.carrying
    assert cost is not None
    assert carrying is not None
    return LiquidationSettled(
        account=verdict.account,
        market=verdict.market,
        keeper=draft.caller,
        code=verdict.code,
        size=verdict.closed,
        value=cost.value,
        discount=cost.discount,
        penalty=cost.penalty,
        shortfall=cost.shortfall,
        reward=carrying.reward,
        equity=verdict.equity,
        maintenance_margin=verdict.maintenance_margin,
    )


def _refused(
    draft: Draft,
    item: LiquidationItem,
    code: LiquidationCode,
    verdict: LiquidationVerdict | None = None,
) -> LiquidationSettled:
    is_valued = verdict is not None and code in _VALUED
    return LiquidationSettled(
        account=item.account,
        market=item.market,
        keeper=draft.caller,
        code=code,
        size=SizeE8(0),
        value=_ZERO,
        discount=_ZERO,
        penalty=_ZERO,
        shortfall=_ZERO,
        reward=_ZERO,
        equity=verdict.equity if verdict is not None and is_valued else _ZERO,
        maintenance_margin=(
            verdict.maintenance_margin if verdict is not None and is_valued else _ZERO
        ),
    )


def deleverage(draft: Draft, request: Deleverage) -> None:
    """Deleverage a batch; neither insurance fund nor backstop moves."""
    require_role(draft, Role.DELEVERAGER)
    markets = dict(draft.markets)
    pools = Pools(insurance_fund=draft.funds.insurance_fund, backstop=_backstop(draft))
    funding = 0
    for item in request.items:
        verdict = judge_deleverage(
            item, draft.value(item.account), draft.value(item.counterparty), markets, pools
        )
        if verdict.is_deleveraged:
            funding += _fill_both(draft, item, verdict)
        draft.changes.append(
            DeleverageSettled(
                account=item.account,
                market=item.market,
                counterparty=item.counterparty,
                code=verdict.code,
                size=verdict.size,
                cash=verdict.cash,
            )
        )
    draft.move_pools(funding=funding)


def _fill_both(draft: Draft, item: DeleverageItem, verdict: DeleverageVerdict) -> int:
    market = draft.markets[item.market]
    mine: Account = draft.account(item.account)
    lost, taken, paid = fill_both(
        verdict, mine, draft.account(item.counterparty), market, draft.now
    )
    draft.write(lost, item.market)
    draft.write(taken, item.market)
    draft.move_open_interest(item.market, -abs(verdict.size))
    return paid
