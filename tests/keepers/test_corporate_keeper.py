"""The corporate keeper reads at one block, simulates, writes once, and understands what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from config.loader import load
from keepers.corporate.ahead import refusal_ahead
from keepers.corporate.intents import KIND
from keepers.corporate.keeper import CorporateKeeper
from keepers.corporate.metrics import CorporateMetrics
from keepers.corporate.outcome import CorporateCycle
from keepers.corporate.view import CorporateLimits, CorporateOutcome, CorporateParts
from keepers.duty_choice import duties_to_run
from keepers.sender import Refusal, Result
from risk.account_watch import AccountWatch
from risk.corporate_state import Stage
from risk.corporate_values import ActionKind, Ratio
from risk.corporate_writes import BeginSplit, ContinueSplit, Write
from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.units import AccountId, MarketId, MarketStatus, QuoteAtoms, Seconds
from runtime.clock import SystemClock
from runtime.errors import OperatorError
from runtime.journal import IntentRecord
from runtime.rpc.errors import RpcTransient
from tests.builders import make_market, price
from tests.fakes import FakeSender
from tests.keepers.test_incentives_command import PROFILE
from tests.monitors.corporate.stage import World
from tests.risk.corporate_world import EFFECTIVE, make_action
from venues.port import Call, CorporateChanged

OPEN_LIMITS = Limits(minimum=0, maximum=10**9, largest_step=10**9, cool_down=Seconds(0))


class Chain:
    """Encodes in words, refuses as a test says, and holds the market of the desk's world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refuses: str | None = None
        self.is_down = False
        self.limits = dict.fromkeys(Parameter, OPEN_LIMITS)
        self.blocks: list[int] = []

    def corporate_call(self, market: MarketId, write: Write, *, gas: int) -> Call:
        return Call(to=b"", data=f"{market} {write}".encode(), gas=gas)

    def corporate_changes(self, receipt: Mapping[str, object]) -> list[CorporateChanged]:
        assert receipt["blockNumber"] == "0x65"
        return []

    async def corporate_state(self, market: MarketId, *, block: int) -> tuple[Market, int]:
        if self.is_down:
            raise RpcTransient("down")
        self.blocks.append(block)
        return self.world.venue.markets[market], self.world.epoch

    async def all_limits(self, market: MarketId) -> dict[Parameter, Limits]:
        assert market == self.world.number
        return self.limits

    async def refusal(self, call: Call, *, sender: bytes, block: int) -> str | None:
        assert (sender, call.gas, block > 0) == (b"me", 1_000, True)
        return self.refuses


@dataclass
class View:
    """The feed's word, over the desk's world."""

    world: World
    watch: AccountWatch = field(default_factory=AccountWatch)
    distrust: str | None = None
    sealed_block: int = 7
    insurance_fund: QuoteAtoms = QuoteAtoms(0)
    backstop_account: AccountId = AccountId(0)

    @property
    def now(self) -> Seconds:
        return self.world.venue.now

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        return self.world.venue.markets


@dataclass
class Notes:
    open: list[IntentRecord] = field(default_factory=list)
    settled: dict[str, tuple[str, Mapping[str, object] | None]] = field(default_factory=dict)

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        assert kind == KIND
        return self.open

    def settle_all(self, outcomes: Iterable[CorporateOutcome]) -> None:
        self.settled |= {key: (result, figures) for key, result, figures in outcomes}


