"""Deposits, withdrawals and transfers: what may leave, and when."""

import pytest

from tests.venues.exchange.contracts.harness import Exchange, Refused, usd


def test_a_deposit_opens_an_account_once(exchange: Exchange) -> None:
    before = exchange.view("account_count")
    receipt = exchange.send("trader", "deposit", 7, usd(5))
    opened = receipt.only("AccountOpened")
    assert (opened["account"], opened["index"]) == (exchange.account(7), before)
    changed = receipt.only("CollateralChanged")
    assert (changed["collateral"], changed["delta"], changed["reason"]) == (usd(5), usd(5), 1)
    again = exchange.send("trader", "deposit", 7, usd(5))
    assert not again.all("AccountOpened")
    assert exchange.rows(exchange.account(7))[0] == usd(10)
    assert exchange.view("account_at", before) == exchange.account(7)


def test_the_backstop_is_the_first_account(exchange: Exchange) -> None:
    assert exchange.view("account_at", 0) == exchange.backstop
    assert exchange.backstop == int(exchange.address, 16) << 96


def test_many_deposits_pay_once(exchange: Exchange) -> None:
    accounts = [exchange.account(number) for number in range(20, 30)]
    amounts = [usd(number) for number in range(1, 11)]
    before = exchange.balance(exchange.address)
    exchange.send("stranger", "deposit_many", accounts, amounts)
    assert exchange.balance(exchange.address) - before == sum(amounts)
    assert [exchange.rows(account)[0] for account in accounts] == amounts


def test_bad_deposits_are_refused(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="zero amount"):
        exchange.send("trader", "deposit", 1, 0)
    with pytest.raises(Refused, match="lengths differ"):
        exchange.send("trader", "deposit_many", [1 << 96], [])
    with pytest.raises(Refused, match="no owner"):
        exchange.send("trader", "deposit_for", 5, 1)
    with pytest.raises(Refused, match="bad subaccount"):
        exchange.send("trader", "deposit", 2**96, 1)
    with pytest.raises(Refused, match="balance too low"):
        exchange.send("trader", "deposit", 1, 2**100)
    with pytest.raises(Refused, match="allowance too low"):
        exchange.send("pricer", "deposit", 1, 1)


def test_a_withdrawal_pays_out_to_the_owner(exchange: Exchange, trader_long: int) -> None:
    trader = exchange.chain.actors["trader"]
    before = exchange.balance(trader)
    event = exchange.send("trader", "withdraw", 1, usd(1000)).only("CollateralChanged")
    assert (event["collateral"], event["delta"], event["reason"]) == (0, -usd(1000), 2)
    assert exchange.balance(trader) - before == usd(1000)
    assert exchange.rows(trader_long)[0] == 0


def test_nobody_withdraws_from_another(exchange: Exchange, trader_long: int) -> None:
    with pytest.raises(Refused, match="more than the collateral"):
        exchange.send("stranger", "withdraw", 1, 1)
    assert exchange.rows(trader_long)[0] == usd(1000)


@pytest.mark.parametrize("call", ["withdraw", "transfer"])
def test_what_stays_covers_the_initial_margin(
    exchange: Exchange, trader_long: int, maker: int, call: str
) -> None:
    exchange.trade(trader_long, maker, 50)  # 5 000 dollars need 500
    target = () if call == "withdraw" else (9,)
    with pytest.raises(Refused, match="below initial margin"):
        exchange.send("trader", call, 1, *target, usd(500) + 1)
    exchange.send("trader", call, 1, *target, usd(500))
    assert exchange.state(trader_long)["equity"] == usd(500)


@pytest.mark.parametrize("call", ["withdraw", "transfer"])
def test_profit_that_is_not_realised_cannot_leave(
    exchange: Exchange, trader_long: int, maker: int, call: str
) -> None:
    exchange.trade(trader_long, maker, 50)
    exchange.publish(200)
    target = () if call == "withdraw" else (9,)
    with pytest.raises(Refused, match="more than the collateral"):
        exchange.send("trader", call, 1, *target, usd(1001))


@pytest.mark.parametrize("call", ["withdraw", "transfer"])
def test_nothing_leaves_at_a_stale_price(
    exchange: Exchange, trader_long: int, maker: int, call: str
) -> None:
    exchange.trade(trader_long, maker, 1)
    exchange.chain.advance(3601)
    target = () if call == "withdraw" else (9,)
    with pytest.raises(Refused, match="stale price"):
        exchange.send("trader", call, 1, *target, 1)
    exchange.publish(100)
    exchange.send("trader", call, 1, *target, 1)
    assert exchange.rows(trader_long)[0] == usd(1000) - 1


def test_the_guardian_closes_withdrawals_and_the_owner_opens_them(
    exchange: Exchange, trader_long: int
) -> None:
    exchange.send("guardian", "close_withdrawals")
    assert not exchange.funds()["withdrawals_open"]
    with pytest.raises(Refused, match="withdrawals closed"):
        exchange.send("trader", "withdraw", 1, 1)
    with pytest.raises(Refused, match="withdrawals closed"):
        exchange.send("owner", "withdraw_backstop", exchange.chain.actors["owner"], 1)
    exchange.send("trader", "transfer", 1, 3, usd(1))  # nothing leaves the vault
    exchange.send("trader", "deposit", 1, usd(1))
    exchange.send("owner", "open_withdrawals")
    exchange.send("trader", "withdraw", 1, 1)
    assert exchange.rows(trader_long)[0] == usd(1000) - 1


def test_a_transfer_moves_between_own_subaccounts(exchange: Exchange, trader_long: int) -> None:
    receipt = exchange.send("trader", "transfer", 1, 9, usd(400))
    assert [event["reason"] for event in receipt.all("CollateralChanged")] == [3, 3]
    assert receipt.only("AccountOpened")["account"] == exchange.account(9)
    assert exchange.rows(trader_long)[0] == usd(600)
    assert exchange.rows(exchange.account(9))[0] == usd(400)
    with pytest.raises(Refused, match="same account"):
        exchange.send("trader", "transfer", 1, 1, 1)
    with pytest.raises(Refused, match="zero amount"):
        exchange.send("trader", "transfer", 1, 2, 0)


def test_the_owner_takes_backstop_capital_under_the_rules_of_any_account(
    exchange: Exchange, trader_long: int
) -> None:
    exchange.trade(exchange.backstop, trader_long, 50)
    owner = exchange.chain.actors["owner"]
    with pytest.raises(Refused, match="below initial margin"):
        exchange.send("owner", "withdraw_backstop", owner, usd(999_501))
    exchange.send("owner", "withdraw_backstop", owner, usd(999_500))
    assert exchange.state(exchange.backstop)["equity"] == usd(500)


def test_anyone_pays_into_the_insurance_fund(exchange: Exchange) -> None:
    receipt = exchange.send("stranger", "fund_insurance", usd(3))
    assert receipt.only("FundsChanged")["insurance_fund"] == usd(3)
    assert exchange.funds()["insurance_fund"] == usd(3)
    with pytest.raises(Refused, match="zero amount"):
        exchange.send("stranger", "fund_insurance", 0)
