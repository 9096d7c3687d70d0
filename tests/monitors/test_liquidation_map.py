"""The survey behind the heat map: one for page and metric, in slices, with every series from the start."""

import asyncio
from dataclasses import replace
from random import Random

from prometheus_client import CollectorRegistry

from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from monitors.liquidation_map import SURVEY_SECONDS, LiquidationMapMonitor
from monitors.liquidation_map_metrics import DISTANCES, EDGES
from risk.account_watch import AccountWatch
from risk.columns import columns_of
from risk.price_guard import PriceRules
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from tests.builders import (
    BACKSTOP_ID,
    make_account,
    make_market,
    make_position,
    make_rules,
    shares,
    usd,
)
from tests.runtime.nodes import FakeClock
from venues.port import BlockRef, Funds, Snapshot

NOW = Seconds(1_795_446_000)
MARKET = replace(make_market(symbol="AAPL"), price_timestamp=NOW, updated_at=NOW, funding_time=NOW)
NOTIONAL = "bellkeeper_liquidation_distance_notional_usd"
SURVEYED = "bellkeeper_liquidation_distance_timestamp_seconds"


class Rig:
    """A map of accounts that a test tells: each holds `size` shares of 200 USD."""

    def __init__(self) -> None:
        self.registry, self.clock = CollectorRegistry(), FakeClock()
        self.accounts = AccountsMonitor(
            watch=AccountWatch(),
            price_rules=PriceRules(
                max_divergence=Ppm(100_000), warm_up_updates=0, future_tolerance=Seconds(5)
            ),
            metrics=AccountMetrics.create(self.registry),
            random=Random(1),
        )
        self.map = LiquidationMapMonitor(self.accounts, registry=self.registry, clock=self.clock)

    def tell(self, *collaterals: int, size: int = 1) -> None:
        told = [
            make_account(usd(collateral), [make_position(shares(size))], number=number)
            for number, collateral in enumerate(collaterals, start=1)
        ]
        backstop = replace(make_account(usd(900), [make_position(shares(5))]), id=BACKSTOP_ID)
        zero = QuoteAtoms(0)
        self.accounts.on_snapshot(
            Snapshot(
                block=BlockRef(number=100, timestamp=NOW, hash=b"\x01" * 32),
                markets={MARKET.id: MARKET},
                accounts=[columns_of([*told, backstop])],
                funds=Funds(
                    insurance_fund=zero, fee_pool=zero, funding_pool=zero, rewards_owed=zero
                ),
                rules=make_rules(),
                backstop_account=BACKSTOP_ID,
            )
        )

    def cell(self, side: str, distance: str) -> float | None:
        return self.registry.get_sample_value(
            NOTIONAL, {"market": "AAPL", "side": side, "distance": distance}
        )

    def row(self, side: str) -> dict[str, float | None]:
        return {distance: self.cell(side, distance) for distance in DISTANCES}


def test_there_is_a_name_for_each_bucket() -> None:
    assert len(DISTANCES) == len(EDGES) + 2
    assert DISTANCES == (
        "under_margin",
        "under_1_percent",
        "1_to_2_percent",
        "2_to_5_percent",
        "5_to_10_percent",
        "10_to_20_percent",
        "over_20_percent",
    )


async def test_nothing_is_surveyed_before_the_first_snapshot() -> None:
    rig = Rig()
    assert await rig.map.fresh() is None
    assert rig.registry.get_sample_value(SURVEYED) == 0


def test_every_series_of_a_market_is_there_before_the_first_survey() -> None:
    rig = Rig()
    rig.map.show()
    assert rig.cell("long", "under_margin") is None
    rig.tell(9)
    rig.map.show()
    assert {*rig.row("long").values(), *rig.row("short").values()} == {0.0}


async def test_the_metric_says_in_dollars_what_the_map_says_in_atoms() -> None:
    rig = Rig()
    rig.tell(1, 9, 900)
    found = await rig.map.fresh()
    assert found is not None
    assert sum(found.longs[MarketId(0)]) == usd(600)
    atoms = found.longs[MarketId(0)]
    assert list(rig.row("long").values()) == [each / 10**6 for each in atoms]
    assert rig.cell("long", "under_margin") == 200.0
    assert rig.cell("long", "over_20_percent") == 200.0
    assert set(rig.row("short").values()) == {0.0}
    assert rig.registry.get_sample_value(SURVEYED) == NOW


async def test_shorts_are_told_apart() -> None:
    rig = Rig()
    rig.tell(900, size=-2)
    await rig.map.fresh()
    assert rig.cell("short", "over_20_percent") == 400.0
    assert set(rig.row("long").values()) == {0.0}


async def test_page_and_worker_share_one_survey() -> None:
    rig = Rig()
    rig.tell(9)
    one, other = await asyncio.gather(rig.map.fresh(), rig.map.fresh())
    assert one is not None
    assert one is other
    rig.clock.seconds += SURVEY_SECONDS
    assert await rig.map.fresh() is not one


async def test_the_loop_turns_between_slices() -> None:
    rig = Rig()
    rig.tell(*[900] * 20_000)
    survey = asyncio.create_task(rig.map.fresh())
    turns = 0
    while not survey.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 3, "20,001 accounts are three slices"


async def test_a_survey_of_accounts_that_were_replaced_is_dropped() -> None:
    rig = Rig()
    rig.tell(*[900] * 9_000)
    survey = asyncio.create_task(rig.map.fresh())
    await asyncio.sleep(0)
    rig.tell(9)
    assert await survey is None
    assert rig.registry.get_sample_value(SURVEYED) == 0
    found = await rig.map.fresh()
    assert found is not None
    assert found.accounts == 2


async def test_the_worker_ends_when_it_is_told() -> None:
    stop = asyncio.Event()
    stop.set()
    rig = Rig()
    await asyncio.wait_for(rig.map.run(stop), 1)
    assert rig.map.newest is None
