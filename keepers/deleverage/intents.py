"""From a plan to intents in the journal: who needs how much, why nobody else could carry it, who gives."""

from collections.abc import Mapping, Sequence
from typing import Final

from risk.amounts import money_text, size_text
from risk.deleverage_need import Need
from risk.deleverage_rules import Pools
from risk.deleverage_values import PlannedDeleverage, why_not_carried
from risk.market import Market
from risk.units import MarketId, QuoteAtoms, Seconds, account_label, notional
from runtime.journal import Intent

KIND: Final = "deleverage"


def intent_of(
    planned: PlannedDeleverage,
    markets: Mapping[MarketId, Market],
    *,
    place: int,
    plan: str,
    block: int,
    expires_at: Seconds,
) -> Intent:
    """Write an item down with its reasons; `place`: the order in its transaction, from 0."""
    item, verdict, need = planned.item, planned.verdict, planned.need
    market = markets[item.market]
    return Intent(
        kind=KIND,
        market=market.symbol,
        account=account_label(item.account),
        judged_on=planned.judged_on,
        expires_at=expires_at,
        payload={
            "reason": planned.reason,
            "plan": plan,
            "place": place,
            "block": block,
            "counterparty": account_label(item.counterparty),
            "policy": planned.policy.value,
            "rank": planned.place,
            "size_e8": verdict.size,
            "cash_atoms": verdict.cash,
            "relief_atoms": verdict.relief,
            "held_e8": need.held,
            "needed_e8": need.size,
            "shortfall_atoms": need.shortfall,
            "burden": need.burden.value,
            "mark_e8": market.mark,
            "price_timestamp": market.price_timestamp,
        },
    )


def plan_sentence(
    need: Need,
    items: Sequence[PlannedDeleverage],
    markets: Mapping[MarketId, Market],
    pools: Pools,
) -> str:
    """Say in one sentence who needs how much, why nobody else can carry it, and what this step does."""
    first = items[0].need
    symbol = markets[first.market].symbol
    side = "long" if first.is_long else "short"
    many = len({each.account for each in need.closes})
    others = "" if many == 1 else f" ({many} accounts are in need)"
    closed = sum(abs(each.verdict.size) for each in items)
    worth = closed_notional(items, markets)
    parties = len({each.item.counterparty for each in items})
    return (
        f"{account_label(first.account)} owes {money_text(first.shortfall)} USD on"
        f" {size_text(abs(first.held))} {symbol} {side}, {size_text(first.size)} of it must be"
        f" closed{others}: {why_not_carried(first.burden)}, with"
        f" {money_text(pools.insurance_fund)} USD in the insurance fund and"
        f" {money_text(pools.backstop.headroom)} USD of headroom in the backstop; this step closes"
        f" {size_text(closed)} shares ({money_text(worth)} USD) against {parties}"
        f" {'account' if parties == 1 else 'accounts'} by {items[0].policy.value}"
    )


def closed_notional(
    items: Sequence[PlannedDeleverage], markets: Mapping[MarketId, Market]
) -> QuoteAtoms:
    """Give what items close on each side, at the mark."""
    return QuoteAtoms(
        sum(notional(each.verdict.size, markets[each.item.market].mark) for each in items)
    )
