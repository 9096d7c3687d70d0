"""Deleverage: only when nobody else can carry it, only against the right counterparty."""

import pytest

from tests.venues.exchange.contracts.harness import SPLIT, Exchange, price, shares, usd
from tests.venues.exchange.contracts.reckoning import read_books

DONE, NOT_BANKRUPT, NO_POSITION, STALE, CLOSED = range(5)
UNKNOWN, NOT_NEEDED, BAD_COUNTERPARTY = 6, 7, 8


@pytest.fixture
def ruined(exchange: Exchange, bankrupt: int) -> int:
    """Give the bankrupt account while the backstop is empty."""
    exchange.drain_backstop()
    return bankrupt


def deleverage(
    exchange: Exchange, account: int, counterparty: int, size: int, market: int = 0
) -> tuple[int, int, int]:
    """Deleverage one item; give code, size, cash."""
    items = [(account, market, counterparty, size)]
    event = exchange.send("deleverager", "deleverage", items).only("DeleverageResult")
    return event["code"], event["size"], event["cash"]


def test_it_closes_at_the_bankruptcy_price(exchange: Exchange, ruined: int, maker: int) -> None:
    code, size, cash = deleverage(exchange, ruined, maker, shares(100))
    assert (code, size, cash) == (DONE, -shares(100), usd(9000))
    assert exchange.rows(ruined) == (0, {})
    assert exchange.rows(maker) == (usd(10_000_000 + 1000), {})
    assert exchange.market()["open_interest"] == 0


def test_a_part_keeps_the_ratio(exchange: Exchange, ruined: int, maker: int) -> None:
    before = read_books(exchange)
    code, size, cash = deleverage(exchange, ruined, maker, 3_333_333_333)
    after = read_books(exchange)
    assert (code, size) == (DONE, -3_333_333_333)
    value = before.value(0, shares(100)) - before.value(0, shares(100) - 3_333_333_333)
    assert cash > value
    ratio_before = before.equity(ruined) * after.total_maintenance(ruined)
    ratio_after = after.equity(ruined) * before.total_maintenance(ruined)
    assert ratio_after >= ratio_before
    lost = sum(before.equity(account) - after.equity(account) for account in (ruined, maker))
    assert 0 <= lost <= 1  # each value rounds down
    assert exchange.market()["open_interest"] == shares(100) - 3_333_333_333


def test_no_more_is_closed_than_both_hold(exchange: Exchange, ruined: int, maker: int) -> None:
    small = exchange.account(6)
    exchange.fund(small, 10_000)
    exchange.publish(100)
    exchange.trade(maker, small, 40)
    exchange.publish(89)
    assert deleverage(exchange, ruined, small, 2**200)[:2] == (DONE, -shares(40))
    assert deleverage(exchange, ruined, maker, 2**200)[:2] == (DONE, -shares(60))
    assert exchange.rows(ruined) == (0, {})


def test_a_bankrupt_short_is_deleveraged_against_a_long(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, -100)
    exchange.publish(111)
    exchange.drain_backstop()
    assert deleverage(exchange, trader_long, maker, shares(100)) == (
        DONE,
        shares(100),
        -usd(11_000),
    )
    assert exchange.rows(maker)[0] == usd(10_001_000)


def test_a_solvent_account_is_left_alone(exchange: Exchange, trader_long: int, maker: int) -> None:
    exchange.trade(trader_long, maker, 100)
    exchange.publish(90)
    exchange.drain_backstop()
    assert exchange.state(trader_long)["equity"] == 0
    assert deleverage(exchange, trader_long, maker, 1)[0] == NOT_BANKRUPT


def test_the_simple_refusals(exchange: Exchange, ruined: int, maker: int) -> None:
    assert deleverage(exchange, ruined, maker, 1, market=5)[0] == UNKNOWN
    assert deleverage(exchange, exchange.account(77), maker, 1)[0] == NO_POSITION
    assert deleverage(exchange, exchange.backstop, maker, 1)[0] == NO_POSITION
    assert deleverage(exchange, ruined, maker, 0)[0] == NO_POSITION
    exchange.chain.advance(3601)
    assert deleverage(exchange, ruined, maker, 1)[0] == STALE
    exchange.halt()
    assert deleverage(exchange, ruined, maker, 1)[0] == CLOSED
    exchange.limit(SPLIT)
    exchange.send("corporate", "begin_split", 0, 2, 1, 0)
    assert deleverage(exchange, ruined, maker, 1)[0] == CLOSED


