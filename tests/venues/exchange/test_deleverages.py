"""Deleverage batches on a real node: what is encoded is taken, and what became of each item is read."""

import pytest

from risk.deleverage_rules import DeleverageCode, DeleverageItem
from risk.units import AccountId, MarketId, QuoteAtoms, SizeE8
from tests.venues.exchange.activity import Town
from tests.venues.exchange.contracts.harness import shares, usd
from tests.venues.exchange.following import ABI
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.slicers import UndecodableError
from venues.port import DeleverageSettled

ADDRESS = b"\xee" * 20
CODE = DeleverageCode


def item(account: int, counterparty: int, *, market: int = 0, size: int = 1) -> DeleverageItem:
    return DeleverageItem(
        account=AccountId(account),
        market=MarketId(market),
        counterparty=AccountId(counterparty),
        size=size,
    )


async def test_tells_what_became_of_each_item_in_order(town: Town, venue: ExchangeVenue) -> None:
    exchange = town.exchange
    market = exchange.create_market(100, backstop_cap=0)
    loser, healthy, rich = (exchange.account(number) for number in (901, 902, 903))
    for account, dollars in ((loser, 110), (healthy, 10_000), (rich, 100_000)):
        exchange.fund(account, dollars)
    exchange.trade(loser, rich, 10, market=market)
    exchange.trade(healthy, rich, 10, market=market)
    exchange.publish(80, market)
    items = [
        item(loser, rich, market=market, size=shares(4)),
        item(loser, healthy, market=market, size=shares(4)),
        item(healthy, rich, market=market),
        item(rich, loser, market=market, size=0),
        item(loser, rich, market=77),
    ]
    receipt = town.send("deleverager", venue.deleverage_call(items, gas=3_000_000))
    outcomes = venue.deleverage_outcomes(receipt)
    assert [each.code for each in outcomes] == [
        CODE.DELEVERAGED,
        CODE.BAD_COUNTERPARTY,
        CODE.NOT_BANKRUPT,
        CODE.NO_POSITION,
        CODE.UNKNOWN_MARKET,
    ]
    # 90 USD owed on 10 shares: 4 of them at 71 or 9 below the mark, which the other side gives up.
    assert outcomes[0] == DeleverageSettled(
        account=AccountId(loser),
        market=MarketId(market),
        counterparty=AccountId(rich),
        code=CODE.DELEVERAGED,
        size=SizeE8(-shares(4)),
        cash=QuoteAtoms(usd(4 * 80) + usd(4 * 9)),
    )
    assert {(each.size, each.cash) for each in outcomes[1:]} == {(0, 0)}


@pytest.mark.parametrize("count", [0, 65])
def test_a_batch_that_the_exchange_cannot_take_is_refused(count: int) -> None:
    venue = ExchangeVenue(None, address=ADDRESS, abi=ABI)  # type: ignore[arg-type]  # reads nothing
    with pytest.raises(ValueError, match=f"expected 1 to 64 items, found {count}"):
        venue.deleverage_call([item(1, 2)] * count, gas=1)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (f"0x{5:064x}" + "00" * 64, "a deleverage code among 0, 1, 2, 3, 4, 6, 7, 8, found 5"),
        ("0x00", "expected 4 topics and 192 bytes for DeleverageResult"),
    ],
)
def test_a_receipt_that_is_not_as_the_abi_says_is_refused(data: str, sentence: str) -> None:
    event = ABI.event("DeleverageResult")
    log = {
        "address": f"0x{ADDRESS.hex()}",
        "topics": [f"0x{event.topic.hex()}", *[f"0x{number:064x}" for number in (1, 0, 2)]],
        "data": data,
    }
    venue = ExchangeVenue(None, address=ADDRESS, abi=ABI)  # type: ignore[arg-type]  # reads nothing
    with pytest.raises(UndecodableError, match=sentence):
        venue.deleverage_outcomes({"logs": [log]})
    foreign = {**log, "address": "0x" + "01" * 20}
    assert venue.deleverage_outcomes({"logs": [foreign]}) == []
