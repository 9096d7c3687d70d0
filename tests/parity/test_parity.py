"""Our judge and the contract, on the same random books: equal to the atom.

Margin of every account after each move; then batches of liquidations, predicted item by item with
everything they change: code, size, value, discount, penalty, shortfall, reward, both accounts and
all funds. The world is built once; the tests of this module walk it in order.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from risk.liquidation import LiquidationCode, LiquidationTerms, LiquidationVerdict
from risk.liquidation_effect import judge_batch, liquidation_effect, terms_after
from risk.margin import Account, margin_state
from risk.units import AccountId, MarketId
from tests.anvil import JsonRpc, running_anvil
from tests.parity.reading import Book, read_book
from tests.parity.world import RULES, TRADERS, World, build_world
from tests.venues.exchange.contracts.harness import SPLIT, Chain, Exchange, make_rules

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
CORPORATE = 4
SEEDS = tuple(int(seed) for seed in os.environ.get("PARITY_SEEDS", "20 21").split())


@dataclass(slots=True)
class Walk:
    """The world and what was seen on the way."""

    world: World
    seen: Counter[LiquidationCode] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    accounts_compared: int = 0
    last_items: list[tuple[AccountId, MarketId, int]] = field(default_factory=list)


@pytest.fixture(scope="module", params=SEEDS)
def walk(request: pytest.FixtureRequest) -> Iterator[Walk]:
    """Give one node with one world, for all tests of the module in order."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        exchange = Exchange(Chain(rpc), **RULES)
        yield Walk(build_world(exchange, make_rules(**RULES), seed=request.param))


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
    walk: Walk, items: list[tuple[AccountId, MarketId, int]], base_fee_wei: int
) -> None:
    """Send a batch; compare every event, then everything that the batch touched."""
    world, exchange = walk.world, walk.world.exchange
    book = read_book(exchange)
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


def random_items(walk: Walk, count: int) -> list[tuple[AccountId, MarketId, int]]:
    """Draw items, mostly of liquidatable accounts, some wrong, some twice, some cut small."""
    random, book = walk.world.random, read_book(walk.world.exchange)
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


def test_margins_agree_after_trading(walk: Walk) -> None:
    compare_margins(walk, read_book(walk.world.exchange))
    assert walk.accounts_compared > TRADERS


@pytest.mark.parametrize("round_number", range(14))
def test_liquidations_agree_as_prices_and_time_move(walk: Walk, round_number: int) -> None:
    world = walk.world
    world.exchange.chain.advance(world.random.choice([1, 7, 29, 30, 31, 45]))
    world.publish(15_000 + 1_500 * round_number)
    if round_number % 3 == 2:
        world.change_funding()
    base_fee = world.random.choice([7, 10**7, 10**9, 25 * 10**9])
    liquidate_and_compare(walk, random_items(walk, 25), base_fee)


def test_margins_agree_after_liquidations(walk: Walk) -> None:
    compare_margins(walk, read_book(walk.world.exchange))


def test_a_stale_market_stops_the_accounts_that_hold_it(walk: Walk) -> None:
    walk.world.exchange.chain.advance(61)
    walk.world.publish(10_000, without=(2,))
    liquidate_and_compare(walk, random_items(walk, 25), 10**9)
    compare_margins(walk, read_book(walk.world.exchange))
    assert walk.seen[LiquidationCode.STALE_PRICE] > 0


@pytest.mark.parametrize("round_number", range(5))
def test_a_crash_agrees_until_nobody_can_carry_it(walk: Walk, round_number: int) -> None:
    walk.world.exchange.chain.advance(5 + round_number)
    walk.world.publish(250_000)
    liquidate_and_compare(walk, random_items(walk, 25), 10**9)


def test_a_halted_market_agrees(walk: Walk) -> None:
    walk.world.exchange.halt(0)
    walk.world.publish(5_000)
    liquidate_and_compare(walk, random_items(walk, 25), 10**9)


def test_a_settled_market_agrees(walk: Walk) -> None:
    world, exchange = walk.world, walk.world.exchange
    epoch = exchange.view("epoch", 0, CORPORATE)
    exchange.send("corporate", "settle_market", 0, world.marks[0] * 99 // 100, epoch)
    exchange.chain.advance(20)
    world.publish(5_000, without=(0,))
    compare_margins(walk, read_book(exchange))
    liquidate_and_compare(walk, random_items(walk, 25), 10**9)


def test_a_market_about_to_be_split_agrees(walk: Walk) -> None:
    world, exchange = walk.world, walk.world.exchange
    exchange.halt(1)
    exchange.limit(SPLIT, 1, minimum=1)
    exchange.send("corporate", "begin_split", 1, 2, 1, exchange.view("epoch", 1, CORPORATE))
    exchange.chain.advance(20)
    world.publish(5_000, without=(0, 1))
    compare_margins(walk, read_book(exchange))
    liquidate_and_compare(walk, random_items(walk, 25), 10**9)


def test_a_batch_after_its_deadline_does_nothing(walk: Walk) -> None:
    exchange = walk.world.exchange
    before = read_book(exchange)
    items = random_items(walk, 3)
    receipt = exchange.send("liquidator", "liquidate", items, before.now - 1)
    codes = {event["code"] for event in receipt.all("LiquidationResult")}
    assert codes == {CODES.index(LiquidationCode.EXPIRED)}
    assert read_book(exchange).accounts == before.accounts


def test_the_backstop_pays_alike_what_insurance_lacks_until_it_cannot(walk: Walk) -> None:
    exchange = Exchange(walk.world.exchange.chain, **RULES)
    exchange.create_market()
    exchange.fund(exchange.backstop, 10_000)
    exchange.send("owner", "fund_insurance", 30_000_001)
    small, large, maker = (exchange.account(number) for number in (1, 2, 3))
    for account, dollars in ((small, 110), (large, 9_500), (maker, 20_000)):
        exchange.fund(account, dollars)
    exchange.trade(small, maker, "9.87654321")
    exchange.trade(large, maker, "900.00000001")
    exchange.publish(78)
    alone = Walk(World(exchange, walk.world.random, walk.world.rules))
    items = [(AccountId(account), MarketId(0), 0) for account in (small, large)]
    liquidate_and_compare(alone, items, 10**9)
    assert alone.seen == {LiquidationCode.LIQUIDATED: 1, LiquidationCode.DELEVERAGE_NEEDED: 1}
    assert alone.turns["backstop pays"] == 1


def test_the_walk_met_everything_that_it_should(walk: Walk) -> None:
    assert walk.accounts_compared >= 300
    assert walk.seen[LiquidationCode.LIQUIDATED] >= 100
    assert {code for code in CODES if not walk.seen[code]} <= {
        LiquidationCode.EXPIRED,
        LiquidationCode.DELEVERAGE_NEEDED,
    }
    assert {turn for turn in TURNS if not walk.turns[turn]} <= {"backstop pays"}
