"""Predicting what the contract does, and comparing it with what it did, to the atom."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from risk.liquidation import LiquidationCode, LiquidationTerms, LiquidationVerdict
from risk.liquidation_effect import judge_batch, liquidation_effect, terms_after
from risk.margin import Account, margin_state
from risk.units import AccountId, MarketId
from tests.parity.reading import Book, read_book
from tests.parity.world import World

CODES = (
    LiquidationCode.LIQUIDATED,
    LiquidationCode.NOT_LIQUIDATABLE,
    LiquidationCode.NO_POSITION,
    LiquidationCode.STALE_PRICE,
    LiquidationCode.MARKET_CLOSED,
    LiquidationCode.COOLING_DOWN,
    LiquidationCode.UNKNOWN_MARKET,
    LiquidationCode.BACKSTOP_FULL,
    LiquidationCode.DELEVERAGE_NEEDED,
    LiquidationCode.EXPIRED,
)
"""By the contract's numbers."""


@dataclass(slots=True)
class Walk:
    """The world and what was seen on the way."""

    world: World
    seen: Counter[LiquidationCode] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    accounts_compared: int = 0
    last_items: list[tuple[AccountId, MarketId, int]] = field(default_factory=list)


def compare_margins(walk: Walk, book: Book) -> None:
    """Compare the margin of every account with the contract's own view."""
    exchange = walk.world.exchange
    for account in book.accounts.values():
        state = margin_state(account, book.markets, book.now)
        assert exchange.state(account.id) == {
            "equity": state.equity,
            "maintenance_margin": state.maintenance_margin,
            "initial_margin": state.initial_margin,
            "notional": state.notional,
            "is_priced": state.is_priced,
        }
        walk.accounts_compared += 1


def figures(verdict: LiquidationVerdict) -> dict[str, Any]:
    """Give the figures of the event that the verdict predicts."""
    cost, carrying = verdict.cost, verdict.carrying
    is_valued = verdict.code in {
        LiquidationCode.LIQUIDATED,
        LiquidationCode.NOT_LIQUIDATABLE,
        LiquidationCode.COOLING_DOWN,
        LiquidationCode.BACKSTOP_FULL,
        LiquidationCode.DELEVERAGE_NEEDED,
    }
    figures = dict.fromkeys(("size", "value", "discount", "penalty", "shortfall", "reward"), 0)
    if cost is not None and carrying is not None:
        figures = {
            "size": verdict.closed,
            "value": cost.value,
            "discount": cost.discount,
            "penalty": cost.penalty,
            "shortfall": cost.shortfall,
            "reward": carrying.reward,
        }
    return {
        "account": verdict.account,
        "market": verdict.market,
        "code": CODES.index(verdict.code),
        "equity": verdict.equity if is_valued else 0,
        "maintenance_margin": verdict.maintenance_margin if is_valued else 0,
        **figures,
    }


def liquidate_and_compare(
    walk: Walk, book: Book, items: list[tuple[AccountId, MarketId, int]], base_fee_wei: int
) -> None:
    """Send a batch; compare every event, then everything that the batch touched."""
    world, exchange = walk.world, walk.world.exchange
    terms = book.terms(world.rules, base_fee_wei)
    verdicts = judge_batch(items, book.accounts, terms)
    exchange.chain.set_base_fee(base_fee_wei)
    events = exchange.liquidate(*items)
    for verdict, event in zip(verdicts, events, strict=True):
        fields = {name: event[name] for name in figures(verdict)}
        assert fields == figures(verdict)
        walk.seen[verdict.code] += 1
        walk.turns.update(turns(verdict))
    after = read_book(exchange)
    assert after.now == book.now
    expected = applied(book, terms, verdicts)
    assert after.funds == expected.funds
    assert {key: by_market(one) for key, one in after.accounts.items()} == {
        key: by_market(one) for key, one in expected.accounts.items()
    }


TURNS = (
    "slice",
    "cut",
    "critical",
    "bankrupt",
    "backstop pays",
    "insurance tops up",
    "short",
    "part",
)


def turns(verdict: LiquidationVerdict) -> list[str]:
    """Name the turns that the rules took on the way to a liquidation."""
    sizing, cost, carrying, held = (
        verdict.sizing,
        verdict.cost,
        verdict.carrying,
        verdict.position,
    )
    if sizing is None or cost is None or carrying is None or held is None:
        return []
    taken = (
        sizing.is_slice,
        sizing.is_cut,
        sizing.is_critical,
        cost.shortfall > 0,
        carrying.shortfall_backstop > 0,
        carrying.reward_insurance > 0,
        held.position.size < 0,
        sizing.close < abs(held.position.size),
    )
    return [turn for turn, happened in zip(TURNS, taken, strict=True) if happened]


def by_market(account: Account) -> tuple[object, ...]:
    """Give an account with its positions in the order of the markets."""
    held = sorted(account.positions, key=lambda each: each.market)
    return account.id, account.collateral, held


def applied(book: Book, terms: LiquidationTerms, verdicts: list[LiquidationVerdict]) -> Book:
    """Change the book as the verdicts say."""
    accounts, funds = dict(book.accounts), dict(book.funds)
    for verdict in verdicts:
        account = accounts.get(verdict.account)
        if account is None or verdict.account == book.backstop:
            continue
        effect = liquidation_effect(account, accounts[book.backstop], verdict, terms)
        terms = terms_after(terms, verdict)
        accounts[verdict.account] = effect.account
        accounts[book.backstop] = effect.backstop
        funds["insurance_fund"] += effect.insurance_gain
        funds["funding_pool"] += effect.funding_gain
        funds["rewards_owed"] += effect.reward
    return Book(
        now=book.now,
        accounts=accounts,
        markets=book.markets,
        funds=funds,
        backstop=book.backstop,
    )


def random_items(walk: Walk, book: Book, count: int) -> list[tuple[AccountId, MarketId, int]]:
    """Draw items, mostly of liquidatable accounts, some wrong, some twice, some cut small."""
    random = walk.world.random
    under = [
        account
        for account in book.accounts.values()
        if margin_state(account, book.markets, book.now).is_liquidatable
    ]
    everyone = list(book.accounts.values())
    items: list[tuple[AccountId, MarketId, int]] = []
    for _ in range(count):
        account = random.choice(under if under and random.random() < 0.9 else everyone)
        held = [position.market for position in account.positions]
        is_odd = not held or random.random() < 0.05
        market = MarketId(random.randrange(7)) if is_odd else random.choice(held)
        max_size = random.choice([0, 0, 0, random.randrange(1, 10**10)])
        items.append((account.id, market, max_size))
    items += random.sample(walk.last_items, min(8, len(walk.last_items)))
    walk.last_items = items
    return items
