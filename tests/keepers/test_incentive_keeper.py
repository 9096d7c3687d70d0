"""The incentive keeper writes one lawful step at a time, understands refusals, and never fights another."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from keepers.incentives.intents import KIND
from keepers.incentives.keeper import IncentiveKeeper
from keepers.incentives.metrics import IncentiveMetrics
from keepers.incentives.outcome import IncentiveCycle, WriteResult
from keepers.incentives.parts import IncentiveLimits, IncentiveParts
from keepers.incentives.view import IncentiveOutcome
from keepers.sender import Outcome, Refusal, Result
from risk.guard_rails import Parameter
from risk.units import MarketId, Seconds
from runtime.clock import SystemClock
from runtime.journal import IntentRecord, State
from runtime.rpc.errors import RpcTransient
from tests.fakes import FakeSender
from tests.monitors.incentives.stage import NUMBER, SYMBOL, Stage, at
from venues.port import Call, ParameterChanged

SATURDAY = at(21, 12)
START = at(20, 0)


@pytest.fixture(autouse=True)
def _a_weekend_of_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake lane live then too; the builders' own now is later."""
    monkeypatch.setattr("tests.fakes.NOW", START)


class Venue:
    """Encodes in words; reads what a test put into the receipt."""

    def __init__(self) -> None:
        self.epoch = 40
        self.is_down = False

    def parameter_call(
        self, market: MarketId, parameter: Parameter, value: int, *, epoch: int, gas: int
    ) -> Call:
        words = f"{market} {parameter.name} {value} {epoch}"
        return Call(to=b"", data=words.encode(), gas=gas)

    def parameter_changes(self, receipt: Mapping[str, object]) -> list[ParameterChanged]:
        changes = receipt["changes"]
        assert isinstance(changes, list)
        return changes

    async def tuner_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        if self.is_down:
            raise RpcTransient("down")
        return dict.fromkeys(markets, self.epoch)


@dataclass
class Notes:
    """Where outcomes are written."""

    open: list[IntentRecord] = field(default_factory=list)
    settled: dict[str, tuple[str, Mapping[str, object] | None]] = field(default_factory=dict)

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        assert kind == KIND
        return self.open

    def settle_all(self, outcomes: Iterable[IncentiveOutcome]) -> None:
        self.settled |= {key: (result, figures) for key, result, figures in outcomes}


class Rig:
    """A keeper with a real desk, between fakes of chain and lane."""

    def __init__(
        self,
        stage: Stage | None = None,
        *,
        standby: int = 0,
        open_intents: Sequence[IntentRecord] = (),
    ) -> None:
        self.stage = stage or Stage(SATURDAY)
        self.venue, self.sender, self.notes = Venue(), FakeSender(), Notes(list(open_intents))
        self.registry = CollectorRegistry()
        self.keeper = IncentiveKeeper(
            IncentiveParts(
                view=self.stage.desk,
                venue=self.venue,
                sender=self.sender,
                journal=self.notes,
                limits=IncentiveLimits(
                    gas=300_000, expiry_seconds=30, retry_seconds=30, standby_seconds=standby
                ),
                metrics=IncentiveMetrics.create(self.registry),
                clock=SystemClock(),
            )
        )

    async def cycle(self, seconds: int = 0) -> IncentiveCycle:
        self.stage.venue.now = Seconds(self.stage.venue.now + seconds)
        return await self.keeper.run_once()

    @property
    def calls(self) -> list[str]:
        return [call.data.decode() for _, call in self.sender.taken]

    def answer(self, result: Result, *, reason: str = "", is_seen: bool = True) -> None:
        """Tell what became of the last write; a mined one shows on chain unless a test says no."""
        intents, call = self.sender.taken[-1]
        _, name, value, epoch = call.data.decode().split()
        changes = []
        if result is Result.MINED:
            self.stage.venue.applied_block += is_seen
            changes = [
                ParameterChanged(
                    market=NUMBER,
                    parameter=Parameter[name],
                    value=int(value),
                    epoch=int(epoch) + 1,
                    block=self.stage.venue.applied_block + (not is_seen),
                )
            ]
            if is_seen:
                self.stage.venue.change(**{name.lower(): int(value)})
            self.venue.epoch += 1
        self.keeper.on_outcome(
            Outcome(
                lane="tuner",
                nonce=1,
                transaction_hash="0x",
                intent_keys=tuple(intent.key for intent in intents),
                result=result,
                receipt={"changes": changes},
                reason=reason,
            )
        )

    def count(self, parameter: str, result: WriteResult) -> float | None:
        return self.registry.get_sample_value(
            "bellkeeper_incentive_writes_total", {"parameter": parameter, "result": result.value}
        )


