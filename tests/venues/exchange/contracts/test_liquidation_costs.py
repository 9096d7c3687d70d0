"""Liquidation: what it costs, who pays a shortfall, what the keeper gets."""

import pytest

from tests.venues.exchange.contracts.codec import Event
from tests.venues.exchange.contracts.harness import Exchange, make_rules, price, shares, usd
from tests.venues.exchange.contracts.reckoning import Books, ceil, check_books, read_books

LIQUIDATED, BACKSTOP_FULL, DELEVERAGE_NEEDED = 0, 7, 8


# -- at what cost


def judge_costs(books: Books, account: int, event: Event) -> None:
    """Reckon the cost of a piece from the rules, on the books before it."""
    equity, required = books.equity(account), books.total_maintenance(account)
    view = books.markets[0]
    size = books.positions[account, 0]["size"]
    left = size - event["size"]
    n = books.notional(0, event["size"])
    freed = books.maintenance(0, size) - books.maintenance(0, left)
    budget = equity * freed // required
    spread = view["spread_max"]
    if equity > 0:
        spread = view["spread_max"] * (required - equity) // required
    discount = min(max(budget, 0), ceil(n * spread, 10**6))
    penalty = min(max(budget - discount, 0), ceil(n * view["penalty"], 10**6))
    assert event["equity"] == equity
    assert event["maintenance_margin"] == required
    assert event["value"] == books.value(0, size) - books.value(0, left)
    assert (event["discount"], event["penalty"]) == (discount, penalty)
    assert event["shortfall"] == max(0, -budget)


@pytest.mark.parametrize("mark", ["94.7", "94.1", "93.33333333", "91", "90", "89.99", "85", "20"])
@pytest.mark.parametrize("max_size", [0, 1_234_567_891])
def test_the_cost_follows_the_rules(
    exchange: Exchange, trader_long: int, maker: int, mark: str, max_size: int
) -> None:
    exchange.send("owner", "fund_insurance", usd(10_000))
    exchange.trade(trader_long, maker, 100)
    exchange.publish(mark)
    books = read_books(exchange)
    event = exchange.liquidate_one(trader_long, max_size=max_size)
    assert event["code"] == LIQUIDATED
    judge_costs(books, trader_long, event)
    after = read_books(exchange)
    equity_after = after.equity(trader_long)
    paid = event["discount"] + event["penalty"] - event["shortfall"]
    assert equity_after == event["equity"] - paid
    # never a worse ratio, compared without dividing
    margin_after = after.total_maintenance(trader_long)
    assert equity_after * event["maintenance_margin"] >= event["equity"] * margin_after


def test_closing_the_last_position_of_a_bankrupt_account_leaves_exactly_nothing(
    exchange: Exchange, bankrupt: int
) -> None:
    exchange.send("owner", "fund_insurance", usd(1000))
    event = exchange.liquidate_one(bankrupt)
    assert event["shortfall"] == usd(100)
    assert exchange.rows(bankrupt) == (0, {})
    assert exchange.state(bankrupt)["equity"] == 0


def test_the_shortfall_comes_out_of_the_insurance_fund_first(
    exchange: Exchange, bankrupt: int
) -> None:
    exchange.send("owner", "fund_insurance", usd(1000))
    before = exchange.state(exchange.backstop)["equity"]
    event = exchange.liquidate_one(bankrupt)
    assert exchange.funds()["insurance_fund"] == usd(900) - event["reward"]
    assert exchange.state(exchange.backstop)["equity"] == before


def test_then_out_of_the_backstop(exchange: Exchange, bankrupt: int) -> None:
    exchange.send("owner", "fund_insurance", usd(30))
    receipt = exchange.send("liquidator", "liquidate", [(bankrupt, 0, 0)], 2**63)
    assert receipt.only("LiquidationResult")["code"] == LIQUIDATED
    paid = receipt.only("CollateralChanged")
    assert (paid["account"], paid["delta"], paid["reason"]) == (exchange.backstop, -usd(70), 4)
    assert exchange.funds()["insurance_fund"] == 0
    assert exchange.state(exchange.backstop)["equity"] == usd(1_000_000 - 70)


def test_when_neither_can_pay_deleverage_is_needed(exchange: Exchange, bankrupt: int) -> None:
    exchange.drain_backstop(keep=99)
    assert exchange.liquidate_one(bankrupt)["code"] == DELEVERAGE_NEEDED
    exchange.send("owner", "fund_insurance", usd(1))
    assert exchange.liquidate_one(bankrupt)["code"] == BACKSTOP_FULL  # pays, but has no margin left
    exchange.fund(exchange.backstop, 889)
    assert exchange.liquidate_one(bankrupt)["code"] == BACKSTOP_FULL
    exchange.fund(exchange.backstop, 1)  # 890 dollars: the initial margin of 100 shares at 89
    assert exchange.liquidate_one(bankrupt)["code"] == LIQUIDATED
    assert exchange.state(exchange.backstop)["equity"] == usd(890)


