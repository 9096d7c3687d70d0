"""Our arithmetic of a split and the contract's, on the same random books: equal to the atom.

Whole exchanges are split by one ratio after another, forward and back, in chunks; every account, the
market and the funds are predicted. `PARITY_SEEDS="1 2 3"` walks other worlds than the usual one.
"""

import os
from collections.abc import Iterator

import pytest

from risk.corporate_scaling import split_book
from risk.corporate_totals import difference, market_totals
from risk.corporate_values import Ratio
from risk.margin import Account
from risk.units import MarketId, Seconds
from tests.anvil import JsonRpc, running_anvil
from tests.parity.reading import Book, read_book
from tests.parity.world import RULES, World, build_world
from tests.risk.corporate_world import make_action
from tests.venues.exchange.contracts.harness import (
    SPLIT,
    STATUS,
    Chain,
    Exchange,
    Refused,
    make_rules,
)

CORPORATE = 4
SEEDS = tuple(int(seed) for seed in os.environ.get("PARITY_SEEDS", "20").split())
RATIOS = ((2, 1), (3, 2), (1, 7), (10, 1), (1, 10), (21, 20), (999_983, 1_000), (1, 25), (7, 3))


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """Give a node of its own with an empty exchange."""
    with running_anvil(accounts=12) as anvil, JsonRpc(anvil.http_url) as rpc:
        yield Exchange(Chain(rpc), **RULES)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_contract_splits_as_we_do_to_the_atom(exchange: Exchange, seed: int) -> None:
    world = build_world(exchange, make_rules(**RULES), seed)
    dust = 0
    for turn, parts in enumerate(RATIOS):
        market = MarketId(turn % len(world.marks))
        prices_and_funding_move(world)
        dust += abs(
            split_and_compare(exchange, market, Ratio(numerator=parts[0], denominator=parts[1]))
        )
    # Else the backstop's part would never have been met.
    assert dust > 0


def prices_and_funding_move(world: World) -> None:
    world.marks = [
        int(world.exchange.view("market_view", market)["mark"])
        for market in range(len(world.marks))
    ]
    world.exchange.chain.advance(61)
    world.publish()
    world.change_funding()
    world.exchange.chain.advance(977)


def split_and_compare(exchange: Exchange, market: MarketId, ratio: Ratio) -> int:
    """Split a market and compare everything with what was predicted; give the dust."""
    for parameter in (SPLIT, STATUS):
        exchange.limit(parameter, market)
    exchange.halt(market)
    epoch = int(exchange.view("epoch", market, CORPORATE))
    before = read_book(exchange)
    exchange.send("corporate", "begin_split", market, ratio.numerator, ratio.denominator, epoch)
    begun_at = Seconds(exchange.chain.now())
    while exchange.view("market_view", market)["is_splitting"]:
        exchange.send("corporate", "continue_split", market, 128)
    after = read_book(exchange)
    predicted = split_book(
        before.accounts,
        before.markets[market],
        ratio,
        backstop=before.backstop,
        begun_at=begun_at,
        now=Seconds(after.markets[market].funding_time),
    )
    assert {number: content(account) for number, account in predicted.accounts.items()} == {
        number: content(account) for number, account in after.accounts.items()
    }
    assert predicted.market == after.markets[market]
    paid = after.funds["funding_pool"] - before.funds["funding_pool"]
    assert paid == predicted.funding_paid
    check_sums(before, after, market, ratio)
    with pytest.raises(Refused, match="stale epoch"):
        exchange.send("corporate", "begin_split", market, ratio.numerator, ratio.denominator, epoch)
    reopen = int(exchange.view("epoch", market, 2))
    exchange.send("breaker", "set_status", market, 0, reopen)
    return predicted.dust


def check_sums(before: Book, after: Book, market: MarketId, ratio: Ratio) -> None:
    """Check that the exchange's own books pass what the keeper verifies."""
    was, is_now = before.markets[market], after.markets[market]
    totals = market_totals(others(before), was, price=was.mark, now=before.now, ratio=ratio)
    later = market_totals(others(after), is_now, price=is_now.mark, now=after.now)
    assert difference(totals, later, make_action(ratio=ratio)) is None


def others(book: Book) -> list[Account]:
    return [account for number, account in book.accounts.items() if number != book.backstop]


def content(account: Account) -> tuple[object, ...]:
    """Give what is compared of an account; the order of its markets is nobody's business."""
    held = sorted(account.positions, key=lambda each: each.market)
    return account.collateral, held