async def test_writes_one_step_at_a_time_with_the_epoch_read_just_before() -> None:
    rig = Rig()
    assert await rig.cycle() is IncentiveCycle.ACTED
    # What is most urgent of a weekend that finds weekday levers: less risk first.
    assert rig.calls == ["0 OPEN_INTEREST_CAP 30000000000000 40"]
    assert await rig.cycle(1) is IncentiveCycle.WAITING
    rig.answer(Result.MINED)
    assert await rig.cycle(1) is IncentiveCycle.ACTED
    assert rig.calls[1:] == ["0 INITIAL_MARGIN 75000 41"]
    assert next(iter(rig.notes.settled.values())) == (
        "done",
        {"epoch": 41, "value": 30_000_000_000_000, "block": 8},
    )
    assert rig.count("open_interest_cap", WriteResult.DONE) == 1


async def test_an_intent_carries_its_measurement_its_bound_and_its_inverse() -> None:
    rig = Rig()
    await rig.cycle()
    intents, _ = rig.sender.taken[0]
    told = intents[0].payload
    assert (told["inverse"], told["value"]) == (60_000_000_000_000, 30_000_000_000_000)
    assert told["measured"] == {"unknown": "nobody looks", "premium_ppb": None}
    assert told["simulated"] == {
        "holders": 0,
        "cannot_open": 0,
        "liquidatable": 0,
        "liquidatable_anyway": 0,
        "is_backstop_short": False,
    }
    assert str(told["why"]).endswith(
        "the owner allows 1000000000000 to 120000000000000, at most 30000000000000 every 300 s;"
        " writing 60000000000000 again undoes it"
    )


async def test_nothing_follows_a_write_until_the_feed_shows_it() -> None:
    rig = Rig()
    await rig.cycle()
    rig.answer(Result.MINED, is_seen=False)
    assert await rig.cycle(1) is IncentiveCycle.WAITING
    rig.stage.venue.applied_block += 1
    rig.stage.venue.change(open_interest_cap=30_000_000_000_000)
    assert await rig.cycle(1) is IncentiveCycle.ACTED


@pytest.mark.parametrize(
    ("reason", "result"),
    [
        ("execution reverted: cooling down", WriteResult.COOLING_DOWN),
        ("step too large", WriteResult.STEP_TOO_LARGE),
        ("outside limits", WriteResult.OUTSIDE_LIMITS),
        ("fees below zero", WriteResult.OUTSIDE_LIMITS),
        ("", WriteResult.REFUSED),
    ],
)
async def test_a_guard_rail_is_not_moved_by_repetition(reason: str, result: WriteResult) -> None:
    rig = Rig()
    await rig.cycle()
    rig.answer(Result.REVERTED, reason=reason)
    assert rig.count("open_interest_cap", result) == 1
    assert [each[0] for each in rig.notes.settled.values()] == [result.value]
    assert await rig.cycle(29) is IncentiveCycle.WAITING
    assert await rig.cycle(1) is IncentiveCycle.ACTED


async def test_a_stale_epoch_is_judged_again_with_the_next_block_and_a_second_one_waits() -> None:
    rig = Rig()
    await rig.cycle()
    rig.answer(Result.REVERTED, reason="stale epoch")
    assert await rig.cycle(1) is IncentiveCycle.WAITING
    rig.stage.venue.applied_block += 1
    assert await rig.cycle(1) is IncentiveCycle.ACTED
    # Stale again: the endpoint that tells epochs lags, and more of the same would not help.
    rig.answer(Result.REVERTED, reason="stale epoch")
    rig.stage.venue.applied_block += 1
    assert await rig.cycle(1) is IncentiveCycle.WAITING
    assert await rig.cycle(29) is IncentiveCycle.ACTED
    assert rig.count("open_interest_cap", WriteResult.STALE_EPOCH) == 2


async def test_without_a_reason_a_change_by_another_says_that_the_epoch_was_stale() -> None:
    rig = Rig()
    await rig.cycle()
    rig.stage.venue.change(open_interest_cap=31_000_000_000_000)
    rig.answer(Result.REVERTED)
    assert rig.count("open_interest_cap", WriteResult.STALE_EPOCH) == 1
    rig.stage.venue.applied_block += 1
    assert await rig.cycle(1) is IncentiveCycle.ACTED
    # The other's write has begun the cool-down of its parameter: another one goes first.
    assert rig.calls[1:] == ["0 INITIAL_MARGIN 75000 40"]


@pytest.mark.parametrize("result", [Result.EXPIRED, Result.CANCELLED, Result.FAILED])
async def test_what_was_not_mined_waits_too(result: Result) -> None:
    rig = Rig()
    await rig.cycle()
    rig.answer(result)
    assert rig.count("open_interest_cap", WriteResult.NOT_MINED) == 1
    assert await rig.cycle(1) is IncentiveCycle.WAITING


