"""The incentive duty put together from a profile: books measured, levers judged, the first write sent."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from config.loader import load
from config.settings import Settings
from keepers.duties.incentives import IncentiveBase, IncentiveDuty, open_incentive_duty
from keepers.duties.price import PriceSensing
from keepers.incentives.outcome import IncentiveCycle
from monitors.account_metrics import AccountMetrics
from monitors.accounts import AccountsMonitor
from monitors.prices.book_board import BookBoard, BookSnapshot
from monitors.prices.book_metrics import BookMetrics
from risk.account_watch import AccountWatch
from risk.guard_rails import Limits, Parameter
from risk.incentive_budget import SettledTrade
from risk.price_guard import PriceRules
from risk.units import MarketId, Ppm, QuoteAtoms, Seconds
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.journal import Journal
from tests.builders import make_account_id, make_market, make_rules, price, shares, usd
from tests.fakes import FakeSender
from tests.monitors.incentives.stage import LIMITS, SYMBOL, at
from venues.exchange.adapter import ExchangeVenue
from venues.port import BlockRef, Call, Funds, Snapshot

SATURDAY = at(21, 12)
PROFILE = """
[network]
name = "test"
chain_id = 31337
endpoints = [{ name = "node", http_url = "http://127.0.0.1:1", ws_url = "ws://127.0.0.1:1" }]
[incentives]
"""


class Venue:
    """Answers what the duty reads of an exchange."""

    async def all_limits(self, _market: MarketId) -> Mapping[Parameter, Limits]:
        return LIMITS

    async def tuner_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        return dict.fromkeys(markets, 3)

    def parameter_call(
        self, market: MarketId, parameter: Parameter, value: int, *, epoch: int, gas: int
    ) -> Call:
        return Call(to=b"", data=f"{market} {parameter.name} {value} {epoch}".encode(), gas=gas)


class NoTrades:
    """A chain on which nobody has traded."""

    async def head(self) -> BlockRef:
        return BlockRef(number=9, timestamp=SATURDAY, hash=None)

    async def trades(self, _first: int, _last: BlockRef) -> list[SettledTrade]:
        return []

    async def first_block_from(self, _time: Seconds, _last: BlockRef) -> int:
        return 1


class Rig:
    """A duty from a profile, and everybody around it."""

    def __init__(self, folder: Path, *lines: str) -> None:
        (folder / "profile.toml").write_text(PROFILE + "\n".join(lines))
        self.settings: Settings = load(folder / "profile.toml", environment={}).settings
        self.registry, self.sender = CollectorRegistry(), FakeSender()
        self.journal = Journal.open(folder / "journal.sqlite", SystemClock())
        self.monitor = AccountsMonitor(
            watch=AccountWatch(),
            price_rules=PriceRules(
                max_divergence=Ppm(100_000), warm_up_updates=1, future_tolerance=Seconds(5)
            ),
            metrics=AccountMetrics.create(self.registry),
            random=Random(1),
        )
        self.board = BookBoard(
            impact_notional={SYMBOL: usd(1_000)},
            metrics=BookMetrics.create(CollectorRegistry(), symbols=[SYMBOL]),
            venue_now=lambda: self.monitor.now,
        )

    def open(self) -> IncentiveDuty:
        return open_incentive_duty(
            IncentiveBase(
                settings=self.settings,
                monitor=self.monitor,
                venue=cast("ExchangeVenue", Venue()),
                trades=NoTrades(),
                journal=self.journal,
                registry=self.registry,
                clock=SystemClock(),
                # Of all that sees prices the duty asks for the order books alone.
                sensing=cast("PriceSensing", SimpleNamespace(books=self.board)),
                sender=self.sender,
            )
        )

    def show_market(self) -> None:
        """Let the feed tell a snapshot with the market, and the venue its order book."""
        market = make_market(
            symbol=SYMBOL,
            mark=price(180),
            price_timestamp=SATURDAY,
            updated_at=SATURDAY,
            funding_time=SATURDAY,
            expiry=Seconds(10**6),
            open_interest_cap=usd(60_000_000),
        )
        self.board.take(
            BookSnapshot(
                market=SYMBOL,
                sequence=1,
                time_ms=SATURDAY * 1_000,
                bids=((price("179.9"), shares(10)),),
                asks=((price("180.1"), shares(20)),),
            )
        )
        self.monitor.on_snapshot(
            Snapshot(
                block=BlockRef(number=9, timestamp=SATURDAY, hash=None),
                markets={market.id: market},
                accounts=[],
                funds=Funds(
                    insurance_fund=usd(1),
                    fee_pool=QuoteAtoms(0),
                    funding_pool=QuoteAtoms(0),
                    rewards_owed=QuoteAtoms(0),
                ),
                rules=make_rules(),
                backstop_account=make_account_id(9),
            )
        )


@pytest.fixture(autouse=True)
def _a_weekend_of_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake lane live then too; the builders' own now is later."""
    monkeypatch.setattr("tests.fakes.NOW", at(20, 0))


async def test_measures_judges_and_sends_the_first_write(tmp_path: Path) -> None:
    rig = Rig(tmp_path, f'symbols = ["{SYMBOL}"]')
    duty = rig.open()
    assert set(duty.workers()) == {"incentives", "incentive_limits", "incentive_spending"}
    rig.show_market()
    await duty.spending.run_once()
    stop = asyncio.Event()
    reading = asyncio.create_task(duty.limits.run(stop))
    # The first turns of the loop read the limits and sample the book.
    for _ in range(5):
        await asyncio.sleep(0)
    assert await duty.keeper.run_once() is IncentiveCycle.ACTED
    stop.set()
    await reading
    ((_, call),) = rig.sender.taken
    assert call.data == b"0 OPEN_INTEREST_CAP 30000000000000 3"
    told = duty.status()["incentives"]
    assert isinstance(told, dict)
    market = told["markets"][SYMBOL]
    assert market["measured"]["bid_depth_atoms"] == usd(1_799)
    assert market["measured"]["spread_ppm"] == 1_112
    assert market["budget"]["left_atoms"] == usd(25_000)
    assert json.loads(json.dumps(told))["budget"]["spent_atoms"] == 0
    duty.show()
    shortage = rig.registry.get_sample_value(
        "bellkeeper_incentive_shortage_ratio", {"market": SYMBOL}
    )
    assert shortage == pytest.approx(1 - 1_799 / 200_000, abs=1e-5)


@pytest.mark.parametrize("knob", ["schedule_directory", "events_directory"])
async def test_a_folder_that_is_not_there_is_named(tmp_path: Path, knob: str) -> None:
    rig = Rig(tmp_path, f'{knob} = "nowhere"', f'symbols = ["{SYMBOL}"]')
    with pytest.raises(OperatorError, match=rf"nowhere, found none: correct \[incentives\] {knob}"):
        rig.open()


async def test_without_named_markets_all_that_ship_are_moved(tmp_path: Path) -> None:
    duty = Rig(tmp_path).open()
    assert {"NVDA", "SPY", "WTI", "IBIT"} <= set(duty.desk.symbols)