def test_a_full_backstop_takes_less_but_not_more(exchange: Exchange, under_margin: int) -> None:
    exchange.set_market_rules(backstop_cap=usd(84))
    assert exchange.liquidate_one(under_margin)["code"] == BACKSTOP_FULL
    assert exchange.liquidate_one(under_margin, max_size=shares("1.1"))["code"] == BACKSTOP_FULL
    assert exchange.liquidate_one(under_margin, max_size=shares(1))["code"] == LIQUIDATED


def test_a_full_backstop_may_always_shrink(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(exchange.backstop, maker, -100)
    exchange.trade(trader_long, maker, 100)
    exchange.set_market_rules(backstop_cap=0)
    exchange.publish(94)
    event = exchange.liquidate_one(trader_long)
    assert event["code"] == LIQUIDATED
    assert exchange.position(exchange.backstop)["size"] == event["size"] - shares(100)


def test_the_backstop_is_carried_through_a_batch(exchange: Exchange, maker: int) -> None:
    exchange.drain_backstop(keep=700)
    accounts = [exchange.account(number) for number in range(10, 14)]
    for account in accounts:
        exchange.fund(account, 300)
        exchange.trade(account, maker, 30)
    exchange.publish("90.5")  # each 15 dollars of equity, 2715 of notional, im 271.5
    results = exchange.liquidate(*[(account, 0, 0) for account in accounts])
    assert [event["code"] for event in results] == [LIQUIDATED] * 2 + [BACKSTOP_FULL] * 2
    books = check_books(exchange)
    state = exchange.state(exchange.backstop)
    assert state["equity"] == books.equity(exchange.backstop) >= state["initial_margin"]


# -- rewards


def test_the_reward_is_part_of_the_notional_out_of_the_penalty(
    exchange: Exchange, under_margin: int
) -> None:
    event = exchange.liquidate_one(under_margin)
    n = ceil(event["size"] * price(84), 10**10)
    assert event["penalty"] == ceil(n * 10_000, 10**6)
    assert event["reward"] == n * 1_000 // 10**6
    funds = exchange.funds()
    assert funds["insurance_fund"] == event["penalty"] - event["reward"]
    assert funds["rewards_owed"] == event["reward"]
    keeper = exchange.chain.actors["liquidator"]
    assert exchange.view("keeper_rewards", keeper) == event["reward"]


def test_the_reward_pays_for_gas_with_a_margin(exchange: Exchange, under_margin: int) -> None:
    rules = make_rules(reward=0, gas_per_item=150_000, gas_margin=250_000)
    exchange.send("owner", "set_liquidation_rules", rules)
    exchange.send("owner", "fund_insurance", usd(1000))
    exchange.chain.set_base_fee(1_000_000_007)
    event = exchange.liquidate_one(under_margin)
    wei = 150_000 * 1_000_000_007
    assert event["reward"] == ceil(wei * price(3000) * 1_250_000, 10**26)


def test_the_reward_is_capped(exchange: Exchange, under_margin: int) -> None:
    rules = make_rules(reward=1_000_000, reward_cap=usd("1.5"))
    exchange.send("owner", "set_liquidation_rules", rules)
    assert exchange.liquidate_one(under_margin)["reward"] == usd("1.5")


@pytest.mark.parametrize(("insured", "reward"), [(0, 0), (103, 3), (200, "8.9")])
def test_what_the_penalty_lacks_comes_from_the_insurance_fund(
    exchange: Exchange, bankrupt: int, insured: int, reward: float
) -> None:
    if insured:
        exchange.send("owner", "fund_insurance", usd(insured))
    event = exchange.liquidate_one(bankrupt)
    assert (event["penalty"], event["reward"]) == (0, usd(reward))


def test_crumbs_are_rewarded_from_their_own_penalty_only(
    exchange: Exchange, under_margin: int
) -> None:
    exchange.send("owner", "fund_insurance", usd(1000))
    rules = make_rules(gas_per_item=10**6, gas_margin=10**6, reward_cap=usd(20))
    exchange.send("owner", "set_liquidation_rules", rules)
    exchange.chain.set_base_fee(10**9)
    (event,) = exchange.liquidate((under_margin, 0, 1000))
    assert event["reward"] == event["penalty"] == 9  # 840 atoms of notional
    exchange.chain.set_base_fee(10**9)
    assert exchange.liquidate_one(under_margin)["reward"] > usd(5)


def test_rewards_add_up_and_are_claimed_once(exchange: Exchange, under_margin: int) -> None:
    first = exchange.liquidate_one(under_margin, max_size=shares(1))
    second = exchange.liquidate_one(under_margin)
    keeper = exchange.chain.actors["liquidator"]
    before = exchange.balance(keeper)
    claimed = exchange.send("liquidator", "claim_rewards").only("RewardsClaimed")
    assert claimed["amount"] == first["reward"] + second["reward"]
    assert exchange.balance(keeper) - before == claimed["amount"]
    assert exchange.funds()["rewards_owed"] == 0
    assert not exchange.send("liquidator", "claim_rewards").events
    assert exchange.balance(keeper) - before == claimed["amount"]
