"""The exchange in memory: all or nothing, conserved to the atom; the rules themselves are in the parity test."""

from dataclasses import replace

import pytest

from risk.columns import columns_of
from risk.corporate_writes import BeginSplit, ContinueSplit
from risk.price_publication import FairPrice
from risk.price_support import Rung
from risk.units import MarketId, PriceE8, QuoteAtoms, Seconds, account_id
from tests.builders import NOW, make_market, make_rules, price, shares, usd
from tests.venues.memory.world import (
    ADDRESS,
    LONG,
    MARKET,
    OWNER,
    SHORT,
    USER,
    account,
    contents,
    make_exchange,
    pair,
    trade,
)
from venues.exchange.readings import Role
from venues.memory.draft import Draft, RevertedError
from venues.memory.exchange import MemoryExchange
from venues.memory.requests import (
    ClaimRewards,
    Corporate,
    DepositMany,
    Liquidate,
    Publish,
    Restrict,
    SettleTrades,
    SetWithdrawals,
    Transfer,
    Withdraw,
)
from venues.memory.state import EXCHANGE_ADDRESS, backstop_of, build_state
from venues.port import (
    CollateralChanged,
    LiquidationItem,
    LiquidationSettled,
    OtherEvent,
    PositionChanged,
    TradeSettled,
)

MATCHER = ADDRESS[Role.MATCHER]
KEEPER = b"\x99" * 20


def publish(exchange: MemoryExchange, mark: int, *, now: Seconds = NOW) -> None:
    told = FairPrice(
        market=MARKET, mark=PriceE8(mark), index=PriceE8(mark), timestamp=now, rung=Rung.FULL
    )
    exchange.execute(Publish(prices=(told,)), caller=ADDRESS[Role.PRICER], now=now)


def test_a_bad_trade_takes_the_good_ones_before_it_back() -> None:
    exchange = make_exchange()
    before = contents(exchange)
    batch = SettleTrades(trades=(trade(shares(-1), price(200)), trade(shares(900), price(200))))
    with pytest.raises(RevertedError, match="below initial margin"):
        exchange.execute(batch, caller=MATCHER, now=NOW)
    assert contents(exchange) == before
    done = exchange.execute(replace(batch, trades=batch.trades[:1]), caller=MATCHER, now=NOW)
    assert [type(each) for each in done.changes[:2]] == [PositionChanged, PositionChanged]
    assert sum(isinstance(each, TradeSettled) for each in done.changes) == 1
    assert exchange.state.book.account(LONG).positions[0].size == shares(9)


def test_fees_leave_the_traders_and_reach_the_pool_and_nothing_is_lost() -> None:
    exchange = make_exchange()
    money = exchange.money()
    batch = SettleTrades(trades=(trade(shares(-4), price("200.00000003")),))
    exchange.execute(batch, caller=MATCHER, now=NOW)
    assert exchange.state.funds.fee_pool == usd("0.400001") - usd("0.08")
    assert exchange.money() == money


def test_only_the_matcher_settles_trades() -> None:
    batch = SettleTrades(trades=(trade(shares(-1), price(200)),))
    with pytest.raises(RevertedError, match="wrong role"):
        make_exchange().execute(batch, caller=OWNER, now=NOW)


def test_a_liquidation_pays_its_keeper_who_can_claim_it_once() -> None:
    exchange = make_exchange(*pair(long_cash=usd(60)), market=make_market(clamp=1_000_000))
    publish(exchange, price("197"))
    money = exchange.money()
    item = LiquidationItem(account=LONG, market=MARKET)
    batch = Liquidate(items=(item, item), deadline=NOW)
    done = exchange.execute(batch, caller=KEEPER, now=NOW)
    first, second = (each for each in done.changes if isinstance(each, LiquidationSettled))
    assert first.code == "liquidated"
    assert second.code == "not_liquidatable"
    assert first.reward > 0
    assert exchange.state.keeper_rewards[KEEPER] == first.reward
    assert exchange.money() == money
    exchange.execute(ClaimRewards(), caller=KEEPER, now=NOW)
    assert exchange.money() == money - first.reward
    assert exchange.execute(ClaimRewards(), caller=KEEPER, now=NOW).changes == ()


