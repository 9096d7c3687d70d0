"""Liquidation: every code, slices, buffer, backstop, insurance, rewards."""

import pytest

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

LIQUIDATED, HEALTHY, NO_POSITION, STALE, CLOSED, COOLING = range(6)
UNKNOWN, BACKSTOP_FULL, DELEVERAGE_NEEDED, EXPIRED = range(6, 10)


@pytest.fixture
def large(exchange: Exchange, maker: int) -> int:
    """Give an account 200 000 dollars long, just under margin but far from critical."""
    account = exchange.account(5)
    exchange.fund(account, 20_000)
    exchange.trade(account, maker, 2000)
    exchange.publish("94.6")  # equity 9 200, maintenance 9 460
    return account


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


def test_a_crumb_of_a_slice_starts_no_cool_down(exchange: Exchange, large: int) -> None:
    crumb = exchange.liquidate_one(large, max_size=1)
    assert crumb["code"] == 0
    assert crumb["size"] == 1
    assert exchange.position(large)["slice_time"] == 0
    slice_of_it = exchange.liquidate_one(large)
    assert slice_of_it["code"] == 0
    assert exchange.position(large)["slice_time"] == exchange.chain.now()


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
    exchange.set_market_rules(slice_threshold=usd(189_200))
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