def test_it_is_not_needed_while_somebody_can_carry_it(
    exchange: Exchange, ruined: int, maker: int
) -> None:
    exchange.send("owner", "fund_insurance", usd(100))
    exchange.fund(exchange.backstop, 889)
    snapshot = exchange.chain.snapshot()
    assert deleverage(exchange, ruined, maker, shares(1))[0] == DONE  # no margin for 100 shares
    exchange.chain.restore(snapshot)
    exchange.fund(exchange.backstop, 1)
    assert deleverage(exchange, ruined, maker, shares(1))[0] == NOT_NEEDED
    exchange.set_market_rules(backstop_cap=usd(8899))
    assert deleverage(exchange, ruined, maker, shares(1))[0] == DONE


def test_the_counterparty_must_be_the_right_one(
    exchange: Exchange, ruined: int, maker: int
) -> None:
    same_side, in_loss, flat = (exchange.account(number) for number in (6, 7, 8))
    for account in (same_side, in_loss, flat):
        exchange.fund(account, 10_000)
    exchange.trade(same_side, maker, 10, at=89)
    exchange.trade(in_loss, maker, -10, at=88)
    for counterparty in (same_side, in_loss, flat, ruined, exchange.backstop):
        assert deleverage(exchange, ruined, counterparty, 1)[0] == BAD_COUNTERPARTY
    assert deleverage(exchange, ruined, maker, 1)[0] == DONE


def test_a_short_at_the_very_mark_is_not_in_profit(
    exchange: Exchange, ruined: int, maker: int
) -> None:
    even = exchange.account(6)
    exchange.fund(even, 10_000)
    exchange.trade(even, maker, -10, at=89)
    assert deleverage(exchange, ruined, even, 1)[0] == BAD_COUNTERPARTY


def test_the_counterparty_is_not_pushed_under_its_margin(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    weak = exchange.account(6)
    other = exchange.create_market()
    exchange.fund(weak, 1100)
    exchange.trade(trader_long, maker, 100)
    exchange.trade(weak, maker, -10)
    exchange.trade(weak, maker, 100, market=other)
    exchange.publish(40)
    exchange.publish("89", other)
    exchange.drain_backstop()
    # 1 100 + 600 - 1 100 of equity; 20 + 445 of maintenance margin
    assert exchange.state(weak)["equity"] == usd(600)
    # the whole deal costs it 10 shares x 50 dollars below the mark: 600 - 500 < 445
    assert deleverage(exchange, trader_long, weak, shares(10))[0] == BAD_COUNTERPARTY
    assert deleverage(exchange, trader_long, weak, shares(1))[0] == DONE


def test_a_counterparty_with_a_stale_market_is_not_taken(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    other = exchange.create_market(expiry=10)
    exchange.trade(trader_long, maker, 100)
    exchange.trade(exchange.backstop, maker, 1, market=other)
    exchange.publish(40)
    exchange.chain.advance(11)
    assert deleverage(exchange, trader_long, maker, 1)[0] == NOT_NEEDED
    exchange.set_market_rules(backstop_cap=0)
    assert deleverage(exchange, trader_long, maker, 1)[0] == BAD_COUNTERPARTY
    exchange.publish(price(100) // 10**8, other)
    assert deleverage(exchange, trader_long, maker, 1)[0] == DONE


def test_bad_items_do_not_revert_the_good_ones(exchange: Exchange, ruined: int, maker: int) -> None:
    items = [
        (2**256 - 1, 2**256 - 1, 2**256 - 1, 2**256 - 1),
        (ruined, 0, 2**256 - 1, 1),
        (ruined, 0, maker, 2**256 - 1),
        (ruined, 0, maker, 1),
    ]
    receipt = exchange.send("deleverager", "deleverage", items)
    codes = [event["code"] for event in receipt.all("DeleverageResult")]
    assert codes == [UNKNOWN, BAD_COUNTERPARTY, DONE, NO_POSITION]