def test_what_an_exchange_tells_rebuilds_its_accounts() -> None:
    exchange = make_exchange(*pair(long_cash=usd(60)), market=make_market(clamp=1_000_000))
    publish(exchange, price(190))
    batch = Liquidate(items=(LiquidationItem(account=LONG, market=MARKET),), deadline=NOW)
    twin = make_exchange(*pair(long_cash=usd(60)), market=make_market(clamp=1_000_000))
    for change in exchange.execute(batch, caller=KEEPER, now=NOW).changes:
        if isinstance(change, PositionChanged):
            book = twin.state.book
            book.set_position(
                change.account,
                change.market,
                change.size,
                change.quote,
                change.funding,
                change.slice_time,
                change.collateral,
            )
    assert contents(twin)[0] == contents(exchange)[0]


def test_collateral_comes_in_and_out_and_opens_accounts_in_order() -> None:
    exchange = make_exchange()
    new = account_id(USER, 9)
    done = exchange.execute(DepositMany(accounts=(new,), amounts=(usd(5),)), caller=OWNER, now=NOW)
    opened, paid = done.changes
    assert opened == OtherEvent(name="AccountOpened", values={"account": new, "index": 3})
    assert paid == CollateralChanged(account=new, collateral=usd(5))
    exchange.execute(Withdraw(subaccount=9, amount=usd(2)), caller=USER, now=NOW)
    exchange.execute(Transfer(source=9, target=11, amount=usd(3)), caller=USER, now=NOW)
    assert exchange.state.book.account(new).collateral == 0
    assert exchange.state.book.row(account_id(USER, 11)) == 4
    with pytest.raises(RevertedError, match="more than the collateral"):
        exchange.execute(Withdraw(subaccount=9, amount=1), caller=USER, now=NOW)


def test_closed_withdrawals_hold_everything_but_transfers() -> None:
    exchange = make_exchange()
    exchange.execute(SetWithdrawals(is_open=False), caller=ADDRESS[Role.GUARDIAN], now=NOW)
    with pytest.raises(RevertedError, match="withdrawals closed"):
        exchange.execute(Withdraw(subaccount=1, amount=1), caller=USER, now=NOW)
    exchange.execute(Transfer(source=1, target=2, amount=1), caller=USER, now=NOW)
    assert exchange.state.book.account(SHORT).collateral == usd(400) + 1


def test_in_the_middle_of_a_split_the_rescaled_are_worth_what_they_were() -> None:
    exchange = make_exchange()
    exchange.execute(Restrict(market=MARKET, status=3), caller=ADDRESS[Role.GUARDIAN], now=NOW)
    begin = BeginSplit(numerator=2, denominator=1, expected_epoch=0)
    corporate = ADDRESS[Role.CORPORATE]
    exchange.execute(Corporate(market=MARKET, write=begin), caller=corporate, now=NOW)
    step = Corporate(market=MARKET, write=ContinueSplit(count=2))
    exchange.execute(step, caller=corporate, now=NOW)
    draft = Draft(exchange.state, caller=b"", now=NOW, base_fee_wei=0)
    assert draft.account(LONG).positions[0].size == shares(20)
    assert draft.account(SHORT).positions[0].size == shares(-10)
    assert [draft.value(each).equity for each in (LONG, SHORT)] == [usd(400), usd(400)]
    exchange.execute(step, caller=corporate, now=NOW)
    assert exchange.state.markets[MARKET].mark == price(100)
    assert exchange.state.splits == {}


def test_a_population_must_have_its_backstop_first_and_a_short_for_every_long() -> None:
    zero = QuoteAtoms(0)
    from_columns = {
        "funds": make_exchange().state.funds,
        "rules": make_rules(),
        "owner": OWNER,
    }
    long_only = account(LONG, usd(400), 10)
    backstop = account(backstop_of(EXCHANGE_ADDRESS), zero, 0)
    with pytest.raises(ValueError, match=r"backstop .* as the first account"):
        build_state([make_market()], [columns_of([long_only, backstop])], **from_columns)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sizes of AAPL to add up to 0, found 1000000000"):
        build_state([make_market()], [columns_of([backstop, long_only])], **from_columns)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"markets numbered from 0 in order, found \[1\]"):
        build_state([make_market(1)], [columns_of([backstop])], **from_columns)  # type: ignore[arg-type]


def test_open_interest_is_counted_from_the_population() -> None:
    exchange = make_exchange(market=make_market(open_interest=3))
    assert exchange.state.markets[MarketId(0)].open_interest == shares(10)
