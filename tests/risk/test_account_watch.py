"""The set of accounts under margin equals brute force after every fact, whatever the facts.

Brute force is `margin_state` over all accounts. The facts are what a venue can tell, and worse:
gaps of 60 %, funding at absurd rates, prices from one atom to 1e15, sizes to 1e18, clocks that
jump, tiers that change, settlement, dividends, accounts that trade at the edge of their margin.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.margin import Account
from risk.market import Market, make_tiers
from risk.units import (
    AccountId,
    FundingE12,
    MarketId,
    MarketStatus,
    PpbPerHour,
    Ppm,
    PriceE8,
    QuoteAtoms,
    Seconds,
    SizeE8,
    notional,
)
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

MARKETS = 4
ACCOUNTS = 12

prices = st.one_of(
    st.integers(1, 20),
    st.integers(10**6, 10**12),
    st.integers(10**14, 10**15),
)
moves = st.one_of(st.just(0), st.integers(-200, 200), st.integers(-600_000, 600_000))
"""Of a price, in ppm; a few atoms come on top."""
rates = st.one_of(st.just(0), st.integers(-(10**6), 10**6), st.integers(-(10**9), 10**9))
tiers = st.sampled_from(
    [
        make_tiers([(0, 25_000)]),
        make_tiers([(0, 25_000), (10**9, 40_000), (10**12, 100_000)]),
        make_tiers([(0, 1), (7, 33_333), (10**6 + 1, 500_000), (10**9 + 7, 1_000_000)]),
    ]
)


def brute_force(watch: AccountWatch) -> set[AccountId]:
    book = watch.book
    states = (book.state(account, watch.now) for account in book.accounts_at(range(len(book))))
    return {state.account for state in states if state.is_liquidatable}


def check(watch: AccountWatch) -> None:
    assert set(watch.under_margin) == brute_force(watch)


@st.composite
def market_values(draw: st.DrawFn, number: int) -> Market:
    mark = draw(st.one_of(prices, prices, st.just(0)))
    return make_market(
        number,
        mark=PriceE8(mark),
        funding_rate=PpbPerHour(draw(rates)),
        funding_time=NOW,
        tiers=draw(tiers),
    )


@st.composite
def sizes_at(draw: st.DrawFn, mark: int) -> int:
    """Draw a signed size: of sane worth, of a tier's very bound, tiny, or the largest allowed."""
    worth = draw(st.sampled_from([10**4, 10**7, 10**9, 10**9 + 1, 10**12]))
    sane = max(1, worth * 10**10 // max(mark, 1))
    size = min(10**18, draw(st.sampled_from([1, 2, sane, sane, sane + 1, 3 * sane, 10**18])))
    return size * draw(st.sampled_from([-1, 1]))


class World:
    """A watch, and the facts that may be told to it, drawn by Hypothesis."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw: Callable[..., Any] = data.draw
        self.watch = AccountWatch()
        markets = {MarketId(number): self.draw(market_values(number)) for number in range(MARKETS)}
        accounts = [Account(id=make_account_id(n), collateral=QuoteAtoms(0)) for n in range(3)]
        self.watch.load(markets, [columns_of(accounts)], NOW)
        for _ in range(ACCOUNTS):
            self.trade()

    def step(self) -> None:
        fact = self.draw(
            st.sampled_from(
                [self.tick] * 6 + [self.trade, self.cash, self.wait, self.rules, self.to_the_edge]
            )
        )
        told = set(self.watch.under_margin)
        changed = fact()
        if changed is not None:
            assert changed or told == set(self.watch.under_margin)

    def market(self) -> Market:
        return self.watch.book.markets[MarketId(self.draw(st.integers(0, MARKETS - 1)))]

    def account(self) -> AccountId:
        return make_account_id(self.draw(st.integers(0, ACCOUNTS)))

    def accrued(self, market: Market, now: int) -> Market:
        added = market.funding_rate * market.index * (now - market.funding_time)
        return replace(
            market,
            funding_numerator=market.funding_numerator + added,
            funding_time=Seconds(now),
        )

    def tick(self) -> bool:
        market = self.market()
        now = self.watch.now + self.draw(st.sampled_from([0, 0, 0, 1, 30, -3, -50]))
        mark = market.mark + market.mark * self.draw(moves) // 10**6
        mark += self.draw(st.integers(-2, 2))
        mark = min(max(mark, 1), 10**15)
        index = mark if self.draw(st.booleans()) else market.index
        now = max(now, market.funding_time)
        moved = replace(
            self.accrued(market, now),
            mark=PriceE8(mark),
            index=PriceE8(index),
            price_timestamp=Seconds(now),
        )
        return self.watch.set_market(moved, Seconds(now))

    def trade(self) -> bool:
        market, now = self.market(), self.watch.now
        size = self.draw(st.one_of(sizes_at(market.mark), st.just(0)))
        worth = notional(SizeE8(size), market.mark)
        leverage = self.draw(st.sampled_from([2, 10, 20, 39, 40, 41]))
        return self.watch.set_position(
            self.account(),
            market.id,
            SizeE8(size),
            QuoteAtoms(min(max(-size * market.mark // 10**10, -(2**62)), 2**62)),
            FundingE12(min(max(market.funding_index(now), -(2**62)), 2**62)),
            Seconds(0),
            QuoteAtoms(min(worth // leverage, 2**62)),
        )

    def cash(self) -> bool:
        return self.watch.set_collateral(
            self.account(), QuoteAtoms(self.draw(st.integers(-(10**6), 10**12)))
        )

    def to_the_edge(self) -> bool:
        """Leave an account with a slack of −1, 0 or 1 atoms, or a few."""
        watch, account = self.watch, self.account()
        row = watch.book.row(account)
        if row is None:
            return self.cash()
        slack = watch.book.state(account, watch.now).slack
        wanted = self.draw(st.sampled_from([-1, 0, 1, -20, 20, -1_000, 1_000]))
        collateral = watch.book.account(account).collateral + wanted - slack
        return watch.set_collateral(account, QuoteAtoms(min(max(collateral, -(2**63)), 2**63 - 1)))

    def wait(self) -> bool:
        seconds = self.draw(st.sampled_from([1, 2, 10, 100, 3_600, 86_400]))
        return self.watch.advance(Seconds(self.watch.now + seconds))

    def rules(self) -> bool:
        market = self.accrued(self.market(), self.watch.now)
        fact = self.draw(st.sampled_from(["tiers", "rate", "dividend", "settle", "split", "new"]))
        if fact == "tiers":
            market = replace(market, tiers=self.draw(tiers))
        elif fact == "rate":
            market = replace(market, funding_rate=PpbPerHour(self.draw(rates)))
        elif fact == "dividend":
            amount = market.mark // 50
            market = replace(
                market,
                mark=PriceE8(market.mark - amount),
                index=PriceE8(max(market.index - amount, 0)),
                funding_numerator=market.funding_numerator - amount * 10**4 * 360_000_000,
            )
        elif fact == "settle":
            market = replace(market, status=MarketStatus.SETTLED)
        elif fact == "split":
            market = replace(
                market, status=MarketStatus.HALTED, is_splitting=not market.is_splitting
            )
        else:
            market = self.draw(market_values(market.id))
        return self.watch.set_market(market, self.watch.now)


@pytest.mark.timeout(600)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_set_under_margin_equals_brute_force_after_every_fact(data: st.DataObject) -> None:
    world = World(data)
    check(world.watch)
    for _ in range(data.draw(st.integers(1, 40))):
        world.step()
        check(world.watch)


# --- by example ----------------------------------------------------------------------------------


def sample_watch() -> AccountWatch:
    """Three accounts of 1 share at 200 USD: slack −1 USD, +1 USD, and plenty."""
    held = [make_position(shares(1))]
    accounts = [
        make_account(usd(cash), held, number=number) for number, cash in ((1, 4), (2, 6), (3, 900))
    ]
    watch = AccountWatch()
    watch.load(make_markets(), [columns_of(accounts)], NOW)
    return watch


def test_a_look_up_judges_at_the_latest_mark() -> None:
    watch = sample_watch()
    account = make_account_id(1)
    watch.set_market(make_market(mark=price(199)), NOW)
    assert watch.under_margin[account].equity == usd(3)
    assert account in watch.under_margin
    assert watch.still_under_margin(account)


def test_remembers_when_and_where_the_first_of_those_under_margin_fell_below() -> None:
    watch = AccountWatch()
    assert watch.oldest_under_margin() is None
    watch.note_block(NOW, 100)
    held = [make_position(shares(1))]
    accounts = [make_account(usd(4), held, number=1), make_account(usd(6), held, number=2)]
    watch.load(make_markets(), [columns_of(accounts)], NOW)
    watch.note_block(Seconds(NOW + 1), 101)
    watch.set_market(make_market(mark=price(198)), Seconds(NOW + 1))
    assert watch.oldest_under_margin() == (NOW, 100)
    watch.set_collateral(make_account_id(1), usd(100))
    assert watch.oldest_under_margin() == (NOW + 1, 101)
    assert [stamp for _, stamp in watch.longest_under_margin(9)] == [(NOW + 1, 101)]


def test_a_healthy_or_unknown_account_is_not_looked_up() -> None:
    watch = sample_watch()
    for number in (3, 77):
        account = make_account_id(number)
        assert account not in watch.under_margin
        assert not watch.still_under_margin(account)
        with pytest.raises(KeyError):
            watch.under_margin[account]


def test_says_whether_the_set_changed() -> None:
    watch = sample_watch()
    assert not watch.set_market(make_market(mark=price("200.01")), NOW)
    assert watch.set_market(make_market(mark=price(198)), NOW)
    assert len(watch.under_margin) == 2
    assert watch.set_collateral(make_account_id(1), usd(100))
    assert watch.set_position(
        make_account_id(2),
        MarketId(0),
        SizeE8(0),
        QuoteAtoms(0),
        FundingE12(0),
        Seconds(0),
        usd(1),
    )
    assert not watch.advance(Seconds(NOW + 5))
    assert not watch.under_margin


def test_the_worst_come_first_and_equals_by_number() -> None:
    watch = sample_watch()
    held = [make_position(shares(1))]
    for number, cash in ((9, 2), (8, 2), (7, 1)):
        account = make_account(usd(cash), held, number=number)
        watch.set_position(
            account.id,
            MarketId(0),
            held[0].size,
            held[0].quote,
            FundingE12(0),
            Seconds(0),
            account.collateral,
        )
    assert watch.worst(10) == [make_account_id(number) for number in (7, 8, 9, 1)]
    assert watch.worst(2) == [make_account_id(number) for number in (7, 8)]
    assert watch.worst(0) == []


def test_the_clock_never_goes_back_and_follows_the_markets() -> None:
    watch = sample_watch()
    watch.advance(Seconds(NOW + 9))
    watch.advance(Seconds(NOW + 3))
    watch.set_market(make_market(), NOW)
    assert watch.now == NOW + 9
    watch.set_market(make_market(funding_time=Seconds(NOW + 12)), NOW)
    assert watch.now == NOW + 12


def test_a_new_snapshot_forgets_everything() -> None:
    watch = sample_watch()
    watch.load(make_markets(), [columns_of([make_account(number=5)])], NOW)
    assert len(watch.book) == 1
    assert not watch.under_margin


def test_a_new_market_can_be_held_at_once() -> None:
    watch = sample_watch()
    assert not watch.set_market(make_market(5), NOW)
    account = make_account_id(1)
    held = make_position(shares(-1), market=5)
    watch.set_position(
        account, held.market, held.size, held.quote, FundingE12(0), Seconds(0), usd(12)
    )
    assert account not in watch.under_margin
    watch.set_market(make_market(5, mark=price(205)), NOW)
    assert account in watch.under_margin


def test_surveys_what_stands_near_liquidation() -> None:
    watch = sample_watch()
    survey = watch.survey(edges=(Ppm(0), Ppm(10_000), Ppm(10**7)), limit=2)
    while survey.advance(watch.now):
        pass
    assert [near.account for near in survey.nearest] == [make_account_id(1), make_account_id(2)]
    assert [near.distance for near in survey.nearest] == [0, 5_128]  # 1 of 200 · (1 − 2.5 %)
    assert [(step.account_count, step.notional) for step in survey.within] == [
        (1, usd(200)),
        (2, usd(400)),
        (3, usd(600)),
    ]
