"""Cash dividends that leave equity alone, and the end of a market."""

import pytest

from tests.venues.exchange.contracts.harness import (
    BAND,
    DIVIDEND,
    FUNDING_RATE,
    SETTLED,
    Exchange,
    Refused,
    price,
    shares,
    usd,
)
from tests.venues.exchange.contracts.reckoning import check_books, read_books


@pytest.mark.parametrize("amount", ["0.88", "12.34567891", "0.00000001"])
def test_a_dividend_leaves_equity_where_it_was(
    exchange: Exchange, trader_long: int, maker: int, amount: str
) -> None:
    third = exchange.account(3)
    exchange.fund(third, 5_000)
    exchange.trade(trader_long, maker, "33.33333333")
    exchange.trade(third, maker, "-7.77777777")
    exchange.limit(DIVIDEND)
    before = read_books(exchange)
    receipt = exchange.send("corporate", "dividend", 0, price(amount), 0)
    after = read_books(exchange)
    event, view = receipt.only("DividendPaid"), exchange.market()
    assert view["mark"] == view["index"] == price(100) - price(amount) == event["mark"]
    assert event["epoch"] == exchange.view("epoch", 0, 4) == 1
    for account in (trader_long, maker, third):
        assert abs(after.equity(account) - before.equity(account)) <= 1
        assert exchange.state(account)["equity"] == after.equity(account)


def test_shorts_pay_longs(exchange: Exchange, trader_long: int, maker: int) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.limit(DIVIDEND)
    exchange.send("corporate", "dividend", 0, price(2), 0)
    exchange.trade(trader_long, maker, -10, at=98)
    assert exchange.rows(trader_long)[0] == usd(1000)  # lost 20 on the price, got 20
    assert exchange.rows(maker)[0] == usd(10_000_000)


def test_a_dividend_is_within_limits(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="no limits"):
        exchange.send("corporate", "dividend", 0, price(1), 0)
    exchange.limit(DIVIDEND, minimum=1_000, maximum=50_000, cool_down=60)
    for amount in ("0.0999", "5.0001"):
        with pytest.raises(Refused, match="outside limits"):
            exchange.send("corporate", "dividend", 0, price(amount), 0)
    exchange.send("corporate", "dividend", 0, price(5), 0)
    with pytest.raises(Refused, match="stale epoch"):
        exchange.send("corporate", "dividend", 0, price(1), 0)
    with pytest.raises(Refused, match="cooling down"):
        exchange.send("corporate", "dividend", 0, price(1), 1)
    exchange.chain.advance(60)
    exchange.send("corporate", "dividend", 0, price(1), 1)
    assert exchange.market()["mark"] == price(94)


@pytest.mark.parametrize("amount", [0, 100, 101])
def test_a_dividend_leaves_a_price(exchange: Exchange, amount: int) -> None:
    exchange.limit(DIVIDEND)
    with pytest.raises(Refused, match="outside limits"):
        exchange.send("corporate", "dividend", 0, price(amount), 0)


def test_a_dividend_must_leave_the_mark_inside_the_band(exchange: Exchange) -> None:
    exchange.limit(DIVIDEND)
    exchange.limit(BAND)
    exchange.send("breaker", "set_band", 0, price(98), price(105), 0)
    with pytest.raises(Refused, match="mark outside band"):
        exchange.send("corporate", "dividend", 0, price(3), 0)
    exchange.send("corporate", "dividend", 0, price(2), 0)
    assert exchange.market()["mark"] == price(98)


