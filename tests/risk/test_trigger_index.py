"""The trigger index never misses, stays quiet when it can, and its floats keep their bound."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from risk.account_book import AccountBook
from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.funding_budget import set_aside, set_aside_many
from risk.margin import Account, margin_state
from risk.market import Market, make_tiers
from risk.trigger_index import TriggerIndex
from risk.trigger_queue import TriggerQueue
from risk.units import AccountId, MarketId, MarketStatus, PpbPerHour, PriceE8, QuoteAtoms, Seconds
from tests.bench.population import make_population
from tests.builders import (
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_markets,
    make_position,
    price,
    shares,
    usd,
)

Column: TypeAlias = NDArray[np.int64]

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine fails no test."""


def watch_of(accounts: list[Account], *markets: Market) -> AccountWatch:
    watch = AccountWatch()
    watch.load(make_markets(*markets), [columns_of(accounts)], NOW)
    return watch


def verdict(account: Account, markets: Mapping[MarketId, Market], now: int = NOW) -> bool:
    return margin_state(account, markets, Seconds(now)).is_liquidatable


# --- never misses --------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("mark", "size"),
    [
        (price(200), shares(1)),
        (price(200), shares("0.00000007")),
        (PriceE8(4_000), 10**18),
        (PriceE8(999_999_999_999_000), 10**13),
        (PriceE8(999_999_999_999_000), 3),
        (price(200), shares(1_250)),  # 250,000 USD: the bound of the second tier
    ],
)
@pytest.mark.parametrize("slack", [-1, 0, 1, 7])
def test_every_single_atom_of_price_around_the_line_is_judged(
    side: int, mark: int, size: int, slack: int
) -> None:
    account = make_account(0, [make_position(side * size, entry=mark)])
    market = make_market(mark=PriceE8(mark))
    lacking = -margin_state(account, make_markets(market), NOW).slack
    account = replace(account, collateral=QuoteAtoms(lacking + slack))
    watch = watch_of([account], market)
    for step in [*range(30), *range(30, -31, -1), *range(-30, 200, 17), 0]:
        moved = replace(market, mark=PriceE8(mark + step))
        watch.set_market(moved, NOW)
        assert (account.id in watch.under_margin) == verdict(account, make_markets(moved))


