"""What a decision was judged on, so that it can be judged again.

The evidence of a liquidation is everything that the exact judge read: the account, the markets it
holds, the rules, the backstop, the insurance fund and the venue's time. `judge_again` gives the same
verdict from it, on any machine, years later. Values are plain (numbers, texts, lists); integers that
may pass 64 bits travel as texts.
"""

from collections.abc import Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, TypeAlias

from risk.liquidation import (
    BackstopState,
    LiquidationRules,
    LiquidationTerms,
    LiquidationVerdict,
    judge_liquidation,
)
from risk.margin import Account, Position, margin_state
from risk.market import Market, Tier
from risk.units import (
    AccountId,
    MarketId,
    MarketStatus,
    QuoteAtoms,
    Seconds,
    SizeE8,
)

Evidence: TypeAlias = dict[str, Any]

_MARKET_FIELDS: Final = tuple(
    field.name
    for field in fields(Market)
    if field.name not in {"tiers", "status", "funding_numerator"}
)
_market_values = attrgetter(*_MARKET_FIELDS)
_RULE_FIELDS: Final = tuple(field.name for field in fields(LiquidationRules))


def evidence(account: Account, verdict: LiquidationVerdict, terms: LiquidationTerms) -> Evidence:
    """Gather what a verdict was judged on, and the verdict in short."""
    held = {position.market for position in account.positions}
    backstop = terms.backstop
    return {
        "now": terms.now,
        "market": verdict.market,
        "account": str(account.id),
        "collateral": account.collateral,
        "positions": [
            [held.market, held.size, held.quote, held.funding, held.slice_time]
            for held in account.positions
        ],
        "markets": [_market_row(terms.markets[number]) for number in sorted(held)],
        "rules": [getattr(terms.rules, name) for name in _RULE_FIELDS],
        "backstop": [
            str(backstop.account),
            backstop.equity,
            backstop.initial_margin,
            backstop.inventories.get(verdict.market, 0),
        ],
        "insurance_fund": terms.insurance_fund,
        "base_fee_wei": terms.base_fee_wei,
        "verdict": summary(verdict),
    }


def summary(verdict: LiquidationVerdict) -> dict[str, int | str]:
    """Give the numbers of a verdict that a replay must give again."""
    cost = verdict.cost
    return {
        "code": verdict.code.value,
        "equity_atoms": verdict.equity,
        "maintenance_margin_atoms": verdict.maintenance_margin,
        "closed_e8": verdict.closed,
        "discount_atoms": cost.discount if cost else 0,
        "penalty_atoms": cost.penalty if cost else 0,
        "shortfall_atoms": cost.shortfall if cost else 0,
    }


def judge_again(found: Mapping[str, Any]) -> LiquidationVerdict:
    """Judge from evidence. Raises KeyError, TypeError or ValueError if it is not whole."""
    account = Account(
        id=AccountId(int(found["account"])),
        collateral=QuoteAtoms(found["collateral"]),
        positions=tuple(
            Position(market=market, size=size, quote=quote, funding=funding, slice_time=slice_time)
            for market, size, quote, funding, slice_time in found["positions"]
        ),
    )
    pool, equity, initial_margin, inventory = found["backstop"]
    market = MarketId(found["market"])
    terms = LiquidationTerms(
        markets={each.id: each for each in map(_market, found["markets"])},
        rules=LiquidationRules(**dict(zip(_RULE_FIELDS, found["rules"], strict=True))),
        backstop=BackstopState(
            account=AccountId(int(pool)),
            equity=QuoteAtoms(equity),
            initial_margin=QuoteAtoms(initial_margin),
            inventories={market: SizeE8(inventory)},
        ),
        insurance_fund=QuoteAtoms(found["insurance_fund"]),
        now=Seconds(found["now"]),
        base_fee_wei=found["base_fee_wei"],
    )
    state = margin_state(account, terms.markets, terms.now)
    return judge_liquidation(state, market, terms)


def _market_row(market: Market) -> list[Any]:
    tiers = [[tier.lower_bound, tier.rate, tier.deduction] for tier in market.tiers]
    return [
        list(_market_values(market)),
        int(market.status),
        str(market.funding_numerator),
        tiers,
    ]


def _market(row: list[Any]) -> Market:
    values, status, funding_numerator, tiers = row
    return Market(
        **dict(zip(_MARKET_FIELDS, values, strict=True)),
        status=MarketStatus(status),
        funding_numerator=int(funding_numerator),
        tiers=tuple(
            Tier(lower_bound=bound, rate=rate, deduction=deduction)
            for bound, rate, deduction in tiers
        ),
    )