class Rig:
    """A keeper with a real desk, between fakes of chain and lane."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.chain, self.sender, self.notes = Chain(self.world), FakeSender(), Notes()
        self.view = View(self.world)
        self.view.watch.load(self.world.venue.markets, [], self.world.venue.now)
        self.keeper = CorporateKeeper(
            CorporateParts(
                view=self.view,
                desk=self.world.desk,
                venue=self.chain,
                sender=self.sender,
                address=b"me",
                journal=self.notes,
                limits=CorporateLimits(
                    gas=1_000, expiry_seconds=30, retry_seconds=10, standby_seconds=0
                ),
                metrics=CorporateMetrics.create(self.world.registry),
                clock=SystemClock(),
            )
        )

    async def at(self, now: int) -> CorporateCycle:
        self.world.venue.now = Seconds(now)
        self.view.sealed_block += 1
        return await self.keeper.run_once()

    async def to_the_moment(self) -> None:
        """Bring an agreed split to its moment, with the market halted."""
        self.world.tell("alpaca", "polygon")
        for now in (EFFECTIVE - 86_300, EFFECTIVE - 86_299, EFFECTIVE - 900):
            assert await self.at(now) is CorporateCycle.IDLE
        self.change(status=MarketStatus.HALTED)
        await self.at(EFFECTIVE)

    def change(self, **facts: object) -> None:
        held = self.world.market
        self.world.venue.markets[held.id] = replace(held, **facts)  # type: ignore[arg-type]

    @property
    def calls(self) -> list[str]:
        return [call.data.decode() for _, call in self.sender.taken]

    def written(self, write: Write) -> str:
        return f"{self.world.number} {write}"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


BEGUN = BeginSplit(numerator=2, denominator=1, expected_epoch=4)


async def test_a_split_is_begun_once_and_continued_until_it_is_through(rig: Rig) -> None:
    await rig.to_the_moment()
    assert await rig.at(EFFECTIVE + 1) is CorporateCycle.ACTED
    assert rig.calls == [rig.written(BEGUN)]
    # It is on its way: nothing else is sent meanwhile.
    assert await rig.at(EFFECTIVE + 2) is CorporateCycle.IDLE
    rig.world.epoch = 5
    rig.change(is_splitting=True)
    rig.view.sealed_block = 100
    rig.sender.tell(0, Result.MINED)
    assert await rig.at(EFFECTIVE + 2) is CorporateCycle.ACTED
    assert rig.calls[1:] == [rig.written(ContinueSplit(count=256))]
    # Mined in block 101, and the feed is not past it: what is seen is old.
    rig.view.sealed_block = 98
    rig.sender.tell(1, Result.MINED)
    assert await rig.at(EFFECTIVE + 3) is CorporateCycle.WAITING
    rig.change(is_splitting=False)
    rig.view.sealed_block = 200
    await rig.at(EFFECTIVE + 4)
    assert rig.world.stage() is Stage.APPLIED
    assert len(rig.calls) == 2
    assert {result for result, _ in rig.notes.settled.values()} == {"done"}


async def test_what_the_exchange_would_refuse_is_not_sent_and_calls_a_person(rig: Rig) -> None:
    await rig.to_the_moment()
    rig.chain.refuses = "cooling down"
    assert await rig.at(EFFECTIVE + 1) is CorporateCycle.REFUSED
    await rig.at(EFFECTIVE + 2)
    told = rig.world.desk.explain()["AAPL split 2027-01-20"]
    assert isinstance(told, dict)
    assert told["why"] == "the exchange would refuse the write: cooling down"
    assert rig.calls == []
    rig.chain.refuses = None
    assert await rig.at(EFFECTIVE + 12) is CorporateCycle.ACTED


async def test_a_lane_that_takes_nothing_and_a_write_that_expired_are_tried_again(rig: Rig) -> None:
    await rig.to_the_moment()
    rig.sender.refusal = Refusal.LANE_FULL
    assert await rig.at(EFFECTIVE + 1) is CorporateCycle.REFUSED
    rig.sender.refusal = None
    assert await rig.at(EFFECTIVE + 2) is CorporateCycle.ACTED
    rig.sender.tell(0, Result.EXPIRED)
    assert await rig.at(EFFECTIVE + 3) is CorporateCycle.WAITING
    assert await rig.at(EFFECTIVE + 13) is CorporateCycle.ACTED
    assert rig.calls == [rig.written(BEGUN)] * 2


async def test_without_a_reading_nothing_is_judged(rig: Rig) -> None:
    await rig.to_the_moment()
    rig.chain.is_down = True
    assert await rig.at(EFFECTIVE + 1) is CorporateCycle.WAITING
    rig.view.distrust = "the feed is away"
    assert await rig.at(EFFECTIVE + 2) is CorporateCycle.DISTRUSTED
    assert rig.calls == []


@pytest.mark.parametrize(
    ("action", "facts", "sentence"),
    [
        (make_action(ratio=Ratio(numerator=30, denominator=1)), {}, "a split of 30:1 is outside"),
        (make_action(ActionKind.CASH_DIVIDEND, amount=price(30)), {}, "a dividend of 15"),
        (
            make_action(ActionKind.CASH_DIVIDEND, amount=price(3)),
            {"band_low": price(198)},
            "below its band from 198",
        ),
        (make_action(ActionKind.CASH_DIVIDEND, amount=price(3)), {"band_low": price(190)}, None),
        (make_action(), {}, None),
        (make_action(ActionKind.CASH_MERGER), {}, None),
    ],
)
def test_the_owners_limits_are_looked_at_a_day_ahead(
    action: object, facts: dict[str, object], sentence: str | None
) -> None:
    market = replace(make_market(), mark=price(200), **({"band_low": price(1)} | facts))  # type: ignore[arg-type]
    limits = {
        Parameter.SPLIT: replace(OPEN_LIMITS, maximum=20_000_000),
        Parameter.DIVIDEND: replace(OPEN_LIMITS, maximum=100_000),
    }
    found = refusal_ahead(action, market, limits)  # type: ignore[arg-type]
    assert found is None if sentence is None else found is not None and sentence in found


def test_the_duty_runs_beside_those_that_halt_and_price_only(tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(PROFILE.format(port=1) + "[corporate]\nwatches = true\n")
    settings = load(profile, environment={}).settings
    with pytest.raises(OperatorError, match="no breaker and no price"):
        duties_to_run(settings, frozenset({"corporate"}))
    with pytest.raises(OperatorError, match="expected the duties price and breaker beside"):
        duties_to_run(settings, frozenset())
