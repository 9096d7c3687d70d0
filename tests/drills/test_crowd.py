"""The crowd: lawful, whole to the unit, the same for a seed, and as near to 10 October 2025 as it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.markets import load_exchange
from drills.crowd.calibration import figures
from drills.crowd.draw import Crowd, draw_crowd, equity_of
from drills.crowd.market import market_of
from drills.crowd.terms import CrowdTerms, Whale
from drills.crowd.thresholds import thresholds
from drills.crowd.trades import SMALLEST_PIECE, as_population
from risk.account_book import AccountBook
from risk.margin import Account
from risk.market import Market
from risk.units import ATOMS_PER_USD, MarketId, PriceE8, notional, signed_value

FILES = load_exchange(symbols=("NVDA", "TSLA", "SPY", "IBIT", "AAPL", "COIN")).markets
MARKETS = {MarketId(number): market_of(file, MarketId(number)) for number, file in enumerate(FILES)}
ONE = {MarketId(0): MARKETS[MarketId(0)]}


def equity(account: Account, markets: dict[MarketId, Market]) -> int:
    held = account.positions
    worth = sum(signed_value(each.size, markets[each.market].mark) + each.quote for each in held)
    return account.collateral + worth


def required(account: Account, markets: dict[MarketId, Market]) -> int:
    return sum(
        markets[each.market].required_to_open(notional(each.size, markets[each.market].mark))
        for each in account.positions
    )


@settings(max_examples=15, deadline=None)
@given(accounts=st.integers(100, 600), seed=st.integers(0, 2**40))
def test_sizes_sum_to_zero_and_everybody_has_initial_margin(accounts: int, seed: int) -> None:
    crowd = draw_crowd(accounts, MARKETS, seed=seed)
    assert crowd.count == accounts
    assert len(set(crowd.accounts.ids)) == accounts
    held = crowd.accounts.positions
    for number in MARKETS:
        assert int(held.size[held.market == number].sum()) == 0
    for account in crowd.accounts.accounts():
        assert equity(account, MARKETS) >= required(account, MARKETS)
        markets = [each.market for each in account.positions]
        assert len(set(markets)) == len(markets)


def test_the_same_seed_gives_the_same_crowd_and_another_does_not() -> None:
    one, same, other = (draw_crowd(500, MARKETS, seed=seed) for seed in (3, 3, 4))
    assert one.accounts.ids == same.accounts.ids
    assert np.array_equal(one.accounts.collateral, same.accounts.collateral)
    assert np.array_equal(one.accounts.positions.size, same.accounts.positions.size)
    assert not np.array_equal(one.accounts.collateral, other.accounts.collateral)


def test_equity_of_columns_is_that_of_single_accounts() -> None:
    crowd = draw_crowd(300, MARKETS, seed=9)
    exact = [equity(account, MARKETS) for account in crowd.accounts.accounts()]
    assert np.abs(equity_of(crowd) - np.array(exact)).max() <= 6


def test_the_judges_book_takes_the_columns_and_finds_nobody_liquidatable() -> None:
    crowd = draw_crowd(2_000, MARKETS, seed=1)
    book = AccountBook(dict(MARKETS))
    book.load([crowd.accounts])
    assert {account.id for account in crowd.accounts.accounts()} == set(crowd.accounts.ids)
    assert min(equity(each, MARKETS) for each in crowd.accounts.accounts()) > 0


def test_1_620_000_accounts_are_drawn_with_a_heavy_tail() -> None:
    crowd = draw_crowd(1_620_000, MARKETS, seed=1)
    assert crowd.count == 1_620_000
    held = crowd.accounts.positions
    for number in MARKETS:
        assert int(held.size[held.market == number].sum()) == 0
    worth = _account_usd(crowd)[:-4]
    worth.sort()
    # The largest hundredth holds more than a quarter, and the largest stays below its cap.
    assert worth[-16_200:].sum() > worth.sum() / 4
    assert worth[-1] <= CrowdTerms().largest_usd * 1.001
    assert np.median(worth) == pytest.approx(CrowdTerms().median_usd, rel=0.05)


def test_longs_lead_and_positions_of_one_account_go_together() -> None:
    crowd = draw_crowd(50_000, MARKETS, seed=2)
    owner = np.repeat(np.arange(crowd.count), crowd.accounts.position_count)
    people = owner < crowd.count - 4
    longs = crowd.accounts.positions.size[people] > 0
    assert longs.mean() == pytest.approx(0.62, abs=0.01)
    pairs = owner[people][1:] == owner[people][:-1]
    alike = (longs[1:] == longs[:-1])[pairs].mean()
    # Drawn alone they would agree in 0.62² + 0.38² of cases.
    assert alike > 0.529 + 0.1


@pytest.mark.parametrize("figure", figures(), ids=lambda figure: figure.what)
def test_the_crowd_is_as_near_as_it_says(figure: object) -> None:
    assert figure.is_met, figure  # type: ignore[attr-defined]


def test_thresholds_are_where_the_judge_liquidates() -> None:
    crowd = draw_crowd(300, ONE, seed=5)
    market = ONE[MarketId(0)]
    found = thresholds(crowd)
    accounts = [each for each in crowd.accounts.accounts() if each.positions]
    for account, part, worth in zip(accounts, found.price, found.notional, strict=True):
        if not 0.7 < part < 1.3 or abs(worth) > 150_000:
            continue
        (held,) = account.positions
        for away, expected in ((0.999, worth > 0), (1.001, worth < 0)):
            mark = PriceE8(round(market.mark * part * away))
            value = account.collateral + signed_value(held.size, mark) + held.quote
            kept = market.maintenance_margin(notional(held.size, mark))
            assert (value < kept) == expected


def test_whales_hold_what_they_are_told_and_lead_the_liquidations_of_a_small_fall() -> None:
    whales = (
        Whale(symbol="NVDA", usd=7_400_000, leverage=9.0),
        Whale(symbol="NVDA", usd=2_700_000, leverage=9.0),
    )
    crowd = draw_crowd(1_000, ONE, seed=1, terms=CrowdTerms(whales=whales))
    worth = _account_usd(crowd)
    assert worth[:2] == pytest.approx([7_400_000, 2_700_000], rel=1e-6)
    hit = thresholds(crowd).fallen(1 - 0.08)
    assert hit.max() == pytest.approx(7_400_000, rel=1e-6)
    assert hit.max() / hit.sum() > 0.5
    with pytest.raises(ValueError, match="expected a whale in one of NVDA"):
        draw_crowd(
            1_000, ONE, seed=1, terms=CrowdTerms(whales=(Whale(symbol="X", usd=1, leverage=1),))
        )


def test_the_same_crowd_comes_as_deposits_and_trades_but_for_the_smallest_pieces() -> None:
    crowd = draw_crowd(800, MARKETS, seed=6)
    population = as_population(crowd)
    sizes: dict[tuple[int, int], int] = {}
    for trade in population.trades:
        assert trade.size > 0
        assert trade.price == MARKETS[trade.market].mark
        assert notional(trade.size, trade.price) >= SMALLEST_PIECE
        for who, sign in ((trade.taker, 1), (trade.maker, -1)):
            key = (who, trade.market)
            sizes[key] = sizes.get(key, 0) + sign * trade.size
    for account in crowd.accounts.accounts():
        for held in account.positions:
            short = abs(held.size) - abs(sizes.get((account.id, held.market), 0))
            assert short >= 0
    total = sum(
        notional(held.size, MARKETS[held.market].mark)
        for account in crowd.accounts.accounts()
        for held in account.positions
    )
    traded = 2 * sum(notional(trade.size, trade.price) for trade in population.trades)
    assert traded > 0.99 * total
    assert set(population.deposits) == set(crowd.accounts.ids)
    assert population.makers == crowd.house
    for account in crowd.accounts.accounts():
        assert population.deposits[account.id] >= equity(account, MARKETS) - 6


@pytest.mark.parametrize("accounts", [99, 1_620_001])
def test_a_crowd_too_small_or_too_large_is_refused(accounts: int) -> None:
    with pytest.raises(ValueError, match="expected 100 to 1620000 accounts"):
        draw_crowd(accounts, MARKETS, seed=1)


def test_terms_must_make_sense() -> None:
    with pytest.raises(ValueError, match="expected shares from 0 to 1"):
        CrowdTerms(long_share=1.5)
    with pytest.raises(ValueError, match="two house accounts"):
        CrowdTerms(house_accounts=1)


def _account_usd(crowd: Crowd) -> np.ndarray:
    owner = np.repeat(np.arange(crowd.count), crowd.accounts.position_count)
    held = crowd.accounts.positions
    marks = np.array([crowd.markets[MarketId(n)].mark for n in range(len(crowd.markets))])
    usd = np.abs(held.size * (marks[held.market] / 10**10)) / ATOMS_PER_USD
    found: np.ndarray = np.bincount(owner, weights=usd, minlength=crowd.count)
    return found
