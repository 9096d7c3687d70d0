"""Liquidation: every code, slices, buffer, backstop, insurance, rewards."""

from typing import Any

import pytest

from tests.venues.exchange.contracts.codec import Event
from tests.venues.exchange.contracts.harness import (
    HALTED,
    SPLIT,
    Exchange,
    Refused,
    make_rules,
    price,
    shares,
    usd,
)
from tests.venues.exchange.contracts.reckoning import Books, ceil, check_books, read_books

LIQUIDATED, HEALTHY, NO_POSITION, STALE, CLOSED, COOLING = range(6)
UNKNOWN, BACKSTOP_FULL, DELEVERAGE_NEEDED, EXPIRED = range(6, 10)


@pytest.fixture
def under_margin(exchange: Exchange, trader_long: int, maker: int) -> int:
    """Give an account of 5 000 dollars long, 200 of equity, 210 of maintenance margin."""
    exchange.trade(trader_long, maker, 50)
    exchange.publish(84)
    return trader_long


@pytest.fixture
def bankrupt(exchange: Exchange, trader_long: int, maker: int) -> int:
    """Give an account that lacks 100 dollars: 100 shares long from 100 dollars, now at 89."""
    exchange.trade(trader_long, maker, 100)
    exchange.publish(89)
    return trader_long


@pytest.fixture
def large(exchange: Exchange, maker: int) -> int:
    """Give an account 200 000 dollars long, just under margin but far from critical."""
    account = exchange.account(5)
    exchange.fund(account, 20_000)
    exchange.trade(account, maker, 2000)
    exchange.publish("94.6")  # equity 9 200, maintenance 9 460
    return account


def drain_backstop(exchange: Exchange, keep: int = 0) -> None:
    """Leave the backstop no more than so many dollars."""
    amount = exchange.rows(exchange.backstop)[0] - usd(keep)
    exchange.send("owner", "withdraw_backstop", exchange.chain.actors["owner"], amount)


def backstop_cap(exchange: Exchange, cap: int, **rules: int) -> None:
    """Change the backstop's cap and nothing else, unless told."""
    now: dict[str, Any] = exchange.market() | rules
    exchange.send(
        "owner",
        "set_market_rules",
        0,
        now["min_position_notional"],
        now["slice_threshold"],
        now["penalty"],
        now["spread_max"],
        cap,
    )


# -- the codes


def test_a_healthy_account_is_left_alone(exchange: Exchange, trader_long: int, maker: int) -> None:
    exchange.trade(trader_long, maker, 100)
    exchange.publish("94.73684211")  # equity equals the maintenance margin or is just above
    event = exchange.liquidate_one(trader_long)
    assert event["code"] == HEALTHY
    assert event["equity"] >= event["maintenance_margin"]


def test_liquidatable_means_strictly_below_maintenance(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 50)
    exchange.send("owner", "set_tiers", 0, [0], [100_000])
    exchange.publish(100)
    exchange.send("trader", "withdraw", 1, usd(500))
    assert exchange.state(trader_long)["equity"] == usd(500)
    assert exchange.liquidate_one(trader_long)["code"] == HEALTHY  # 500 against 500
    exchange.publish("99.99999999")
    event = exchange.liquidate_one(trader_long)
    assert event["equity"] < event["maintenance_margin"]
    assert event["code"] == LIQUIDATED


def test_each_item_has_its_own_code(exchange: Exchange, under_margin: int, maker: int) -> None:
    results = exchange.liquidate(
        (under_margin, 9, 0),
        (under_margin, 0, 0),
        (maker, 0, 0),
        (exchange.account(99), 0, 0),
        (exchange.backstop, 0, 0),
        (under_margin, 0, 0),
    )
    codes = [event["code"] for event in results]
    assert codes == [UNKNOWN, LIQUIDATED, HEALTHY, NO_POSITION, NO_POSITION, HEALTHY]


def test_liquidate_returns_the_codes(exchange: Exchange, under_margin: int) -> None:
    items = [(under_margin, 9, 0), (under_margin, 0, 0)]
    codes = exchange.view("liquidate", items, 2**63, actor="liquidator")
    assert list(codes) == [UNKNOWN, LIQUIDATED]


def test_after_the_deadline_nothing_happens(exchange: Exchange, under_margin: int) -> None:
    deadline = exchange.chain.now()
    exchange.chain.advance(1)
    receipt = exchange.send("liquidator", "liquidate", [(under_margin, 9, 0)], deadline)
    assert receipt.only("LiquidationResult")["code"] == EXPIRED
    receipt = exchange.send("liquidator", "liquidate", [(under_margin, 0, 0)], deadline + 1)
    assert receipt.only("LiquidationResult")["code"] == LIQUIDATED


