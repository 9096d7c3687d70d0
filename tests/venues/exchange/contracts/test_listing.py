"""The owner's rules of a market, and of liquidation."""

from typing import Any

import pytest

from tests.venues.exchange.contracts.harness import (
    Exchange,
    Refused,
    make_config,
    make_rules,
    usd,
)


def test_a_market_starts_as_configured_and_without_a_price(bare: Exchange) -> None:
    config = make_config(symbol="NVDA", taker_fee=500, maker_fee=-100)
    receipt = bare.send("owner", "create_market", config)
    view = bare.market()
    for name, wanted in config.items():
        if name in view and name != "symbol":
            assert view[name] == wanted, name
    assert view["symbol"].rstrip(b"\0") == b"NVDA"
    assert receipt.only("MarketCreated")["symbol"] == view["symbol"]
    assert (view["status"], view["mark"], view["funding_rate"]) == (0, 0, 0)
    reported = {event["parameter"]: event["value"] for event in receipt.all("ParameterChanged")}
    assert reported == {1: 100_000, 2: 0, 3: 500, 4: -100, 5: config["open_interest_cap"]}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"initial_margin": 49_999}, "below maintenance margin"),
        ({"initial_margin": 1_000_001}, "bad rates"),
        ({"penalty": 1_000_001}, "bad rates"),
        ({"spread_max": 1_000_001}, "bad rates"),
        ({"taker_fee": 100, "maker_fee": -101}, "fees below zero"),
        ({"clamp": 0}, "bad clamp"),
        ({"clamp": 1_000_001}, "bad clamp"),
        ({"expiry": 0}, "bad times"),
        ({"symbol": ""}, "no symbol"),
        ({"tier_bounds": [], "tier_rates": []}, "bad tiers"),
        ({"tier_bounds": [1]}, "bad tiers"),
        ({"tier_rates": [0]}, "bad tiers"),
        ({"tier_bounds": [0, 5], "tier_rates": [50_000]}, "bad tiers"),
        ({"tier_bounds": [0, 0], "tier_rates": [1, 2]}, "bad tiers"),
        ({"tier_bounds": [0, 5, 5], "tier_rates": [1, 2, 3]}, "bad tiers"),
        ({"tier_bounds": [0, 5], "tier_rates": [2, 2]}, "bad tiers"),
        ({"tier_bounds": [0, 5], "tier_rates": [2, 1_000_001]}, "bad tiers"),
    ],
)
def test_bad_markets_are_refused(bare: Exchange, facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        bare.send("owner", "create_market", make_config(**facts))


def test_the_contract_computes_the_deductions(bare: Exchange) -> None:
    bare.create_market(
        tier_bounds=[0, usd(10_000), usd(50_001)], tier_rates=[50_000, 75_000, 100_003]
    )
    tiers = bare.market()["tiers"]
    second = usd(10_000) * 25_000 // 10**6
    third = second + usd(50_001) * 25_003 // 10**6
    assert [tier["deduction"] for tier in tiers] == [0, second, third, 0]
    assert bare.market()["tier_count"] == 3


@pytest.mark.parametrize("notional", [9_999, 10_000, 10_001, 49_999, 50_000, 60_000])
def test_the_requirement_follows_the_tiers(bare: Exchange, notional: int) -> None:
    bare.create_market(1, tier_bounds=[0, usd(10_000), usd(50_000)], tier_rates=[1, 2, 50_000])
    buyer, seller = bare.account(1), bare.account(2)
    bare.fund(buyer, 10**6)
    bare.fund(seller, 10**6)
    bare.trade(buyer, seller, notional, at=1)
    continuous = min(notional, 10_000) * 1
    continuous += max(0, min(notional, 50_000) - 10_000) * 2
    continuous += max(0, notional - 50_000) * 50_000
    assert bare.state(buyer)["maintenance_margin"] == continuous
    assert bare.state(buyer)["initial_margin"] == max(usd(notional) // 10, continuous)


def test_the_owner_changes_the_rules_and_the_event_tells_all(exchange: Exchange) -> None:
    exchange.send("owner", "set_tiers", 0, [0, usd(5)], [10, 20])
    exchange.send("owner", "set_price_rules", 0, 7, 8, 9)
    receipt = exchange.send("owner", "set_market_rules", 0, 1, 2, 3, 4, 5)
    event, view = receipt.only("MarketRulesChanged"), exchange.market()
    for name, value in event.fields.items():
        if name != "market":
            assert view[name] == value, name
    assert (view["clamp"], view["min_interval"], view["expiry"]) == (7, 8, 9)
    assert (view["min_position_notional"], view["slice_threshold"]) == (1, 2)
    assert (view["penalty"], view["spread_max"], view["backstop_cap"]) == (3, 4, 5)
    assert [tier["rate"] for tier in view["tiers"]] == [10, 20, 0, 0]


def test_fewer_tiers_forget_the_old_ones(exchange: Exchange) -> None:
    exchange.send("owner", "set_tiers", 0, [0, 5, 6, 7], [1, 2, 3, 4])
    exchange.send("owner", "set_tiers", 0, [0], [9])
    assert exchange.market()["tier_count"] == 1


def test_tiers_may_not_rise_above_the_initial_margin(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="below maintenance margin"):
        exchange.send("owner", "set_tiers", 0, [0], [100_001])


def test_rules_of_an_unknown_market_are_refused(exchange: Exchange) -> None:
    for name, *arguments in (
        ("set_tiers", [0], [1]),
        ("set_price_rules", 1, 1, 1),
        ("set_market_rules", 1, 1, 1, 1, 1),
        ("set_limits", 1, (0, 0, 0, 0)),
    ):
        with pytest.raises(Refused, match="unknown market"):
            exchange.send("owner", str(name), 1, *arguments)


@pytest.mark.parametrize(
    "facts",
    [
        {"slice": 0},
        {"slice": 1_000_001},
        {"critical_margin": 1_000_001},
        {"buffer": 999_999},
        {"reward": 1_000_001},
        {"gas_per_item": 2**64},
        {"native_price": 2**64},
    ],
)
def test_bad_liquidation_rules_are_refused(exchange: Exchange, facts: dict[str, int]) -> None:
    with pytest.raises(Refused, match="bad"):
        exchange.send("owner", "set_liquidation_rules", make_rules(**facts))


def test_liquidation_rules_are_shown_and_reported(exchange: Exchange) -> None:
    rules = make_rules(slice=1, buffer=1_500_000, native_price=5)
    receipt = exchange.send("owner", "set_liquidation_rules", rules)
    assert exchange.view("rules") == rules
    assert receipt.only("LiquidationRulesChanged")["rules"] == rules


def test_there_are_128_markets_at_most(bare: Exchange) -> None:
    for _ in range(128):
        bare.send("owner", "create_market", make_config())
    with pytest.raises(Refused, match="too many markets"):
        bare.send("owner", "create_market", make_config())
