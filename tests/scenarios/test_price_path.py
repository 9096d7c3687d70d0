"""Prices from the keeper to a real exchange: real lane, key, journal and node, one batch at a time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import coincurve
import pytest
from prometheus_client import CollectorRegistry

from keepers.price.keeper import PriceKeeper, PriceLimits
from keepers.price.metrics import PriceMetrics
from keepers.price.outcome import PriceCycle
from keepers.sender import Lane, LaneSettings, LocalSigner, SigningPolicy
from risk.market import Market
from risk.price_publication import FairPrice, PublicationRules, forecast
from risk.price_support import Rung
from risk.units import MarketId, Ppm, PriceE8, Seconds
from runtime.journal import Journal
from runtime.rpc.endpoint import Endpoint
from runtime.rpc.http import RpcHttp
from tests.anvil import JsonRpc, running_anvil
from tests.keepers.sender.rig import CHAIN_ID, GWEI, ShiftedClock, make_tools, running_submitter
from tests.venues.exchange.contracts.harness import Chain, Exchange, price
from tests.venues.exchange.following import ABI
from venues.exchange.adapter import ExchangeVenue

PRICER_KEY = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
"""Anvil's well-known second key."""
INTERVAL = 3


@dataclass
class View:
    """The venue as read right before each cycle, and the marks that a test wishes."""

    now: Seconds = Seconds(0)
    markets: dict[MarketId, Market] = field(default_factory=dict)
    wishes: dict[MarketId, PriceE8] = field(default_factory=dict)
    distrust: str | None = None

    def fair_prices(self) -> Sequence[FairPrice]:
        return [
            FairPrice(market=market, mark=mark, index=mark, timestamp=self.now, rung=Rung.FULL)
            for market, mark in self.wishes.items()
        ]

    def why(self, market: MarketId) -> Mapping[str, object]:
        assert market in self.wishes
        return {"inputs": ["the test"]}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A price keeper on a real exchange."""

    exchange: Exchange
    venue: ExchangeVenue
    view: View
    keeper: PriceKeeper
    lane: Lane
    journal: Journal

    async def cycle(self, *, after_seconds: int = 0) -> PriceCycle:
        """Let chain time pass, look, and cycle once; then let the lane see the receipt."""
        self.exchange.chain.advance(after_seconds)
        self.view.now = Seconds(self.exchange.chain.now())
        self.view.markets = await self.venue.markets()
        outcome = await self.keeper.run_once()
        async with asyncio.timeout(20):
            await self.lane._care.drain()
            await self.lane.run_once()
            while self.journal.in_flight():
                await asyncio.sleep(0.01)
                await self.lane.run_once()
        return outcome


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Two markets at 100 USD with a clamp of half a percent, published a moment ago."""
    clock = ShiftedClock()
    with (
        running_anvil(accounts=12) as anvil,
        JsonRpc(anvil.http_url) as rpc,
        Journal.open(tmp_path / "journal.sqlite", clock) as journal,
    ):
        exchange = Exchange(Chain(rpc))
        for _ in range(2):
            exchange.create_market(100, clamp=5_000, min_interval=1, expiry=60)
        address = bytes.fromhex(exchange.address[2:])
        venue_http = RpcHttp(Endpoint(name="node", http_url=anvil.http_url))
        async with running_submitter(anvil) as chain, venue_http as http:
            venue, view = ExchangeVenue(http, address=address, abi=ABI), View()
            publish = SigningPolicy.calls(address, [ABI.function("publish").selector])
            policy = SigningPolicy(
                chain_id=CHAIN_ID, allowed=publish, max_fee=150 * GWEI, max_gas=10**6
            )
            tools = replace(
                make_tools(chain, journal, clock, CollectorRegistry()),
                signer=LocalSigner(coincurve.PrivateKey(PRICER_KEY), policy),
            )
            lane = Lane("price", tools, LaneSettings())
            await lane.start()
            keeper = PriceKeeper(
                view=view,
                venue=venue,
                sender=lane,
                journal=journal,
                limits=PriceLimits(
                    rules=PublicationRules(interval=Seconds(INTERVAL), early_move=Ppm(1_000)),
                    gas_base=200_000,
                    gas_per_price=150_000,
                ),
                metrics=PriceMetrics.create(CollectorRegistry()),
                clock=clock,
            )
            yield Desk(
                exchange=exchange,
                venue=venue,
                view=view,
                keeper=keeper,
                lane=lane,
                journal=journal,
            )


async def test_the_exchange_takes_what_was_forecast_and_the_journal_keeps_why(desk: Desk) -> None:
    desk.view.wishes = {MarketId(0): PriceE8(price(103)), MarketId(1): PriceE8(price("100.1"))}
    assert await desk.cycle(after_seconds=INTERVAL) is PriceCycle.PUBLISHED
    expected = [forecast(desk.view.markets[each.market], each) for each in desk.view.fair_prices()]
    held = await desk.venue.markets()
    assert [held[MarketId(number)].mark for number in (0, 1)] == [each.mark for each in expected]
    assert held[MarketId(0)].mark == price("100.5")
    records = desk.journal.intents()
    assert {record.outcome for record in records} == {"accepted"}
    assert all(record.payload["why"] == {"inputs": ["the test"]} for record in records)


async def test_a_far_price_is_reached_in_clamped_steps(desk: Desk) -> None:
    desk.view.wishes = {MarketId(0): PriceE8(price(102))}
    outcomes = [await desk.cycle(after_seconds=1) for _ in range(8)]
    assert (await desk.venue.market(MarketId(0))).mark == price(102)
    # Four steps of half a percent; then nothing is due before the interval is over.
    assert outcomes[:4] == [PriceCycle.PUBLISHED] * 4
    assert PriceCycle.IDLE in outcomes[4:]


async def test_a_key_that_lost_its_role_is_journaled_as_not_mined(desk: Desk) -> None:
    desk.exchange.send("owner", "revoke", desk.exchange.chain.actors["pricer"])
    desk.view.wishes = {MarketId(0): PriceE8(price(101))}
    assert await desk.cycle(after_seconds=INTERVAL) is PriceCycle.PUBLISHED
    assert (await desk.venue.market(MarketId(0))).mark == price(100)
    (record,) = desk.journal.intents()
    assert record.outcome == "not_mined"
