"""What deleverage items change: both accounts, the open interest, and nothing else but funding.

Applies the fill rules of docs/exchange.md section 2 item after item, each judged on what the ones
before left, as the exchange does within a batch. Insurance fund and backstop stay what they were;
`Σ collateral + Σ quote + funding pool` stays what it was, and so does every market's `Σ size`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from risk.deleverage_rules import (
    DeleverageItem,
    DeleverageVerdict,
    Pools,
    judge_deleverage,
)
from risk.fill import Fill, fill
from risk.margin import Account, margin_state
from risk.market import Market
from risk.units import AccountId, MarketId, QuoteAtoms, Seconds, SizeE8


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleverageEffect:
    """What a batch would do: a verdict for each item, and everything that is different afterwards.

    `accounts` holds the touched accounts only; `closed` is what each market's open interest loses
    (1e-8 share), `funding_gain` what the funding pool gains (signed).
    """

    verdicts: tuple[DeleverageVerdict, ...]
    accounts: Mapping[AccountId, Account]
    closed: Mapping[MarketId, int]
    funding_gain: QuoteAtoms


def fill_both(
    verdict: DeleverageVerdict,
    account: Account,
    counterparty: Account,
    market: Market,
    now: Seconds,
) -> tuple[Account, Account, QuoteAtoms]:
    """Give both accounts after a verdict's fills, and the funding that they paid (signed)."""
    if not verdict.is_deleveraged:
        return account, counterparty, QuoteAtoms(0)
    mine = Fill(market=market.id, size=verdict.size, cash=verdict.cash)
    theirs = Fill(market=market.id, size=SizeE8(-verdict.size), cash=QuoteAtoms(-verdict.cash))
    lost = fill(account, mine, market, now=now)
    taken = fill(counterparty, theirs, market, now=now)
    paid = QuoteAtoms(lost.funding_paid + taken.funding_paid)
    return lost.account, taken.account, paid


def deleverage_effect(
    items: Iterable[DeleverageItem],
    accounts: Mapping[AccountId, Account],
    markets: Mapping[MarketId, Market],
    pools: Pools,
    now: Seconds,
) -> DeleverageEffect:
    """Simulate a batch exactly; an account that `accounts` lacks holds nothing."""
    changed: dict[AccountId, Account] = {}
    verdicts: list[DeleverageVerdict] = []
    closed: dict[MarketId, int] = {}
    funding = 0

    def now_held(number: AccountId) -> Account:
        empty = Account(id=number, collateral=QuoteAtoms(0))
        return changed.get(number) or accounts.get(number, empty)

    for item in items:
        account, counterparty = now_held(item.account), now_held(item.counterparty)
        verdict = judge_deleverage(
            item,
            margin_state(account, markets, now),
            margin_state(counterparty, markets, now),
            markets,
            pools,
        )
        verdicts.append(verdict)
        if not verdict.is_deleveraged:
            continue
        changed[item.account], changed[item.counterparty], paid = fill_both(
            verdict, account, counterparty, markets[item.market], now
        )
        closed[item.market] = closed.get(item.market, 0) + abs(verdict.size)
        funding += paid
    return DeleverageEffect(
        verdicts=tuple(verdicts),
        accounts=changed,
        closed=closed,
        funding_gain=QuoteAtoms(funding),
    )
