"""The crowd of traders: every deposit and trade must be one that the exchange takes."""

from collections import Counter, defaultdict
from dataclasses import replace
from random import Random

import pytest

from drills.population import MAKER_CAPITAL, Population, make_population
from risk.fill import Fill, fill
from risk.margin import Account, margin_state
from risk.market import Market
from risk.units import (
    PPM_SCALE,
    AccountId,
    MarketId,
    QuoteAtoms,
    SizeE8,
    div_ceil,
    div_floor,
    notional,
)
from tests.builders import NOW, make_market, make_markets, price, usd

SYMBOLS = ("AAPL", "NVDA", "TSLA", "COIN")
MARKETS = make_markets(
    *(
        replace(make_market(number, mark=price(100 + 37 * number)), symbol=symbol)
        for number, symbol in enumerate(SYMBOLS)
    )
)


@pytest.fixture(scope="module", params=[1, 2, 3])
def population(request: pytest.FixtureRequest) -> Population:
    return make_population(Random(request.param), 400, MARKETS)


def trade(account: Account, market: Market, size: int, *, fee_ppm: int) -> Account:
    worth = div_floor(abs(size) * market.mark, 10**10)
    cash = QuoteAtoms(-worth if size > 0 else worth)
    after = fill(account, Fill(market=market.id, size=SizeE8(size), cash=cash), market, now=NOW)
    fee = div_ceil(notional(SizeE8(size), market.mark) * fee_ppm, PPM_SCALE)
    return replace(after.account, collateral=QuoteAtoms(after.account.collateral - fee))


def settle(population: Population) -> dict[AccountId, Account]:
    """Settle as the exchange does, and check what it checks after each trade."""
    accounts = {
        number: Account(id=number, collateral=amount)
        for number, amount in population.deposits.items()
    }
    for item in population.trades:
        market = MARKETS[item.market]
        sides = ((item.taker, item.size, market.taker_fee), (item.maker, -item.size, 0))
        for who, size, fee in sides:
            accounts[who] = after = trade(accounts[who], market, size, fee_ppm=fee)
            state = margin_state(after, MARKETS, NOW)
            held = after.position(item.market)
            assert held is not None
            assert state.equity >= state.initial_margin
            assert notional(held.size, market.mark) >= market.min_position_notional
    return accounts


def test_every_trade_passes_the_exchanges_margin_check(population: Population) -> None:
    assert len(settle(population)) > len(population.makers)


def test_sizes_sum_to_zero_in_every_market(population: Population) -> None:
    sums: Counter[MarketId] = Counter()
    for account in settle(population).values():
        for held in account.positions:
            sums[held.market] += held.size
    assert set(sums) == set(MARKETS)
    assert not any(sums.values())


def test_nobody_is_under_margin_at_the_start(population: Population) -> None:
    for account in settle(population).values():
        assert not margin_state(account, MARKETS, NOW).is_liquidatable


def test_traders_hold_one_to_five_positions_at_leverage_up_to_twenty(
    population: Population,
) -> None:
    counts: Counter[int] = Counter()
    for account in settle(population).values():
        if account.id in population.makers:
            continue
        state = margin_state(account, MARKETS, NOW)
        counts[len(account.positions)] += 1
        assert 0 < state.notional <= 20 * state.equity
    assert set(counts) <= {1, 2, 3, 4, 5}
    assert len(counts) >= 4


def test_a_makers_trades_never_flip_it(population: Population) -> None:
    signs: defaultdict[tuple[AccountId, MarketId], set[bool]] = defaultdict(set)
    for item in population.trades:
        for who, size in ((item.taker, item.size), (item.maker, -item.size)):
            signs[who, item.market].add(size > 0)
    assert all(len(seen) == 1 for seen in signs.values())


def test_makers_have_deep_pockets(population: Population) -> None:
    accounts = settle(population)
    for maker in population.makers:
        assert population.deposits[maker] == MAKER_CAPITAL
        state = margin_state(accounts[maker], MARKETS, NOW)
        assert state.equity > state.notional


def test_the_same_seed_gives_the_same_crowd_and_another_seed_another() -> None:
    crowds = [make_population(Random(seed), 30, MARKETS) for seed in (5, 5, 6)]
    assert crowds[0] == crowds[1] != crowds[2]


def test_positions_are_counted_once_however_many_trades_built_them(population: Population) -> None:
    held = sum(len(account.positions) for account in settle(population).values())
    assert population.position_count == held


def test_sizes_are_spread_wide(population: Population) -> None:
    worth = sorted(notional(item.size, MARKETS[item.market].mark) for item in population.trades)
    assert worth[len(worth) // 2] < usd(30_000)
    assert worth[-1] > usd(100_000)