def test_funding_accrues_before_a_dividend(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.limit(FUNDING_RATE)
    exchange.limit(DIVIDEND)
    exchange.send("tuner", "set_parameter", 0, FUNDING_RATE, 1_000_000, 0)
    exchange.chain.advance(3600)
    exchange.send("corporate", "dividend", 0, price(50), 0)
    assert exchange.state(trader_long)["equity"] == usd(999)


def settle(exchange: Exchange, at: float) -> None:
    exchange.halt()
    exchange.send("corporate", "settle_market", 0, price(at), 0)


@pytest.mark.parametrize(("at", "is_near"), [(90, True), (110, True), (89.99, False), (111, False)])
def test_the_last_price_is_near_the_mark(exchange: Exchange, at: float, *, is_near: bool) -> None:
    if is_near:
        settle(exchange, at)
        view = exchange.market()
        assert (view["status"], view["mark"], view["index"]) == (SETTLED, price(at), price(at))
    else:
        with pytest.raises(Refused, match="outside limits"):
            settle(exchange, at)


def test_only_a_halted_market_is_settled(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="not halted"):
        exchange.send("corporate", "settle_market", 0, price(100), 0)
    with pytest.raises(Refused, match="not settled"):
        exchange.send("stranger", "close_settled", 0, [])


def test_a_settled_market_asks_for_no_margin_and_is_never_stale(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 50)
    settle(exchange, 95)
    exchange.chain.advance(10**6)
    state = exchange.state(trader_long)
    assert (state["equity"], state["is_priced"]) == (usd(750), True)
    assert (state["maintenance_margin"], state["initial_margin"]) == (0, 0)
    exchange.send("trader", "withdraw", 1, usd(750))
    assert exchange.state(trader_long)["equity"] == 0


def test_funding_stops_at_settlement(exchange: Exchange, trader_long: int, maker: int) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.limit(FUNDING_RATE)
    exchange.send("tuner", "set_parameter", 0, FUNDING_RATE, 1_000_000, 0)
    exchange.chain.advance(3600)
    settle(exchange, 100)
    exchange.chain.advance(36_000)
    assert exchange.state(trader_long)["equity"] == usd(999)
    assert exchange.market()["funding_rate"] == 0


def test_anyone_turns_settled_positions_into_cash(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    other = exchange.account(3)
    exchange.fund(other, 5_000)
    exchange.trade(trader_long, maker, "33.33333333", at="100.00000001")
    exchange.trade(other, maker, "1.11111111")
    exchange.trade(exchange.backstop, maker, 5)
    settle(exchange, 97.12345678)
    accounts = [trader_long, maker, other, exchange.backstop, exchange.account(99)]
    before = read_books(exchange)
    for chosen in accounts[:2], accounts[2:], accounts:
        exchange.send("stranger", "close_settled", 0, chosen)
        check_books(exchange)
    after = read_books(exchange)
    for account in accounts[:4]:
        assert after.collateral[account] == before.equity(account) == after.equity(account)
    assert not after.positions
    assert after.markets[0]["open_interest"] == 0
    assert 0 <= after.funds["funding_pool"] <= 4


def test_a_settled_loss_still_counts_against_other_markets(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    other = exchange.create_market()
    exchange.trade(trader_long, maker, 80)
    exchange.trade(trader_long, maker, 10, market=other)
    settle(exchange, 90)  # lost 800 of 1 000
    exchange.publish(84, other)  # and 160 more; 42 are required
    event = exchange.liquidate_one(trader_long, other)
    assert (event["code"], event["equity"]) == (0, usd(40))
    assert exchange.position(trader_long)["size"] == shares(80)


def test_the_insurance_fund_covers_what_a_settlement_left_owing(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 100)
    other = exchange.account(3)
    exchange.fund(other, 1_000)
    exchange.trade(other, maker, 100)
    exchange.publish(95)
    settle(exchange, 88)  # both owe 200
    exchange.send("owner", "fund_insurance", usd(250))
    debtors = [trader_long, other, maker, exchange.account(99)]
    exchange.send("stranger", "cover_losses", debtors)  # they still hold positions
    assert exchange.funds()["insurance_fund"] == usd(250)
    exchange.send("stranger", "close_settled", 0, debtors)
    assert exchange.rows(trader_long)[0] == exchange.rows(other)[0] == -usd(200)
    receipt = exchange.send("stranger", "cover_losses", debtors)
    assert [event["reason"] for event in receipt.all("CollateralChanged")] == [5, 5]
    assert exchange.rows(trader_long)[0] == 0
    assert exchange.rows(other)[0] == -usd(150)
    assert exchange.funds()["insurance_fund"] == 0
    assert not exchange.send("stranger", "cover_losses", debtors).events
