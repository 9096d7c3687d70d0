"""Our judge and the contract, on the same random books: equal to the atom.

Margin of every account; then batches of liquidations, predicted item by item with everything they
change: code, size, value, discount, penalty, shortfall, reward, all accounts and all funds.
`PARITY_SEEDS="1 2 3"` walks other worlds than the usual one.
"""

import os
from collections.abc import Iterator

import pytest

from risk.liquidation import LiquidationCode
from risk.units import AccountId, MarketId
from tests.anvil import JsonRpc, running_anvil
from tests.parity.reading import read_book
from tests.parity.walk import (
    CODES,
    TURNS,
    Walk,
    compare_margins,
    liquidate_and_compare,
    random_items,
)
from tests.parity.world import RULES, TRADERS, World, build_world
from tests.venues.exchange.contracts.harness import SPLIT, Chain, Exchange, make_rules

CORPORATE = 4
SEEDS = tuple(int(seed) for seed in os.environ.get("PARITY_SEEDS", "20").split())


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """Give a node of its own with an empty exchange."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        yield Exchange(Chain(rpc), **RULES)


@pytest.mark.parametrize("seed", SEEDS)
def test_judge_and_contract_agree_all_the_way(exchange: Exchange, seed: int) -> None:
    walk = Walk(build_world(exchange, make_rules(**RULES), seed))
    compare_margins(walk, read_book(exchange))
    for round_number in range(14):
        prices_and_time_move(walk, round_number)
    compare_margins(walk, read_book(exchange))
    one_market_goes_stale(walk)
    for _ in range(5):
        prices_crash(walk)
    one_market_is_halted_and_settled(walk)
    one_market_is_about_to_be_split(walk)
    assert_that_enough_was_met(walk)


def liquidate_some(walk: Walk, base_fee_wei: int = 10**9) -> None:
    book = read_book(walk.world.exchange)
    liquidate_and_compare(walk, book, random_items(walk, book, 25), base_fee_wei)


def prices_and_time_move(walk: Walk, round_number: int) -> None:
    world = walk.world
    world.exchange.chain.advance(world.random.choice([1, 7, 29, 30, 31, 45]))
    world.publish(15_000 + 1_500 * round_number)
    if round_number % 3 == 2:
        world.change_funding()
    liquidate_some(walk, world.random.choice([7, 10**7, 10**9, 25 * 10**9]))


def one_market_goes_stale(walk: Walk) -> None:
    walk.world.exchange.chain.advance(61)
    walk.world.publish(10_000, without=(2,))
    liquidate_some(walk)


def prices_crash(walk: Walk) -> None:
    walk.world.exchange.chain.advance(6)
    walk.world.publish(250_000)
    liquidate_some(walk)


def one_market_is_halted_and_settled(walk: Walk) -> None:
    world, exchange = walk.world, walk.world.exchange
    exchange.halt(0)
    world.publish(5_000)
    liquidate_some(walk)
    epoch = exchange.view("epoch", 0, CORPORATE)
    exchange.send("corporate", "settle_market", 0, world.marks[0] * 99 // 100, epoch)
    exchange.chain.advance(20)
    world.publish(5_000, without=(0,))
    liquidate_some(walk)


def one_market_is_about_to_be_split(walk: Walk) -> None:
    world, exchange = walk.world, walk.world.exchange
    exchange.halt(1)
    exchange.limit(SPLIT, 1, minimum=1)
    exchange.send("corporate", "begin_split", 1, 2, 1, exchange.view("epoch", 1, CORPORATE))
    exchange.chain.advance(20)
    world.publish(5_000, without=(0, 1))
    compare_margins(walk, read_book(exchange))
    liquidate_some(walk)


def assert_that_enough_was_met(walk: Walk) -> None:
    """Whether the backstop paid, or could not, depends on the seed: another test sees to it."""
    assert walk.accounts_compared > 3 * TRADERS
    assert walk.seen[LiquidationCode.LIQUIDATED] >= 100
    assert {code for code in CODES if not walk.seen[code]} <= {
        LiquidationCode.EXPIRED,
        LiquidationCode.DELEVERAGE_NEEDED,
    }
    assert {turn for turn in TURNS if not walk.turns[turn]} <= {"backstop pays"}


def test_the_backstop_pays_alike_what_insurance_lacks_until_it_cannot(exchange: Exchange) -> None:
    exchange.create_market()
    exchange.fund(exchange.backstop, 10_000)
    exchange.send("owner", "fund_insurance", 30_000_001)
    small, large, maker = (exchange.account(number) for number in (1, 2, 3))
    for account, dollars in ((small, 110), (large, 9_500), (maker, 20_000)):
        exchange.fund(account, dollars)
    exchange.trade(small, maker, "9.87654321")
    exchange.trade(large, maker, "900.00000001")
    exchange.publish(78)
    walk = Walk(World(exchange=exchange, rules=make_rules(**RULES)))
    items = [(AccountId(account), MarketId(0), 0) for account in (small, large)]
    liquidate_and_compare(walk, read_book(exchange), items, 10**9)
    assert walk.seen == {LiquidationCode.LIQUIDATED: 1, LiquidationCode.DELEVERAGE_NEEDED: 1}
    assert walk.turns["backstop pays"] == 1


def test_a_batch_after_its_deadline_does_nothing(exchange: Exchange) -> None:
    exchange.create_market()
    exchange.fund(exchange.account(1), 100)
    before = read_book(exchange)
    item = (exchange.account(1), 0, 0)
    receipt = exchange.send("liquidator", "liquidate", [item], before.now - 1)
    assert receipt.only("LiquidationResult")["code"] == CODES.index(LiquidationCode.EXPIRED)
    assert read_book(exchange).accounts == before.accounts
