"""Breaker and guardian on a real node: what is encoded is taken, what changed is read back."""

from typing import Any

import pytest

from risk.units import MarketId, MarketStatus, PriceE8
from tests.venues.exchange.activity import Town
from tests.venues.exchange.contracts.harness import Refused, price
from tests.venues.exchange.following import ABI
from venues.exchange.adapter import ExchangeVenue
from venues.exchange.chain import quantity
from venues.exchange.controls import ControlReader
from venues.exchange.slicers import UndecodableError
from venues.port import ControlChanged

GAS = 10**6
MARKET = MarketId(0)
BAND, STATUS = 6, 7


@pytest.fixture
def allowed(town: Town) -> Town:
    """Let the breaker write bands and statuses, without a cool-down."""
    for parameter, largest in ((BAND, 500_000), (STATUS, 3)):
        limits = {"minimum": 0, "maximum": largest, "largest_step": 10**6, "cool_down": 0}
        town.exchange.send("owner", "set_limits", MARKET, parameter, tuple(limits.values()))
    return town


async def test_a_band_and_a_status_are_set_at_the_epoch_that_was_read(
    allowed: Town, venue: ExchangeVenue
) -> None:
    (epoch,) = (await venue.breaker_epochs([MARKET])).values()
    low, high = PriceE8(price(95)), PriceE8(price(105))
    call = venue.band_call(MARKET, low, high, epoch=epoch, gas=GAS)
    drawn = allowed.send("breaker", call)
    block = quantity(drawn["blockNumber"])
    assert venue.control_changes(drawn) == [
        ControlChanged(market=MARKET, epoch=epoch + 1, block=block, band=(low, high))
    ]
    call = venue.status_call(MARKET, MarketStatus.LIMIT, epoch=epoch + 1, gas=GAS)
    (change,) = venue.control_changes(allowed.send("breaker", call))
    assert (change.epoch, change.status, change.band) == (epoch + 2, MarketStatus.LIMIT, None)
    assert change.block > block
    assert await venue.breaker_epochs([MARKET]) == {MARKET: epoch + 2}
    market = await venue.market(MARKET)
    assert (market.band_low, market.band_high, market.status) == (low, high, MarketStatus.LIMIT)


async def test_the_guardian_needs_no_epoch_and_outruns_a_resumption(
    allowed: Town, venue: ExchangeVenue
) -> None:
    (epoch,) = (await venue.breaker_epochs([MARKET])).values()
    halt = venue.restrict_call(MARKET, MarketStatus.HALTED, gas=GAS)
    (change,) = venue.control_changes(allowed.send("guardian", halt))
    assert (change.status, change.epoch) == (MarketStatus.HALTED, epoch + 1)
    resume = venue.status_call(MARKET, MarketStatus.OPEN, epoch=epoch, gas=GAS)
    with pytest.raises(Refused, match="stale epoch"):
        allowed.send("breaker", resume)


async def test_the_guardian_closes_withdrawals(allowed: Town, venue: ExchangeVenue) -> None:
    receipt = allowed.send("guardian", venue.close_withdrawals_call(gas=GAS))
    assert venue.control_changes(receipt) == []
    assert not (await venue.pools()).withdrawals_open


async def test_several_epochs_are_one_request(venue: ExchangeVenue) -> None:
    assert await venue.breaker_epochs([MarketId(0), MarketId(1)]) == {0: 0, 1: 0}
    assert await venue.breaker_epochs([]) == {}


def log(name: str, words: list[int]) -> dict[str, Any]:
    address = b"\xee" * 20
    topic = f"0x{ABI.event(name).topic.hex()}"
    data = "".join(f"{word:064x}" for word in words[1:])
    return {
        "address": f"0x{address.hex()}",
        "topics": [topic, f"0x{words[0]:064x}"],
        "data": f"0x{data}",
    }


@pytest.mark.parametrize(
    "receipt",
    [
        {"logs": []},
        {"blockNumber": "0x7"},
        {"blockNumber": "0x7", "logs": [log("BandChanged", [0, 1, 2])]},
        {"blockNumber": "0x7", "logs": [log("StatusChanged", [0, 9, 1, 5])]},
        {"blockNumber": "0x7", "logs": [{**log("BandChanged", [0, 1, 2, 3]), "data": "0xzz"}]},
    ],
    ids=["no block", "no logs", "too short", "unknown status", "no hex"],
)
def test_a_receipt_that_is_none_is_undecodable(receipt: dict[str, Any]) -> None:
    with pytest.raises(UndecodableError, match="expected"):
        ControlReader(ABI, b"\xee" * 20).changes(receipt)