async def test_a_dry_run_says_it_again_only_after_a_while() -> None:
    rig = Rig()
    await rig.cycle()
    rig.answer(Result.WOULD_HAVE_SENT)
    assert await rig.cycle(1) is IncentiveCycle.WAITING
    assert await rig.cycle(29) is IncentiveCycle.ACTED
    assert rig.notes.settled == {}


async def test_distrust_means_no_writes() -> None:
    rig = Rig()
    rig.stage.venue.distrust = "the socket was lost"
    assert await rig.cycle() is IncentiveCycle.DISTRUSTED
    assert rig.calls == []


async def test_without_epochs_nothing_is_sent() -> None:
    rig = Rig()
    rig.venue.is_down = True
    assert await rig.cycle() is IncentiveCycle.WAITING
    rig.venue.is_down = False
    assert await rig.cycle() is IncentiveCycle.ACTED


async def test_what_the_lane_does_not_take_is_judged_again() -> None:
    rig = Rig()
    rig.sender.refusal = Refusal.LANE_HALTED
    assert await rig.cycle() is IncentiveCycle.REFUSED
    rig.sender.refusal = None
    assert await rig.cycle() is IncentiveCycle.ACTED


async def test_a_standby_writes_only_what_nobody_has_written_for_so_long() -> None:
    rig = Rig(standby=120)
    assert await rig.cycle() is IncentiveCycle.WAITING
    # Another writes the cap after a minute; what is wanted next has not been wanted for long.
    rig.stage.venue.now = Seconds(SATURDAY + 60)
    rig.stage.venue.change(open_interest_cap=30_000_000_000_000)
    assert await rig.cycle(1) is IncentiveCycle.WAITING
    assert await rig.cycle(119) is IncentiveCycle.WAITING
    assert await rig.cycle(1) is IncentiveCycle.ACTED
    assert rig.calls == ["0 INITIAL_MARGIN 75000 40"]


async def test_a_write_of_an_earlier_life_is_waited_for() -> None:
    record = IntentRecord(
        key=f"{KIND}|{SYMBOL}||maker_fee--200-1-7",
        kind=KIND,
        market=SYMBOL,
        account="",
        judged_on="maker_fee--200-1-7",
        expires_at=0,
        payload={"parameter": "maker_fee", "value": -200},
        state=State.SENT,
        reason="",
        transaction_id=1,
        outcome=None,
        outcome_detail=None,
        planned_at=0.0,
        updated_at=0.0,
        settled_at=None,
    )
    rig = Rig(open_intents=[record])
    assert await rig.cycle() is IncentiveCycle.WAITING
    # The budget reckons with the rebate that may land.
    budget = rig.stage.desk.explain(SYMBOL)["budget"]
    assert isinstance(budget, dict)
    assert budget["largest_rebate_ppm"] == 200
    mined = Outcome(
        lane="tuner",
        nonce=1,
        transaction_hash="0x",
        intent_keys=(record.key,),
        result=Result.EXPIRED,
        receipt=None,
        reason="",
    )
    rig.keeper.on_outcome(mined)
    assert await rig.cycle(1) is IncentiveCycle.ACTED


async def test_two_keepers_on_one_chain_write_every_step_once() -> None:
    stage = Stage(at(20, 18, 30))
    one = Rig(stage)
    other = Rig(Stage(at(20, 18, 30), venue=stage.venue))
    path: list[int] = [stage.venue.markets[NUMBER].initial_margin]
    while stage.venue.now < at(20, 20):
        for rig in (one, other):
            if await rig.cycle() is IncentiveCycle.ACTED:
                rig.answer(Result.MINED)
            margin = stage.venue.markets[NUMBER].initial_margin
            if margin != path[-1]:
                path.append(margin)
        stage.venue.now = Seconds(stage.venue.now + 10)
    assert path == sorted(path)
    assert path[-1] == 200_000
    assert all(after - before <= 25_000 for before, after in itertools.pairwise(path))


async def test_a_market_that_moved_between_judgement_and_write_is_judged_again() -> None:
    rig = Rig()
    taken = rig.venue.tuner_epochs

    async def meanwhile(markets: Sequence[MarketId]) -> dict[MarketId, int]:
        rig.stage.venue.change(open_interest_cap=30_000_000_000_000)
        return await taken(markets)

    rig.venue.tuner_epochs = meanwhile  # type: ignore[method-assign]
    assert await rig.cycle() is IncentiveCycle.WAITING
    assert rig.calls == []


def test_results_are_a_closed_set_of_labels() -> None:
    rig = Rig()
    for result in WriteResult:
        assert rig.count("maker_fee", result) == 0
