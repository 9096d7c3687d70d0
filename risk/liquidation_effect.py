"""What a liquidation changes: the account, the backstop, the funds, and the terms of the next item.

Applies the fill rules of docs/exchange.md section 2 to a verdict, so that simulators and tests can
go on from there, and so that a batch is judged as the exchange would: item after item, each on what
the one before left. No atom is made or lost:
`Σ collateral + Σ quote + insurance fund + funding pool + rewards` stays what it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from risk.fill import Fill, Filled, fill
from risk.liquidation import LiquidationTerms, LiquidationVerdict, judge_liquidation
from risk.margin import Account, margin_state
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds, SizeE8


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationEffect:
    """Both accounts afterwards and what the pools gained (signed)."""

    account: Account
    backstop: Account
    insurance_gain: QuoteAtoms
    funding_gain: QuoteAtoms
    reward: QuoteAtoms


def after_liquidation(
    account: Account, verdict: LiquidationVerdict, terms: LiquidationTerms
) -> Account:
    """Give the account after the exchange did what the verdict says."""
    return _account_side(account, verdict, terms).account


def liquidation_effect(
    account: Account, backstop: Account, verdict: LiquidationVerdict, terms: LiquidationTerms
) -> LiquidationEffect:
    """Give everything that changes; nothing does unless the verdict is LIQUIDATED."""
    taken = _account_side(account, verdict, terms)
    if verdict.cost is None or verdict.carrying is None:
        return LiquidationEffect(
            account=account,
            backstop=backstop,
            insurance_gain=QuoteAtoms(0),
            funding_gain=QuoteAtoms(0),
            reward=QuoteAtoms(0),
        )
    cost, carrying = verdict.cost, verdict.carrying
    trade = Fill(
        market=verdict.market,
        size=verdict.closed,
        cash=QuoteAtoms(cost.discount - cost.value),
    )
    given = fill(backstop, trade, terms.markets[verdict.market], now=terms.now)
    paid = QuoteAtoms(given.account.collateral - carrying.shortfall_backstop)
    return LiquidationEffect(
        account=taken.account,
        backstop=replace(given.account, collateral=paid),
        insurance_gain=QuoteAtoms(carrying.insurance_fund - terms.insurance_fund),
        funding_gain=QuoteAtoms(taken.funding_paid + given.funding_paid),
        reward=carrying.reward,
    )


def terms_after(terms: LiquidationTerms, verdict: LiquidationVerdict) -> LiquidationTerms:
    """Carry the backstop and the insurance fund along to the next item of a batch."""
    carrying = verdict.carrying
    if carrying is None:
        return terms
    inventories = {**terms.backstop.inventories, verdict.market: carrying.backstop_inventory}
    return replace(
        terms,
        insurance_fund=carrying.insurance_fund,
        backstop=replace(
            terms.backstop,
            equity=carrying.backstop_equity,
            initial_margin=carrying.backstop_initial_margin,
            inventories=inventories,
        ),
    )


def judge_batch(
    items: Sequence[tuple[AccountId, MarketId, int]],
    accounts: Mapping[AccountId, Account],
    terms: LiquidationTerms,
) -> list[LiquidationVerdict]:
    """Judge (account, market, max size) items in order, each on what the earlier ones left.

    An account that `accounts` lacks holds nothing.
    """
    changed = dict(accounts)
    verdicts: list[LiquidationVerdict] = []
    for number, market, max_size in items:
        account = changed.get(number, Account(id=number, collateral=QuoteAtoms(0)))
        state = margin_state(account, terms.markets, terms.now)
        verdict = judge_liquidation(state, market, terms, max_size=max_size)
        changed[number] = after_liquidation(account, verdict, terms)
        terms = terms_after(terms, verdict)
        verdicts.append(verdict)
    return verdicts


def _account_side(account: Account, verdict: LiquidationVerdict, terms: LiquidationTerms) -> Filled:
    cost, sizing = verdict.cost, verdict.sizing
    if cost is None or sizing is None or not verdict.is_liquidated:
        return Filled(account=account, funding_paid=QuoteAtoms(0))
    trade = Fill(
        market=verdict.market,
        size=SizeE8(-verdict.closed),
        cash=QuoteAtoms(cost.value - cost.discount),
    )
    sliced_at: Seconds | None = terms.now if sizing.is_slice else None
    filled = fill(
        account, trade, terms.markets[verdict.market], now=terms.now, slice_time=sliced_at
    )
    collateral = QuoteAtoms(filled.account.collateral + cost.shortfall - cost.penalty)
    return replace(filled, account=replace(filled.account, collateral=collateral))