def test_a_halted_market_liquidates_nobody(exchange: Exchange, under_margin: int) -> None:
    exchange.halt()
    assert exchange.market()["status"] == HALTED
    assert exchange.liquidate_one(under_margin)["code"] == CLOSED


def test_a_splitting_market_liquidates_nobody(exchange: Exchange, under_margin: int) -> None:
    other = exchange.create_market()
    exchange.halt()
    exchange.limit(SPLIT)
    exchange.send("corporate", "begin_split", 0, 2, 1, 0)
    assert exchange.liquidate_one(under_margin)["code"] == CLOSED
    assert exchange.liquidate_one(under_margin, other)["code"] == NO_POSITION


def test_a_settled_market_liquidates_nobody(exchange: Exchange, under_margin: int) -> None:
    exchange.halt()
    exchange.send("corporate", "settle_market", 0, price(84), 0)
    assert exchange.liquidate_one(under_margin)["code"] == CLOSED


def test_a_stale_price_in_any_market_of_the_account_protects_it(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    other = exchange.create_market(expiry=10)
    exchange.trade(trader_long, maker, 50)
    exchange.trade(trader_long, maker, 1, market=other)
    exchange.publish(80)
    exchange.chain.advance(11)
    event = exchange.liquidate_one(trader_long)
    assert (event["code"], event["equity"], event["maintenance_margin"]) == (STALE, 0, 0)
    exchange.publish(100, other)
    assert exchange.liquidate_one(trader_long)["code"] == LIQUIDATED


def test_the_keeper_is_named_and_anyone_may_be_one(exchange: Exchange, under_margin: int) -> None:
    (event,) = exchange.liquidate((under_margin, 0, 0), actor="stranger")
    assert event["keeper"].lower() == exchange.chain.actors["stranger"]
    assert event["code"] == LIQUIDATED


# -- how much


def test_no_more_is_closed_than_brings_the_account_to_the_buffer(
    exchange: Exchange, under_margin: int
) -> None:
    event = exchange.liquidate_one(under_margin)
    state = exchange.state(under_margin)
    assert 0 < event["size"] < shares(50)
    ratio = state["equity"] * 10**6 // state["maintenance_margin"]
    assert 1_019_900 < ratio < 1_020_100
    assert exchange.liquidate_one(under_margin)["code"] == HEALTHY


def test_a_large_position_goes_a_fifth_at_first_then_cools_down(
    exchange: Exchange, large: int
) -> None:
    exchange.send("owner", "set_liquidation_rules", make_rules(buffer=2_000_000))
    event = exchange.liquidate_one(large)
    assert (event["code"], event["size"]) == (LIQUIDATED, shares(400))
    assert exchange.position(large)["slice_time"] == exchange.chain.now()
    exchange.publish("93.7")
    event = exchange.liquidate_one(large)
    assert event["code"] == COOLING
    assert 0 < event["equity"] < event["maintenance_margin"]
    exchange.chain.advance(29)
    assert exchange.liquidate_one(large)["code"] == COOLING
    exchange.chain.advance(1)
    event = exchange.liquidate_one(large)
    assert event["code"] == LIQUIDATED
    assert event["size"] > shares(320)  # all that is needed, no slice of what is left


def test_the_slice_is_forgotten_after_a_while(exchange: Exchange, large: int) -> None:
    exchange.send("owner", "set_liquidation_rules", make_rules(buffer=2_000_000))
    exchange.liquidate_one(large)
    exchange.chain.advance(600)
    exchange.publish("93.7")
    assert exchange.liquidate_one(large)["size"] == shares(320)


def test_a_critical_account_is_not_sliced_and_does_not_cool_down(
    exchange: Exchange, large: int
) -> None:
    exchange.send("owner", "set_liquidation_rules", make_rules(buffer=2_000_000))
    exchange.liquidate_one(large)
    exchange.publish(91)  # equity under half of the maintenance margin
    event = exchange.liquidate_one(large)
    assert event["equity"] * 2 < event["maintenance_margin"]
    assert event["code"] == LIQUIDATED
    assert event["size"] > shares(320)


def test_exactly_at_the_threshold_there_is_no_slice(exchange: Exchange, large: int) -> None:
    exchange.send("owner", "set_liquidation_rules", make_rules(buffer=2_000_000))
    now = exchange.market()
    backstop_cap(exchange, now["backstop_cap"], slice_threshold=usd(189_200))
    assert exchange.liquidate_one(large)["size"] > shares(400)
    assert exchange.position(large)["slice_time"] == 0


def test_the_keeper_may_take_less(exchange: Exchange, under_margin: int) -> None:
    event = exchange.liquidate_one(under_margin, max_size=shares(1))
    assert event["size"] == shares(1)
    assert exchange.position(under_margin)["size"] == shares(49)


def test_no_crumb_is_left(exchange: Exchange, bankrupt: int) -> None:
    event = exchange.liquidate_one(bankrupt, max_size=shares("99.9"))
    assert event["size"] == shares(100)
    assert exchange.position(bankrupt)["size"] == 0


def test_a_short_is_liquidated_like_a_long(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, -50)
    exchange.publish("115")
    event = exchange.liquidate_one(trader_long)
    assert event["size"] < 0
    assert exchange.position(exchange.backstop)["size"] == event["size"]
    assert exchange.market()["open_interest"] == shares(50)


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
    drain_backstop(exchange, keep=99)
    assert exchange.liquidate_one(bankrupt)["code"] == DELEVERAGE_NEEDED
    exchange.send("owner", "fund_insurance", usd(1))
    assert exchange.liquidate_one(bankrupt)["code"] == BACKSTOP_FULL  # pays, but has no margin left
    exchange.fund(exchange.backstop, 889)
    assert exchange.liquidate_one(bankrupt)["code"] == BACKSTOP_FULL
    exchange.fund(exchange.backstop, 1)  # 890 dollars: the initial margin of 100 shares at 89
    assert exchange.liquidate_one(bankrupt)["code"] == LIQUIDATED
    assert exchange.state(exchange.backstop)["equity"] == usd(890)


def test_a_full_backstop_takes_less_but_not_more(exchange: Exchange, under_margin: int) -> None:
    backstop_cap(exchange, usd(84))
    assert exchange.liquidate_one(under_margin)["code"] == BACKSTOP_FULL
    assert exchange.liquidate_one(under_margin, max_size=shares("1.1"))["code"] == BACKSTOP_FULL
    assert exchange.liquidate_one(under_margin, max_size=shares(1))["code"] == LIQUIDATED


def test_a_full_backstop_may_always_shrink(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(exchange.backstop, maker, -100)
    exchange.trade(trader_long, maker, 100)
    backstop_cap(exchange, 0)
    exchange.publish(94)
    event = exchange.liquidate_one(trader_long)
    assert event["code"] == LIQUIDATED
    assert exchange.position(exchange.backstop)["size"] == event["size"] - shares(100)


def test_the_backstop_is_carried_through_a_batch(exchange: Exchange, maker: int) -> None:
    drain_backstop(exchange, keep=700)
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


# -- batches


def test_a_full_batch_of_anything_never_reverts(
    exchange: Exchange, bankrupt: int, maker: int
) -> None:
    odd = [0, 1, bankrupt, maker, exchange.backstop, 2**256 - 1]
    items = [
        (account, market, size)
        for account in odd
        for market in (0, 127, 128, 2**256 - 1)
        for size in (0, 1, 2**256 - 1, shares(1), 2**255)
    ]
    results = exchange.liquidate(*items, (bankrupt, 0, 0))
    assert len(results) == len(items) + 1
    assert exchange.position(bankrupt)["size"] == 0


def test_128_items_fit_and_no_more(exchange: Exchange, under_margin: int) -> None:
    results = exchange.liquidate(*[(under_margin, 0, 0)] * 128)
    assert [event["code"] for event in results] == [LIQUIDATED] + [HEALTHY] * 127
    with pytest.raises(Refused, match="without a reason"):
        exchange.liquidate(*[(under_margin, 0, 0)] * 129)


def test_gas_of_a_liquidation_stays_modest(exchange: Exchange, maker: int) -> None:
    accounts = [exchange.account(number) for number in range(100, 151)]
    for account in accounts:
        exchange.fund(account, 1000)
        exchange.trade(account, maker, 100)
    exchange.publish("94.5")
    items = [(account, 0, 0) for account in accounts]
    first = exchange.send("liquidator", "liquidate", items[:1], 2**63)
    batch = exchange.send("liquidator", "liquidate", items[1:], 2**63)
    assert first.only("LiquidationResult")["code"] == LIQUIDATED
    assert {event["code"] for event in batch.all("LiquidationResult")} == {LIQUIDATED}
    print(f"gas: {first.gas_used} alone, {batch.gas_used // 50} per item in a batch of 50")
    assert first.gas_used < 300_000
    assert batch.gas_used // 50 < 100_000
