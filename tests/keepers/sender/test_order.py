"""What must come before what, told by a chain that asks the journal."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from keepers.sender import Lane, LaneSettings, Refusal
from keepers.sender.chain import Block
from keepers.sender.signer import PolicedSigner
from keepers.sender.transaction import SignedTransaction, Transaction
from runtime.errors import TransientError
from runtime.journal import Journal, JournalError, JournalReader, State
from runtime.rpc.submissions import SubmissionStatus
from runtime.rpc.submit import SubmissionFuture, SubmissionReply
from tests.keepers.sender.rig import (
    ADDRESS,
    CHAIN_ID,
    ShiftedClock,
    make_call,
    make_intent,
    make_tools,
    signing_policy,
)


class Witness:
    """A chain that looks, through another connection, at what is durable when bytes arrive."""

    def __init__(self, path: Path, *, answer: SubmissionStatus) -> None:
        self.path = path
        self.answer = answer
        self.seen: list[tuple[str, State]] = []
        self.is_open = True

    async def chain_id(self) -> int:
        return CHAIN_ID

    async def newest_block(self) -> Block:
        return Block(number=1, timestamp=1, base_fee=1)

    async def nonce(self, address: bytes, *, pending: bool = False) -> int:
        assert address == ADDRESS
        assert pending in {True, False}
        return 0

    async def receipt(self, tx_hash: str) -> Mapping[str, object] | None:
        raise AssertionError(tx_hash)

    async def balance(self, address: bytes) -> int:
        return len(address)

    def start(self, raw: bytes, *, tx_hash: str) -> SubmissionFuture:
        if not self.is_open:
            raise TransientError("no channel is open")
        with JournalReader.open_to_read(self.path) as reader:
            record = reader.transaction(tx_hash)
            assert record is not None, "sent before it was journaled"
            assert record.raw == raw
            self.seen.append((tx_hash, record.state))
        future = SubmissionFuture(loop=asyncio.get_running_loop())
        future.written_at, future.endpoint = 0.0, "witness"
        future.set_result(
            SubmissionReply(
                status=self.answer,
                tx_hash=tx_hash,
                receipt=None,
                endpoint="witness",
                reason="told so",
                written_at=0.0,
                answered_at=0.0,
            )
        )
        return future


class Desk:
    """A lane over a witness."""

    def __init__(self, folder: Path, answer: SubmissionStatus, max_pages: int | None) -> None:
        self.clock = ShiftedClock()
        path = folder / "journal.sqlite"
        self.journal = Journal.open(path, self.clock, max_pages=max_pages)
        self.witness = Witness(path, answer=answer)
        self.tools = make_tools(self.witness, self.journal, self.clock, CollectorRegistry())
        self.lane = Lane("urgent", self.tools, LaneSettings())

    async def submit(self, number: int = 0) -> Refusal | None:
        ticket = await self.lane.submit([make_intent(number)], make_call(), expires_at=2**40)
        await asyncio.sleep(0)
        return ticket.refusal


@pytest.fixture
async def desk(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    answer = getattr(request, "param", SubmissionStatus.ACCEPTED)
    made = Desk(tmp_path, answer, None)
    await made.lane.start()
    yield made
    made.journal.close()


async def test_nothing_is_written_before_it_is_journaled(desk: Desk) -> None:
    await desk.submit()
    await desk.lane.run_once()
    desk.clock.ahead += 13
    await desk.lane.run_once()
    hashes = [record.hash for record in desk.journal.transactions_at_or_above("urgent", 0)]
    assert desk.witness.seen == [(hashes[0], State.SIGNED), (hashes[1], State.SIGNED)]


async def test_a_lane_that_has_not_looked_signs_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, SubmissionStatus.ACCEPTED, None)
    assert await desk.submit() is Refusal.NOT_READY
    assert "has not looked" in desk.lane.why_halted
    desk.journal.close()


async def test_a_full_journal_sends_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, SubmissionStatus.ACCEPTED, 60)
    await desk.lane.start()
    sent = 0
    with pytest.raises(JournalError, match="nothing was sent"):
        sent = await submit_for_ever(desk)
    assert sent == 0
    journaled = {record.hash for record in desk.journal.transactions_at_or_above("urgent", 0)}
    assert {tx_hash for tx_hash, _ in desk.witness.seen} == journaled
    desk.journal.close()


async def submit_for_ever(desk: Desk) -> int:
    desk.lane._settings = LaneSettings(window=10_000)
    for number in range(10_000):
        await desk.submit(number)
    return len(desk.witness.seen)


async def test_without_a_way_out_the_bytes_wait_and_go_later(desk: Desk) -> None:
    desk.witness.is_open = False
    assert await desk.submit() is None
    assert desk.witness.seen == []
    desk.witness.is_open = True
    await desk.lane.run_once()
    assert len(desk.witness.seen) == 1


@pytest.mark.parametrize(
    "desk",
    [SubmissionStatus.UNDERPRICED_REPLACEMENT, SubmissionStatus.FEE_TOO_LOW],
    indirect=True,
)
async def test_a_node_that_wants_more_gets_more(desk: Desk) -> None:
    await desk.submit()
    await desk.lane.run_once()
    first, second = desk.journal.transactions_at_or_above("urgent", 0)
    assert second.max_fee > first.max_fee


@pytest.mark.parametrize("desk", [SubmissionStatus.NONCE_GAP], indirect=True)
async def test_a_node_that_misses_a_nonce_gets_it_again(desk: Desk) -> None:
    await desk.submit(1)
    desk.clock.ahead += 0.3
    await desk.submit(2)
    await desk.lane.run_once()
    hashes = [record.hash for record in desk.journal.transactions_at_or_above("urgent", 0)]
    assert [tx_hash for tx_hash, _ in desk.witness.seen] == [hashes[0], hashes[1], hashes[0]]


@pytest.mark.parametrize("desk", [SubmissionStatus.REJECTED], indirect=True)
async def test_a_refused_cancel_stops_the_lane(desk: Desk) -> None:
    await desk.submit()
    await desk.lane.run_once()
    await asyncio.sleep(0)
    assert "a node refused the cancel of 0: told so" in desk.lane.why_halted
    assert await desk.submit(2) is Refusal.LANE_HALTED


@pytest.mark.parametrize(
    "desk",
    [SubmissionStatus.UNKNOWN, SubmissionStatus.POOL_FULL, SubmissionStatus.RATE_LIMITED],
    indirect=True,
)
async def test_a_doubt_counts_as_sent(desk: Desk) -> None:
    await desk.submit()
    await desk.lane.run_once()
    (record,) = desk.journal.transactions_at_or_above("urgent", 0)
    assert record.state is State.SENT


class AwaySigner(PolicedSigner):
    """A remote signer that does not answer."""

    async def _sign(self, transaction: Transaction) -> SignedTransaction:
        raise TransientError(f"no signature for nonce {transaction.nonce}")


async def test_a_signer_that_is_away_uses_up_no_nonce(desk: Desk) -> None:
    here = desk.tools.signer
    object.__setattr__(desk.tools, "signer", AwaySigner(ADDRESS, signing_policy()))
    assert await desk.submit() is Refusal.SIGNER_UNAVAILABLE
    assert desk.journal.intents() == []
    object.__setattr__(desk.tools, "signer", here)
    assert await desk.submit() is None
    object.__setattr__(desk.tools, "signer", AwaySigner(ADDRESS, signing_policy()))
    desk.clock.ahead += 13
    await desk.lane.run_once()
    assert len(desk.journal.transactions_at_or_above("urgent", 0)) == 1


async def test_two_lanes_never_carry_one_intent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(intents: list[object]) -> list[object]:
        return intents

    await desk.submit(1)
    monkeypatch.setattr(desk.journal, "unknown", blind)
    assert await desk.submit(1) is Refusal.DUPLICATE
    assert desk.lane.next_nonce == 1
