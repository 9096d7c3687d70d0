"""The breaker keeper brings the chain to what is wanted: by the right key, once, and again if refused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from keepers.breaker.keeper import KIND, BreakerKeeper, BreakerLimits, BreakerParts
from keepers.breaker.metrics import BreakerMetrics
from keepers.breaker.outcome import BreakerCycle
from keepers.breaker.view import ControlOutcome
from keepers.sender import Outcome, Refusal, Result
from risk.guard_rails import Limits, Parameter
from risk.market import Market
from risk.precedence import BandEdges, Machine, Wanted
from risk.units import MarketId, MarketStatus, Ppm, Seconds
from runtime.clock import SystemClock
from runtime.journal import IntentRecord, Journal
from tests.builders import NOW, make_market, price
from tests.fakes import FakeSender
from venues.port import Call, ControlChanged

A, B = MarketId(0), MarketId(1)
BAND_LIMITS = Limits(minimum=5_000, maximum=250_000, largest_step=100_000, cool_down=Seconds(5))
STATUS_LIMITS = Limits(minimum=0, maximum=3, largest_step=3, cool_down=Seconds(10))
BAND = BandEdges(low=price(95), high=price(105))


def want(status: MarketStatus, band: BandEdges | None = None, **facts: object) -> Wanted:
    wanted = Wanted(
        status=status, band=band, closes_withdrawals=False, by=Machine.BAND, why="the test says so"
    )
    return replace(wanted, **facts)  # type: ignore[arg-type]


class View:
    """Two markets and what they ought to be."""

    def __init__(self) -> None:
        self.distrust: str | None = None
        self.now = NOW
        self.applied_block = 7
        self.markets: dict[MarketId, Market] = {
            number: replace(make_market(), id=number, symbol=symbol, mark=price(100))
            for number, symbol in ((A, "A"), (B, "B"))
        }
        self.wishes: dict[MarketId, Wanted] = {}
        self.own: dict[MarketId, MarketStatus] = {}

    def wanted(self) -> Mapping[MarketId, Wanted]:
        return self.wishes

    def own_status(self, market: MarketId) -> MarketStatus:
        return self.own.get(market, MarketStatus.OPEN)

    def set_by_us(self, market: MarketId, status: MarketStatus) -> None:
        self.own[market] = status


class Facts:
    """Guard rails and withdrawals."""

    withdrawals_open: bool | None = True
    are_read = True

    def limits(self, market: MarketId, parameter: Parameter) -> Limits | None:  # noqa: ARG002
        known = {Parameter.BAND: BAND_LIMITS, Parameter.STATUS: STATUS_LIMITS}
        return known[parameter] if self.are_read else None


class Venue:
    """Encodes in words; reads what a test put into the receipt."""

    def band_call(self, market: MarketId, low: int, high: int, *, epoch: int, gas: int) -> Call:
        return Call(to=b"", data=f"band {market} {low} {high} {epoch}".encode(), gas=gas)

    def status_call(self, market: MarketId, status: MarketStatus, *, epoch: int, gas: int) -> Call:
        return Call(to=b"", data=f"status {market} {status.name} {epoch}".encode(), gas=gas)

    def restrict_call(self, market: MarketId, status: MarketStatus, *, gas: int) -> Call:
        return Call(to=b"", data=f"restrict {market} {status.name}".encode(), gas=gas)

    def close_withdrawals_call(self, *, gas: int) -> Call:
        return Call(to=b"", data=b"close", gas=gas)

    def control_changes(self, receipt: Mapping[str, object]) -> list[ControlChanged]:
        changes = receipt["changes"]
        assert isinstance(changes, list)
        return changes

    async def breaker_epochs(self, markets: Sequence[MarketId]) -> dict[MarketId, int]:
        return {market: 40 + market for market in markets}


@dataclass
class Notes:
    """Where outcomes are written."""

    open: list[IntentRecord] = field(default_factory=list)
    settled: dict[str, str] = field(default_factory=dict)

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        assert kind == KIND
        return self.open

    def settle_all(self, outcomes: Iterable[ControlOutcome]) -> None:
        self.settled |= {key: outcome for key, outcome, _ in outcomes}


class Rig:
    """A keeper between fakes."""

    def __init__(self, *, has_guardian: bool = True, standby_seconds: int = 0) -> None:
        self.view, self.facts, self.notes = View(), Facts(), Notes()
        self.breaker, self.guardian = FakeSender(), FakeSender()
        self.registry = CollectorRegistry()
        self.keeper = BreakerKeeper(
            BreakerParts(
                view=self.view,
                facts=self.facts,
                venue=Venue(),
                breaker=self.breaker,
                guardian=self.guardian if has_guardian else None,
                journal=self.notes,
                limits=BreakerLimits(
                    band_tolerance=Ppm(1_000),
                    gas=300_000,
                    expiry_seconds=30,
                    retry_seconds=10,
                    standby_seconds=standby_seconds,
                ),
                metrics=BreakerMetrics.create(self.registry),
                clock=SystemClock(),
            )
        )

    async def cycle(self, **wishes: Wanted) -> BreakerCycle:
        self.view.wishes |= {{"A": A, "B": B}[name]: wish for name, wish in wishes.items()}
        return await self.keeper.run_once()

    @property
    def calls(self) -> list[str]:
        return [
            call.data.decode()
            for sender in (self.breaker, self.guardian)
            for _, call in sender.taken
        ]

    def answer(self, sender: FakeSender, result: Result, *changes: ControlChanged) -> None:
        intents, _ = sender.taken[-1]
        self.keeper.on_outcome(
            Outcome(
                lane="lane",
                nonce=1,
                transaction_hash="0x",
                intent_keys=tuple(intent.key for intent in intents),
                result=result,
                receipt={"changes": list(changes)},
                reason="",
            )
        )


async def test_stricter_goes_by_the_guardian_and_softer_by_the_breaker() -> None:
    rig = Rig()
    rig.view.markets[B] = replace(rig.view.markets[B], status=MarketStatus.HALTED)
    rig.view.own[B] = MarketStatus.HALTED
    done = await rig.cycle(A=want(MarketStatus.HALTED), B=want(MarketStatus.OPEN))
    assert done is BreakerCycle.ACTED
    assert sorted(rig.calls) == ["restrict 0 HALTED", "status 1 OPEN 41"]


async def test_without_a_guardian_the_breaker_halts() -> None:
    rig = Rig(has_guardian=False)
    await rig.cycle(A=want(MarketStatus.HALTED))
    assert rig.calls == ["status 0 HALTED 40"]


async def test_a_band_is_written_once_and_again_only_when_it_is_off() -> None:
    rig = Rig()
    assert await rig.cycle(A=want(MarketStatus.OPEN, BAND)) is BreakerCycle.ACTED
    assert rig.calls == [f"band 0 {BAND.low} {BAND.high} 40"]
    assert await rig.cycle() is BreakerCycle.WAITING
    changed = ControlChanged(market=A, epoch=41, block=7, band=(BAND.low, BAND.high))
    rig.answer(rig.breaker, Result.MINED, changed)
    rig.view.markets[A] = replace(rig.view.markets[A], band_low=BAND.low, band_high=BAND.high)
    assert await rig.cycle() is BreakerCycle.IDLE
    assert list(rig.notes.settled.values()) == ["done"]
    # The owner's cool-down is kept without asking the chain for a refusal.
    wider = BandEdges(low=price(94), high=price(106))
    assert await rig.cycle(A=want(MarketStatus.OPEN, wider)) is BreakerCycle.IDLE
    rig.view.now = Seconds(NOW + 5)
    assert await rig.cycle() is BreakerCycle.ACTED


async def test_a_market_whose_guard_rails_are_unknown_only_gets_stricter() -> None:
    rig = Rig()
    rig.facts.are_read = False
    assert await rig.cycle(B=want(MarketStatus.OPEN, BAND)) is BreakerCycle.IDLE
    assert await rig.cycle(B=want(MarketStatus.LIMIT, BAND)) is BreakerCycle.ACTED
    assert rig.calls == ["restrict 1 LIMIT"]


async def test_a_market_trades_again_only_inside_its_new_band() -> None:
    rig = Rig()
    halted = replace(rig.view.markets[A], status=MarketStatus.HALTED)
    rig.view.markets[A] = halted
    await rig.cycle(A=want(MarketStatus.OPEN, BAND))
    assert rig.calls == [f"band 0 {BAND.low} {BAND.high} 40"]
    changed = ControlChanged(market=A, epoch=41, block=7, band=(BAND.low, BAND.high))
    rig.answer(rig.breaker, Result.MINED, changed)
    # It asks for another band already, and that one must wait for the cool-down: so does the status.
    rig.view.markets[A] = replace(halted, band_low=BAND.low, band_high=BAND.high)
    other = BandEdges(low=price(96), high=price(106))
    assert await rig.cycle(A=want(MarketStatus.OPEN, other)) is BreakerCycle.IDLE
    await rig.cycle(A=want(MarketStatus.OPEN, BAND))
    assert rig.calls[1:] == ["status 0 OPEN 40"]


async def test_a_softer_status_waits_for_the_cool_down_of_anybodys_last_one() -> None:
    rig = Rig()
    await rig.cycle(A=want(MarketStatus.OPEN))
    rig.view.markets[A] = replace(rig.view.markets[A], status=MarketStatus.LIMIT)
    assert await rig.cycle(A=want(MarketStatus.OPEN)) is BreakerCycle.IDLE
    rig.view.now = Seconds(NOW + 9)
    assert await rig.cycle() is BreakerCycle.IDLE
    rig.view.now = Seconds(NOW + 10)
    assert await rig.cycle() is BreakerCycle.ACTED
    assert rig.calls == ["status 0 OPEN 40"]


async def test_a_write_is_not_repeated_before_the_feed_shows_it() -> None:
    rig = Rig()
    halted = replace(rig.view.markets[A], status=MarketStatus.HALTED)
    rig.view.markets[A] = halted
    await rig.cycle(A=want(MarketStatus.OPEN))
    opened = ControlChanged(market=A, epoch=41, block=9, status=MarketStatus.OPEN)
    rig.answer(rig.breaker, Result.MINED, opened)
    assert await rig.cycle() is BreakerCycle.WAITING
    # The feed is there, and somebody halted the market again in between.
    rig.view.applied_block = 9
    assert await rig.cycle() is BreakerCycle.ACTED


async def test_an_instance_on_standby_writes_only_what_is_wanted_for_long() -> None:
    rig = Rig(standby_seconds=5)
    assert await rig.cycle(A=want(MarketStatus.HALTED)) is BreakerCycle.WAITING
    rig.view.now = Seconds(NOW + 4)
    assert await rig.cycle() is BreakerCycle.WAITING
    # The other instance did it, and undid it: the wait begins anew.
    rig.view.markets[A] = replace(rig.view.markets[A], status=MarketStatus.HALTED)
    assert await rig.cycle() is BreakerCycle.IDLE
    rig.view.markets[A] = replace(rig.view.markets[A], status=MarketStatus.OPEN)
    rig.view.now = Seconds(NOW + 5)
    assert await rig.cycle() is BreakerCycle.WAITING
    rig.view.now = Seconds(NOW + 10)
    assert await rig.cycle() is BreakerCycle.ACTED


async def test_in_a_split_the_guardian_may_still_halt_and_nothing_else_is_written() -> None:
    rig = Rig()
    rig.view.markets[A] = replace(rig.view.markets[A], is_splitting=True)
    assert await rig.cycle(A=want(MarketStatus.OPEN, BAND)) is BreakerCycle.IDLE
    assert await rig.cycle(A=want(MarketStatus.HALTED)) is BreakerCycle.ACTED


async def test_what_the_exchange_refused_waits_unless_it_is_stricter() -> None:
    rig = Rig()
    rig.view.markets[A] = replace(rig.view.markets[A], status=MarketStatus.HALTED)
    await rig.cycle(A=want(MarketStatus.OPEN))
    rig.answer(rig.breaker, Result.REVERTED)
    assert await rig.cycle() is BreakerCycle.WAITING
    rig.view.now = Seconds(NOW + 10)
    assert await rig.cycle() is BreakerCycle.ACTED
    rig.answer(rig.breaker, Result.REVERTED)
    rig.view.markets[A] = replace(rig.view.markets[A], status=MarketStatus.OPEN)
    assert await rig.cycle(A=want(MarketStatus.HALTED)) is BreakerCycle.ACTED
    assert list(rig.notes.settled.values()) == ["not_mined", "not_mined"]


async def test_our_own_halt_is_ours_from_the_moment_it_leaves() -> None:
    rig = Rig()
    await rig.cycle(A=want(MarketStatus.HALTED))
    assert rig.view.own[A] is MarketStatus.HALTED
    rig.answer(rig.guardian, Result.EXPIRED)
    assert rig.view.own[A] is MarketStatus.OPEN


async def test_a_full_lane_takes_no_more_and_the_rest_comes_later() -> None:
    rig = Rig()
    rig.guardian.refusal = Refusal.LANE_FULL
    done = await rig.cycle(A=want(MarketStatus.HALTED), B=want(MarketStatus.HALTED))
    assert done is BreakerCycle.REFUSED
    assert rig.view.own[A] is MarketStatus.OPEN
    rig.guardian.refusal = None
    assert await rig.cycle() is BreakerCycle.ACTED
    assert len(rig.calls) == 2


async def test_the_breaker_halts_when_the_guardians_lane_is_out_of_order() -> None:
    rig = Rig()
    rig.guardian.refusal = Refusal.LANE_HALTED
    assert await rig.cycle(A=want(MarketStatus.HALTED)) is BreakerCycle.REFUSED
    assert await rig.cycle() is BreakerCycle.ACTED
    assert rig.calls == ["status 0 HALTED 40"]
    # Later the guardian is asked again.
    rig.guardian.refusal = None
    rig.view.now = Seconds(NOW + 10)
    await rig.cycle(B=want(MarketStatus.HALTED))
    assert rig.calls[-1] == "restrict 1 HALTED"


async def test_withdrawals_close_first_and_once() -> None:
    rig = Rig()
    halted = want(MarketStatus.HALTED, closes_withdrawals=True)
    await rig.cycle(A=halted, B=halted)
    assert rig.calls[0] == "close"
    assert len(rig.calls) == 3
    rig.facts.withdrawals_open = False
    rig.answer(rig.guardian, Result.MINED)
    await rig.cycle()
    assert rig.calls.count("close") == 1


async def test_withdrawals_are_not_closed_again_while_the_last_reading_is_older() -> None:
    rig = Rig()
    closing = want(MarketStatus.OPEN, closes_withdrawals=True, closes_by=Machine.WITHDRAWALS)
    await rig.cycle(A=closing)
    rig.answer(rig.guardian, Result.MINED)
    await rig.cycle(A=closing)
    assert rig.calls == ["close"]
    # The owner may have opened them since: what is wanted then is a new decision.
    rig.view.now = Seconds(NOW + 60)
    await rig.cycle(A=closing)
    assert rig.calls == ["close", "close"]


async def test_nothing_is_written_on_a_state_that_is_distrusted() -> None:
    rig = Rig()
    rig.view.distrust = "the feed lost touch"
    assert await rig.cycle(A=want(MarketStatus.HALTED)) is BreakerCycle.DISTRUSTED
    assert rig.calls == []


@pytest.mark.parametrize("status", [MarketStatus.SETTLED])
async def test_a_settled_market_is_left_alone(status: MarketStatus) -> None:
    rig = Rig()
    rig.view.markets[A] = replace(rig.view.markets[A], status=status)
    assert await rig.cycle(A=want(MarketStatus.HALTED)) is BreakerCycle.IDLE


async def test_a_write_of_an_earlier_life_is_waited_for(tmp_path: Path) -> None:
    rig = Rig()
    await rig.cycle(A=want(MarketStatus.HALTED))
    ((intents, _),) = rig.guardian.taken
    with Journal.open(tmp_path / "journal.sqlite", SystemClock()) as journal:
        journal.plan(intents)
        keeper = BreakerKeeper(replace(rig.keeper._parts, journal=journal))
        assert await keeper.run_once() is BreakerCycle.WAITING
        assert len(rig.guardian.taken) == 1
        # It was mined before this life listened: only its finality is told.
        rig.keeper = keeper
        rig.answer(rig.guardian, Result.FINAL)
        assert journal.in_flight(KIND) == []
        rig.view.now = Seconds(NOW + 1)
        assert await keeper.run_once() is BreakerCycle.ACTED
