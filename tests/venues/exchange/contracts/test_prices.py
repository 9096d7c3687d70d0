"""Publishing prices: codes in order, clamps, bands, staleness."""

from typing import Any

import pytest

from tests.venues.exchange.contracts.harness import BAND, Exchange, Refused, price, shares

ACCEPTED, UNKNOWN, CLOSED, ZERO, FUTURE, BACKWARDS, EXPIRED, TOO_SOON = range(8)


def publish_entry(exchange: Exchange, **facts: int) -> tuple[int, list[Any]]:
    """Publish one entry given by its raw fields; give the code, and the events."""
    entry = {
        "market": 0,
        "mark": price(100),
        "index": price(100),
        "timestamp": exchange.chain.now(),
    }
    receipt = exchange.send("pricer", "publish", [entry | facts])
    refused = receipt.all("PriceRefused")
    return (refused[0]["code"] if refused else ACCEPTED), receipt.events


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        pytest.param({}, ACCEPTED, id="accepted"),
        pytest.param({"market": 1}, UNKNOWN, id="unknown market"),
        pytest.param({"mark": 0}, ZERO, id="zero mark"),
        pytest.param({"index": 0}, ZERO, id="zero index"),
        pytest.param({"mark": 10**15 + 1}, ZERO, id="mark too large"),
        pytest.param({"index": 10**15 + 1}, ZERO, id="index too large"),
        pytest.param({"mark": 10**15}, ACCEPTED, id="largest mark"),
        pytest.param({"mark": 0, "timestamp": 2**60}, ZERO, id="zero comes before future"),
        pytest.param({"market": 1, "mark": 0}, UNKNOWN, id="unknown comes before zero"),
    ],
)
def test_each_entry_ends_in_a_code(exchange: Exchange, facts: dict[str, int], code: int) -> None:
    assert publish_entry(exchange, **facts)[0] == code


@pytest.mark.parametrize(
    ("passed", "age", "code"),
    [
        pytest.param(100, 0, ACCEPTED, id="now"),
        pytest.param(100, -1, FUTURE, id="one second ahead"),
        pytest.param(100, 100, ACCEPTED, id="same timestamp again"),
        pytest.param(100, 101, BACKWARDS, id="one second back"),
        pytest.param(9000, 3600, ACCEPTED, id="just not expired"),
        pytest.param(9000, 3601, EXPIRED, id="expired"),
        pytest.param(9, 0, TOO_SOON, id="too soon"),
        pytest.param(10, 0, ACCEPTED, id="just late enough"),
    ],
)
def test_the_time_of_a_price_is_checked(bare: Exchange, passed: int, age: int, code: int) -> None:
    bare.create_market(min_interval=10)
    bare.chain.advance(passed)
    assert publish_entry(bare, timestamp=bare.chain.now() - age)[0] == code


def test_a_refusal_tells_what_was_refused_and_spares_the_others(exchange: Exchange) -> None:
    now = exchange.chain.now()
    entries = [(7, price(1), price(1), now), (0, price(101), price(101), now)]
    receipt = exchange.send("pricer", "publish", entries)
    assert receipt.only("PriceRefused").fields == {
        "market": 7,
        "code": UNKNOWN,
        "mark": price(1),
        "timestamp": now,
    }
    assert receipt.only("PricePublished")["mark"] == price(101)
    assert exchange.market()["mark"] == price(101)


def test_publish_returns_the_codes(exchange: Exchange) -> None:
    now = exchange.chain.now()
    entries = [(0, price(99), price(99), now), (0, 0, 0, now), (9, 1, 1, now)]
    codes = exchange.view("publish", entries, actor="pricer")
    assert list(codes) == [ACCEPTED, ZERO, UNKNOWN]


def test_mark_and_index_step_no_further_than_the_clamp(bare: Exchange) -> None:
    bare.create_market(clamp=5_000)
    event = bare.publish(110, index=90).only("PricePublished")
    assert (event["mark"], event["index"]) == (price("100.5"), price("99.5"))
    assert event["wanted_mark"] == price(110)


def test_the_clamp_rounds_its_step_down(bare: Exchange) -> None:
    bare.create_market("0.00000199", clamp=10_000)
    bare.publish("0.00000300")
    assert bare.market()["mark"] == 199 + 1  # one per cent of 199 is 1.99


def test_the_first_price_is_not_clamped(bare: Exchange) -> None:
    bare.create_market(None, clamp=1)
    assert bare.publish(123).only("PricePublished")["mark"] == price(123)


def test_the_mark_stays_inside_the_band_and_the_index_does_not_care(exchange: Exchange) -> None:
    exchange.limit(BAND)
    exchange.send("breaker", "set_band", 0, price(95), price(105), 0)
    event = exchange.publish(90).only("PricePublished")
    assert (event["mark"], event["index"]) == (price(95), price(90))
    event = exchange.publish(120).only("PricePublished")
    assert (event["mark"], event["index"]) == (price(105), price(120))


def test_settled_and_splitting_markets_take_no_price(exchange: Exchange) -> None:
    exchange.halt()
    exchange.limit(8)
    snapshot = exchange.chain.snapshot()
    exchange.send("corporate", "settle_market", 0, price(100), 0)
    assert publish_entry(exchange)[0] == CLOSED
    exchange.chain.restore(snapshot)
    exchange.send("corporate", "begin_split", 0, 2, 1, 0)
    assert publish_entry(exchange)[0] == CLOSED


def test_a_halted_market_still_takes_prices(exchange: Exchange) -> None:
    exchange.halt()
    assert publish_entry(exchange)[0] == ACCEPTED


def test_a_price_is_stale_after_its_expiry_and_not_before(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 1)
    exchange.chain.advance(3600)
    assert exchange.state(trader_long)["is_priced"]
    exchange.chain.advance(1)
    assert not exchange.state(trader_long)["is_priced"]


def test_a_market_without_a_price_is_stale(bare: Exchange) -> None:
    bare.create_market(None)
    buyer, seller = bare.account(1), bare.account(2)
    bare.fund(buyer, 1_000)
    bare.fund(seller, 1_000)
    with pytest.raises(Refused, match="reduce only"):
        bare.trade(buyer, seller, 1)


def test_funding_accrues_with_the_old_index(
    exchange: Exchange, trader_long: int, maker: int
) -> None:
    exchange.trade(trader_long, maker, 10)
    exchange.limit(2)
    exchange.send("tuner", "set_parameter", 0, 2, 1_000_000, 0)  # 0.1 % an hour
    exchange.chain.advance(3600)
    event = exchange.publish(100, index=200).only("PricePublished")
    assert event["funding_numerator"] == 1_000_000 * price(100) * 3600
    assert exchange.state(trader_long)["equity"] == 999_000_000
    exchange.chain.advance(3600)
    assert exchange.state(trader_long)["equity"] == 997_000_000
    assert exchange.state(maker)["equity"] == 10_000_003_000_000
    exchange.trade(maker, trader_long, 10)
    assert exchange.rows(trader_long)[0] == 997_000_000
    assert exchange.funds()["funding_pool"] == 0
    assert exchange.market()["open_interest"] == shares(0)