def test_an_account_in_sixteen_markets_is_caught_by_the_sum_of_small_moves() -> None:
    markets = [make_market(number, mark=price(100)) for number in range(16)]
    held = [
        make_position(shares(10 if number % 2 else -10), entry=price(100), market=number)
        for number in range(16)
    ]
    account = make_account(usd(700), held)
    watch = watch_of([account], *markets)
    for step in range(1, 400):
        number = step % 16
        cents = (step // 16 + 1) * (-1 if number % 2 else 1)
        markets[number] = make_market(number, mark=price(100) + cents * 10**7)
        watch.set_market(markets[number], NOW)
        assert (account.id in watch.under_margin) == verdict(account, make_markets(*markets))
    assert account.id in watch.under_margin


def test_offsetting_accounts_fall_on_both_sides_of_a_gap_and_recover() -> None:
    market = make_market()
    long = make_account(usd(100), [make_position(shares(5))], number=1)
    short = make_account(usd(100), [make_position(shares(-5))], number=2)
    watch = watch_of([long, short], market)
    for mark, expected in ((80, {long.id}), (320, {short.id}), (200, set[AccountId]())):
        changed = watch.set_market(make_market(mark=price(mark)), NOW)
        assert changed
        assert set(watch.under_margin) == expected


def test_funding_alone_brings_an_account_under_margin_to_the_second() -> None:
    market = make_market(funding_rate=PpbPerHour(50_000))
    account = make_account(usd(6), [make_position(shares(1))])
    watch = watch_of([account], market)
    found = [
        now
        for now in range(NOW, NOW + 400_000, 13)
        if watch.advance(Seconds(now)) and account.id in watch.under_margin
    ]
    assert len(found) == 1
    assert verdict(account, make_markets(market), found[0])
    assert not verdict(account, make_markets(market), found[0] - 13)


def test_funding_on_an_index_that_soared_is_judged_to_the_second() -> None:
    account = make_account(usd(8), [make_position(shares(1))])
    market = make_market(funding_rate=PpbPerHour(100_000))
    watch = watch_of([account], market)
    market = replace(market, index=price(2_000))
    watch.set_market(market, NOW)
    for now in range(NOW, NOW + 60_000, 7):
        watch.advance(Seconds(now))
        assert (account.id in watch.under_margin) == verdict(account, make_markets(market), now)
    assert account.id in watch.under_margin


@pytest.mark.parametrize("lag", [1, 9, 10, 11, 600])
@pytest.mark.parametrize("side", [1, -1])
def test_an_index_that_changed_before_the_clock_is_judged(lag: int, side: int) -> None:
    market = make_market(funding_rate=PpbPerHour(side * 10**9))
    accounts = [
        make_account(usd(5) + cash * 10**5, [make_position(shares(side))], number=cash)
        for cash in range(600)
    ]
    watch = watch_of(accounts, market)
    watch.advance(Seconds(NOW + lag))
    for index in (290, 150, 250):
        market = replace(market, index=price(index))
        watch.set_market(market, Seconds(NOW + lag))
        markets = make_markets(market)
        expected = {one.id for one in accounts if verdict(one, markets, watch.now)}
        assert set(watch.under_margin) == expected


@pytest.mark.parametrize("mark", [0, 1])
def test_a_market_that_gets_its_first_price_is_judged(mark: int) -> None:
    account = make_account(usd(300), [make_position(shares(2))])
    watch = watch_of([account], make_market(mark=PriceE8(mark)))
    assert account.id in watch.under_margin
    watch.set_market(make_market(mark=price(200)), NOW)
    assert account.id not in watch.under_margin
    watch.set_market(make_market(mark=PriceE8(mark)), NOW)
    assert account.id in watch.under_margin


def test_settlement_lifts_the_requirement() -> None:
    account = make_account(usd(1), [make_position(shares(1))])
    watch = watch_of([account], make_market())
    assert account.id in watch.under_margin
    assert watch.set_market(make_market(status=MarketStatus.SETTLED), NOW)
    assert account.id not in watch.under_margin


class Oracle:
    """Judge whole accounts in plain numpy floats, and exactly whoever is near the line."""

    def __init__(self, watch: AccountWatch) -> None:
        page = watch.book.columns()
        held = page.positions
        self.ids = page.ids
        self.collateral = page.collateral.astype(np.float64)
        self.market, self.funding = held.market, held.funding.astype(np.float64)
        self.size, self.quote = held.size.astype(np.float64), held.quote.astype(np.float64)
        self.owner = np.repeat(np.arange(len(page.ids)), page.position_count)
        self.is_under = np.zeros(len(page.ids), dtype=np.bool_)
        numbers = range(len(watch.book.markets))
        holders = [np.unique(self.owner[self.market == number]) for number in numbers]
        self.parts = [(rows, np.flatnonzero(np.isin(self.owner, rows))) for rows in holders]

    def judge(self, watch: AccountWatch, rows: Column, places: Column) -> None:
        """Judge some accounts, given the places of all of their positions."""
        markets = watch.book.markets.values()
        marks = np.array([market.mark for market in markets], dtype=np.float64)
        indices = np.array([market.funding_index(watch.now) for market in markets])
        market, size = self.market[places], self.size[places]
        value = size * marks[market] / 1e10
        owed = size * (indices[market] - self.funding[places]) / 1e14
        required = np.zeros(len(places))
        for tier in watch.book.markets[MarketId(0)].tiers:
            line = np.abs(value) * (tier.rate / 1e6) - tier.deduction
            required = np.maximum(required, line)
        worth = value + self.quote[places] - owed - required
        sums = np.bincount(self.owner[places], weights=worth, minlength=len(self.ids))
        slack = self.collateral[rows] + sums[rows]
        self.is_under[rows] = slack < 0
        for row in rows[np.abs(slack) < 1_000].tolist():
            self.is_under[row] = watch.book.state(self.ids[row], watch.now).is_liquidatable

    def everyone(self) -> tuple[Column, Column]:
        return np.arange(len(self.ids)), np.arange(len(self.size))

    def under(self) -> set[AccountId]:
        return {self.ids[row] for row in np.flatnonzero(self.is_under).tolist()}


def moved(market: Market, mark: int, now: int) -> Market:
    accrued = market.funding_rate * market.index * (now - market.funding_time)
    return replace(
        market,
        mark=PriceE8(mark),
        index=PriceE8(mark),
        funding_numerator=market.funding_numerator + accrued,
        funding_time=Seconds(now),
    )


@pytest.mark.timeout(600)
def test_a_long_random_walk_never_parts_from_the_oracle() -> None:
    rng = np.random.default_rng(11)
    population = make_population(2_000, markets=40)
    watch = AccountWatch()
    markets = {
        number: replace(market, funding_rate=PpbPerHour(int(rng.integers(-300_000, 300_000))))
        for number, market in population.markets.items()
    }
    watch.load(markets, population.pages, NOW)
    oracle = Oracle(watch)
    now, flips = int(NOW), 0
    for tick in range(20_000):
        time_moves = tick % 100 == 0
        now += 60 if time_moves else 0
        market = watch.book.markets[MarketId(int(rng.integers(0, 40)))]
        scale = 0.2 if tick % 1_000 == 999 else 0.002
        mark = max(1, int(market.mark * (1 + rng.normal(0, scale))))
        changed = watch.set_market(moved(market, mark, now), Seconds(now))
        before = oracle.is_under.copy()
        oracle.judge(watch, *(oracle.everyone() if time_moves else oracle.parts[market.id]))
        assert changed or (before == oracle.is_under).all()
        assert len(watch.under_margin) == oracle.is_under.sum()
        if changed:
            flips += 1
            assert set(watch.under_margin) == oracle.under()
    assert flips > 500


# --- stays quiet ---------------------------------------------------------------------------------


def test_small_moves_judge_nobody() -> None:
    population = make_population(2_000, markets=10)
    watch = AccountWatch()
    watch.load(population.markets, population.pages, NOW)
    judged = watch.judged_count
    for step in (1, -1, 2, 0) * 50:
        for market in population.markets.values():
            watch.set_market(replace(market, mark=PriceE8(market.mark + step)), NOW)
    assert watch.judged_count == judged


def test_accounts_deep_under_margin_are_not_judged_on_every_tick() -> None:
    population = make_population(2_000, markets=2)
    watch = AccountWatch()
    watch.load(population.markets, population.pages, NOW)
    market = population.markets[MarketId(0)]
    watch.set_market(replace(market, mark=PriceE8(market.mark // 2)), NOW)
    under, judged = len(watch.under_margin), watch.judged_count
    assert under > 300
    for step in range(1, 200):
        watch.set_market(replace(market, mark=PriceE8(market.mark // 2 + step * 1_000)), NOW)
    assert watch.judged_count - judged < under // 10


def test_changes_that_leave_slack_alone_judge_nobody() -> None:
    watch = watch_of([make_account(usd(100), [make_position(shares(1))])], make_market())
    judged = watch.judged_count
    watch.set_market(make_market(taker_fee=7, band_low=price(1), initial_margin=90_000), NOW)
    watch.set_market(make_market(status=MarketStatus.HALTED, is_splitting=True), NOW)
    assert watch.judged_count == judged


def test_entries_do_not_pile_up_when_one_account_changes_for_ever() -> None:
    watch = watch_of([make_account(usd(100), [make_position(shares(1))])], make_market())
    index: TriggerIndex = watch._index
    for cents in range(20_000):
        watch.set_collateral(make_account_id(1), usd(500 - cents // 100))
    assert len(index.gates[0].falling) < 2_000


def test_a_price_beyond_exact_floats_is_refused() -> None:
    with pytest.raises(OverflowError, match="expected marks of at most"):
        watch_of([make_account(usd(100), [make_position(1)])], make_market(mark=PriceE8(2**53 + 1)))


def test_a_maintenance_rate_above_one_hundred_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="expected maintenance rates"):
        watch_of([], make_market(tiers=make_tiers([(0, 1_000_001)])))


# --- the parts -----------------------------------------------------------------------------------

sizes = st.one_of(st.integers(-(10**18), 10**18), st.integers(-(10**10), 10**10))
marks = st.one_of(st.integers(0, 10**15), st.integers(0, 10**3))


@settings(relaxed, max_examples=200)
@given(
    st.lists(st.tuples(sizes, marks, st.integers(-(10**15), 10**15)), min_size=1, max_size=5),
    st.integers(-(10**9), 10**9),
)
def test_the_error_of_a_valuation_is_within_its_bound(
    held: list[tuple[int, int, int]], rate: int
) -> None:
    tiers = make_tiers([(0, 25_001), (10**6 + 7, 333_333), (10**9 + 1, 999_999)])
    markets = [
        make_market(n, mark=PriceE8(mark), funding_rate=PpbPerHour(rate), tiers=tiers)
        for n, (_, mark, _) in enumerate(held)
    ]
    account = make_account(
        10**12,
        [
            make_position(size, market=n, quote=-(size * mark // 10**11) % 2**62, funding=funding)
            for n, (size, mark, funding) in enumerate(held)
        ],
    )
    book = AccountBook(make_markets(*markets))
    book.load([columns_of([account])])
    now = Seconds(NOW + 12_345)
    valued = TriggerIndex(book).value(np.arange(1, dtype=np.int64), now)
    exact = book.state(account.id, now).slack
    assert abs(int(valued.slack[0]) - exact) <= valued.error[0]


@relaxed
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("one"), st.lists(st.integers(0, 1_000), min_size=1, max_size=1)),
            st.tuples(st.just("many"), st.lists(st.integers(0, 1_000), max_size=200)),
            st.tuples(st.just("pop"), st.lists(st.integers(0, 1_000), min_size=1, max_size=1)),
        ),
        max_size=30,
    )
)
def test_a_queue_gives_back_every_key_that_is_reached(steps: list[tuple[str, list[int]]]) -> None:
    queue = TriggerQueue(lambda keys, _: np.ones(len(keys), dtype=np.bool_))
    model: list[tuple[float, int]] = []
    for kind, values in steps:
        if kind == "pop":
            level = values[0]
            popped = queue.pop_reached(level)
            assert sorted(popped) == sorted(entry for entry in model if entry[0] <= level)
            model = [entry for entry in model if entry[0] > level]
            continue
        entries = [(float(value), value % 7) for value in values]
        model += entries
        if kind == "one":
            queue.push(*entries[0])
        else:
            queue.push_many(
                np.array([key for key, _ in entries]),
                np.array([number for _, number in entries], dtype=np.int32),
            )
        assert len(queue) == len(model)
        assert queue.next == min((key for key, _ in model), default=np.inf)


@relaxed
@given(
    st.integers(0, 10**6),
    st.floats(-(10.0**20), 10.0**20),
    st.one_of(st.just(0.0), st.floats(1e-9, 1e12)),
)
def test_what_is_set_aside_for_funding_lasts_until_due(
    row: int, budget: float, pays: float
) -> None:
    left, due = set_aside(row, budget, pays, NOW)
    many_left, many_due = set_aside_many(np.array([row]), np.array([budget]), np.array([pays]), NOW)
    assert (many_left[0], many_due[0]) == pytest.approx((left, due))
    assert due > NOW
    if pays > 0 and due > NOW + 1:
        assert pays * (due - NOW) <= budget - left + abs(budget) * 1e-9
