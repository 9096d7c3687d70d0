"""Prices on a real node: what is encoded is taken, what becomes of it was forecast."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from risk.price_publication import FairPrice, PriceCode, forecast
from risk.price_support import Rung
from risk.units import MarketId, PriceE8, Seconds
from tests.venues.exchange.activity import Town
from tests.venues.exchange.contracts.harness import price
from tests.venues.exchange.following import ABI
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.publications import PublicationReader
from venues.exchange.slicers import UndecodableError
from venues.port import PriceOutcome

ADDRESS = b"\xee" * 20


def fair(town: Town, market: int, mark: int, **facts: Any) -> FairPrice:
    wish = FairPrice(
        market=MarketId(market),
        mark=PriceE8(mark),
        index=PriceE8(mark),
        timestamp=Seconds(town.exchange.chain.now()),
        rung=Rung.FULL,
    )
    return replace(wish, **facts)


async def publish(town: Town, venue: ExchangeVenue, *wishes: FairPrice) -> list[PriceOutcome]:
    receipt = town.send("pricer", venue.publish_call(wishes, gas=10**6))
    return venue.price_outcomes(receipt)


async def test_tells_what_became_of_each_price_in_order(town: Town, venue: ExchangeVenue) -> None:
    now = town.exchange.chain.now()
    outcomes = await publish(
        town,
        venue,
        fair(town, 1, price(33)),
        fair(town, 9, price(1)),
        fair(town, 0, 0),
        fair(town, 0, price(101), timestamp=Seconds(now + 1_000)),
        fair(town, 0, price(102)),
    )
    assert outcomes == [
        PriceOutcome(market=MarketId(1), code=PriceCode.ACCEPTED, mark=price(33)),
        PriceOutcome(market=MarketId(9), code=PriceCode.UNKNOWN_MARKET, mark=price(1)),
        PriceOutcome(market=MarketId(0), code=PriceCode.ZERO_PRICE, mark=PriceE8(0)),
        PriceOutcome(market=MarketId(0), code=PriceCode.FUTURE, mark=price(101)),
        PriceOutcome(market=MarketId(0), code=PriceCode.ACCEPTED, mark=price(102)),
    ]


async def test_the_forecast_is_what_the_exchange_then_holds(
    town: Town, venue: ExchangeVenue
) -> None:
    random, exchange = Random(11), town.exchange
    exchange.send("owner", "set_price_rules", 0, 5_003, 0, 10**6)
    mark = (await venue.market(MarketId(0))).mark
    exchange.limit(6, 0, minimum=0, maximum=10**6)
    exchange.send("breaker", "set_band", 0, mark - mark // 90, mark + mark // 110, epoch(town))
    for _ in range(40):
        held = await venue.market(MarketId(0))
        wish = fair(
            town,
            0,
            held.mark + random.randint(-(10**8), 10**8) * random.choice((1, 5)),
            index=PriceE8(held.index + random.randint(-(10**8), 10**8)),
        )
        expected = forecast(held, wish)
        assert [each.mark for each in await publish(town, venue, wish)] == [expected.mark]
        now_held = await venue.market(MarketId(0))
        assert (now_held.mark, now_held.index) == (expected.mark, expected.index)


def epoch(town: Town) -> int:
    breaker = 2
    return town.exchange.view("epoch", 0, breaker)


@pytest.mark.parametrize("count", [0, 65])
def test_a_batch_that_the_exchange_cannot_take_is_refused(count: int) -> None:
    wish = FairPrice(
        market=MarketId(0),
        mark=PriceE8(1),
        index=PriceE8(1),
        timestamp=Seconds(1),
        rung=Rung.FULL,
    )
    venue = ExchangeVenue(None, address=ADDRESS, abi=ABI)  # type: ignore[arg-type]  # reads nothing
    with pytest.raises(ValueError, match=f"expected 1 to 64 prices, found {count}"):
        venue.publish_call([wish] * count, gas=1)


def log(name: str, data: str, *, address: bytes = ADDRESS) -> dict[str, object]:
    event = ABI.event(name)
    return {
        "address": f"0x{address.hex()}",
        "topics": [f"0x{event.topic.hex()}", f"0x{0:064x}"],
        "data": data,
    }


@pytest.mark.parametrize(
    ("receipt", "sentence"),
    [
        ({}, "expected a receipt with logs"),
        ({"logs": [log("PriceRefused", "0x00")]}, "expected 128 bytes for PriceRefused"),
        ({"logs": [log("PricePublished", "nonsense")]}, "expected a log in hex"),
        ({"logs": [log("PriceRefused", f"0x{8:064x}" + "00" * 64)]}, "price code from 0 to 7"),
    ],
)
def test_a_receipt_that_is_not_as_the_abi_says_is_refused(
    receipt: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UndecodableError, match=sentence):
        PublicationReader(ABI, ADDRESS).outcomes(receipt)


def test_logs_of_another_contract_are_none_of_ours() -> None:
    foreign = log("PriceRefused", "0x00", address=b"\x01" * 20)
    assert PublicationReader(ABI, ADDRESS).outcomes({"logs": [foreign]}) == []
