"""The lane in memory speaks as the real one: tickets, refusals, and what became of each call."""

from collections.abc import Sequence

from drills.memory.clock import ChainClock
from drills.memory.journal import MemoryJournal
from drills.memory.sender import LanePace, MemorySender
from keepers.sender import Outcome, Refusal, Result
from risk.guard_rails import Parameter
from risk.units import MarketStatus
from runtime.journal import Intent
from tests.builders import NOW
from tests.venues.memory.world import ADDRESS, MARKET, make_exchange
from venues.exchange.readings import Role
from venues.memory.blocks import ChainPace
from venues.memory.chain import MemoryChain
from venues.memory.venue import MemoryVenue
from venues.port import Call


class Rig:
    """A lane of the tuner's, and what it told."""

    def __init__(self, *, role: Role = Role.TUNER, pace: LanePace | None = None) -> None:
        self.chain = MemoryChain(
            make_exchange(), started_at=NOW, pace=ChainPace(gas_limit=1_000_000)
        )
        self.venue = MemoryVenue(self.chain)
        self.journal = MemoryJournal(ChainClock(self.chain))
        self.told: list[Outcome] = []
        self.lane = MemorySender(
            "tuner",
            chain=self.chain,
            journal=self.journal,
            address=ADDRESS[role],
            pace=pace,
        )
        self.lane.subscribe(self.told.append)

    def fee(self, value: int, epoch: int = 0, gas: int = 500_000) -> Call:
        return self.venue.parameter_call(MARKET, Parameter.TAKER_FEE, value, epoch=epoch, gas=gas)

    def mine(self, blocks: int = 1) -> Sequence[Result]:
        first = len(self.told)
        for _ in range(blocks):
            self.lane.hear(self.chain.mine())
        return [outcome.result for outcome in self.told[first:]]


def wish(name: str) -> Intent:
    return Intent(
        kind="incentive",
        market="AAPL",
        account="",
        judged_on=name,
        expires_at=NOW + 30,
        payload={},
    )


async def test_a_call_is_mined_after_its_delay_and_final_some_blocks_later() -> None:
    rig = Rig(pace=LanePace(delay_blocks=2, final_after_blocks=3))
    ticket = await rig.lane.submit([wish("a")], rig.fee(700), expires_at=NOW + 30)
    assert (ticket.nonce, ticket.refusal) == (0, None)
    assert [record.key for record in rig.journal.in_flight("incentive")] == [wish("a").key]
    assert rig.mine() == []
    assert rig.mine() == [Result.MINED]
    (outcome,) = rig.told
    assert outcome.transaction_hash == ticket.transaction_hash
    assert outcome.receipt is not None
    (change,) = rig.venue.parameter_changes(outcome.receipt)
    assert (change.value, change.epoch, change.block) == (700, 1, 2)
    assert rig.mine(3) == [Result.FINAL]
    assert rig.journal.in_flight() == []


async def test_what_the_journal_knows_is_refused_and_a_builder_gets_the_new_only() -> None:
    rig = Rig()
    asked: list[str] = []
    await rig.lane.submit([wish("a")], rig.fee(700), expires_at=NOW + 30)
    again = await rig.lane.submit([wish("a")], rig.fee(700), expires_at=NOW + 30)
    assert again.refusal is Refusal.DUPLICATE

    def build(new: Sequence[Intent]) -> Call:
        asked.extend(intent.judged_on for intent in new)
        return rig.fee(800, epoch=1)

    ticket = await rig.lane.submit([wish("a"), wish("b")], build, expires_at=NOW + 30)
    assert [intent.judged_on for intent in ticket.intents] == asked == ["b"]


async def test_a_full_or_late_lane_refuses_in_words() -> None:
    rig = Rig(pace=LanePace(window=1))
    late = await rig.lane.submit([wish("a")], rig.fee(700), expires_at=NOW)
    assert (late.refusal, late.reason) == (
        Refusal.EXPIRED,
        f"it expires at {NOW}, chain time is {NOW}",
    )
    await rig.lane.submit([wish("a")], rig.fee(700), expires_at=NOW + 30)
    full = await rig.lane.submit([wish("b")], rig.fee(800), expires_at=NOW + 30)
    assert full.refusal is Refusal.LANE_FULL


async def test_a_revert_and_an_expiry_are_told_with_their_reason_and_free_the_intent() -> None:
    rig = Rig()
    await rig.lane.submit([wish("a")], rig.fee(700, epoch=9), expires_at=NOW + 30)
    assert rig.mine() == [Result.REVERTED]
    assert rig.told[-1].reason == "stale epoch"
    rig.chain.gas_taken = 1_000_000
    await rig.lane.submit([wish("b")], rig.fee(700), expires_at=NOW + 3)
    assert rig.mine(2) == []
    assert rig.mine() == [Result.EXPIRED]
    assert rig.told[-1].receipt is None
    assert rig.journal.in_flight() == []


async def test_a_lane_without_the_role_changes_nothing() -> None:
    rig = Rig(role=Role.PRICER)
    call = rig.venue.restrict_call(MARKET, MarketStatus.HALTED, gas=500_000)
    await rig.lane.submit([wish("a")], call, expires_at=NOW + 30)
    assert rig.mine() == [Result.REVERTED]
    assert rig.told[-1].reason == "wrong role"
    assert rig.chain.exchange.state.markets[MARKET].status is MarketStatus.OPEN
