"""A dry run tells what it would have done, and does nothing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepers.sender import Outcome, Refusal, Result, Sender, ShadowSender
from runtime.journal import Intent, Journal, State
from tests.keepers.sender.rig import ShiftedClock, make_call, make_intent


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def journal(tmp_path: Path, clock: ShiftedClock) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite", clock) as journal:
        yield journal


def soon(clock: ShiftedClock) -> Intent:
    return Intent(
        kind="liquidation",
        market="TSLA",
        account="0xbb/1",
        judged_on="block 1",
        expires_at=int(clock.now()) + 10,
        payload={},
    )


async def test_it_journals_what_it_would_have_sent(journal: Journal, clock: ShiftedClock) -> None:
    sender: Sender = ShadowSender("urgent", journal=journal, clock=clock)
    heard: list[Outcome] = []
    sender.subscribe(heard.append)
    ticket = await sender.submit([make_intent()], make_call(), expires_at=9)
    assert ticket.refusal is None
    assert ticket.transaction_hash is None
    assert heard[0].result is Result.WOULD_HAVE_SENT
    assert heard[0].reason.startswith("would have sent 0x12345678 to 0xe1e1")
    assert journal.transactions_at_or_above("urgent", 0) == []


async def test_a_known_intent_is_refused_as_by_a_lane(
    journal: Journal, clock: ShiftedClock
) -> None:
    sender = ShadowSender("urgent", journal=journal, clock=clock)
    await sender.submit([make_intent(1)], make_call(), expires_at=9)
    both = [make_intent(1), make_intent(2)]
    assert (await sender.submit(both, make_call(), expires_at=9)).refusal is Refusal.DUPLICATE
    built = await sender.submit(both, lambda _: make_call(), expires_at=9)
    assert built.intents == (make_intent(2),)


async def test_intents_stay_in_flight_until_they_expire(
    journal: Journal, clock: ShiftedClock
) -> None:
    sender = ShadowSender("urgent", journal=journal, clock=clock)
    await sender.submit([soon(clock)], make_call(), expires_at=9)
    sender.expire()
    assert len(journal.in_flight()) == 1
    clock.ahead += 11
    sender.expire()
    assert journal.in_flight() == []
    (record,) = journal.intents(state=State.EXPIRED)
    assert record.outcome == "would_have_sent"


async def test_it_runs_until_stop(journal: Journal, clock: ShiftedClock) -> None:
    sender = ShadowSender("urgent", journal=journal, clock=clock)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    done, _ = await asyncio.wait({running}, timeout=0.05)
    assert not done
    stop.set()
    done, _ = await asyncio.wait({running}, timeout=5)
    assert done == {running}
