"""At start: the journal's transactions against the chain's nonces.

Nothing is signed here. A transaction whose nonce is used and that has a receipt is MINED; one whose nonce
is free is sent again with the same bytes, hence the same hash, however far it had come before. A used
nonce without a receipt of ours, or one beyond all we ever signed, means that somebody else used the key:
the lane then stands still until an operator has acknowledged it.
"""

import asyncio
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import structlog

from keepers.sender.book import Attempt, LaneBook, Slot
from keepers.sender.care import Care, Tools
from keepers.sender.chain import block_and_nonce
from keepers.sender.halts import Halts
from keepers.sender.metrics import Halt
from keepers.sender.policy import Broadcast, Fees, Head, Mined, TransactionState
from keepers.sender.transaction import address_text
from runtime.errors import OperatorError, TransientError
from runtime.journal import Journal, LaneRecord, State, TransactionRecord

_OPEN = frozenset({State.SIGNED, State.SENT, State.MINED})
_CLOSED = frozenset({State.FINAL, State.FAILED})
MOST_REOPENED: Final = 64
"""Nonces: twice the usual window. A chain that lacks more than that is another chain."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("sender")


async def recover(
    tools: Tools, book: LaneBook, halts: Halts, care: Care, *, acknowledge_foreign: bool
) -> Head:
    """Adopt what the journal holds, and give the head it was held against; raises `TransientError` while the chain does not answer."""
    await _check_chain(tools)
    record = tools.journal.open_lane(
        book.lane,
        address=address_text(tools.signer.address),
        chain_id=tools.signer.chain_id,
    )
    head = await read_head(tools, None)
    pending = max(head.nonce, await tools.chain.nonce(tools.signer.address, pending=True))
    if not await reopen(tools, book, head):
        raise _behind(tools.journal, book.lane, head)
    now = tools.clock.monotonic()
    for slot in slots_of(tools.journal, book.lane, now):
        book.add(slot)
    expire_leftovers(tools.journal)
    await _tell_of_mined(tools, book)
    await _resolve_used(tools, book, care, head)
    _judge_nonces(tools, record, halts, pending, acknowledge_foreign=acknowledge_foreign)
    book.next_nonce = max(book.next_nonce, pending, record.next_nonce or 0)
    log.info("lane_recovered", lane=book.lane, adopted=len(book.slots), next_nonce=book.next_nonce)
    return head


async def read_head(tools: Tools, before: Head | None) -> Head:
    """Read the head, and remember since when the count of used nonces is what it is."""
    block, nonce = await block_and_nonce(tools.chain, tools.signer.address)
    tools.fees.note_base_fee(block.base_fee)
    is_same = before is not None and before.nonce == nonce
    since = before.nonce_since if before is not None and is_same else tools.clock.monotonic()
    return Head(
        number=block.number,
        timestamp=block.timestamp,
        nonce=nonce,
        nonce_since=since,
        suggested=tools.fees.suggested,
    )


def slots_of(journal: Journal, lane: str, now: float) -> list[Slot]:
    """Make the slots that the journal's open transactions stand for."""
    attempts = journal.open_transactions(lane)
    return [
        _slot(journal, nonce, list(records), now)
        for nonce, records in groupby(attempts, key=lambda record: record.nonce)
    ]


def expire_leftovers(journal: Journal) -> None:
    """End the intents that an earlier process planned and never signed: they block nobody."""
    left = [intent.key for intent in journal.planned() if intent.planned_at < journal.opened_at]
    if left:
        journal.expired(left, "planned by a process that ended before signing")


def _slot(journal: Journal, nonce: int, records: Sequence[TransactionRecord], now: float) -> Slot:
    # The attempt that counts goes last: the one that is not replaced.
    ordered = sorted(records, key=lambda record: (record.state in _OPEN, record.attempt))
    newest = ordered[-1]
    intents = journal.intents_at(newest.lane, nonce)
    return Slot(
        nonce=nonce,
        attempts=[
            Attempt(
                hash=record.hash,
                raw=record.raw,
                fees=Fees(max_fee=record.max_fee, tip=record.tip),
                purpose=record.purpose,
            )
            for record in ordered
        ],
        state=_state(newest, now),
        intent_keys=tuple(intent.key for intent in intents),
        expires_at=newest.expires_at,
        signed_at=now,
    )


def _state(record: TransactionRecord, now: float) -> TransactionState:
    if record.state is State.MINED:
        assert record.mined_block is not None
        return Mined(nonce=record.nonce, block=record.mined_block, verified_at=record.mined_block)
    return Broadcast(
        nonce=record.nonce,
        purpose=record.purpose,
        fees=Fees(max_fee=record.max_fee, tip=record.tip),
        expires_at=record.expires_at,
        attempt_at=now,
        sent_at=now,
        sends=0,
    )


async def _check_chain(tools: Tools) -> None:
    found = await tools.chain.chain_id()
    if found != tools.signer.chain_id:
        raise OperatorError(
            f"expected chain {tools.signer.chain_id}, was {found}: "
            "correct the endpoint or the chain id"
        )


async def reopen(tools: Tools, book: LaneBook, head: Head) -> bool:
    """Take up again what was held final and the chain has taken back; say whether it now adds up.

    A reorganisation deeper than `confirmations` leaves the chain with fewer used nonces than were
    closed, at a head past the blocks that they were in, and no receipt. Until all three are seen the
    endpoint may only lag. Nothing is signed: the journal has the bytes, and the policy sends or
    cancels them as any other. More than a reorganisation can hold is for a person.
    """
    ended = _ended_at_or_above(tools.journal, book.lane, head.nonce)
    if not ended:
        return True
    past = max(record.mined_block or 0 for record in ended) + tools.policy.confirmations
    if head.number < past or len(ended) > MOST_REOPENED:
        return False
    for turn in range(tools.policy.reorg_misses):
        if turn:
            await asyncio.sleep(tools.policy.lookup_every_seconds)
        receipts = await asyncio.gather(*(tools.chain.receipt(each.hash) for each in ended))
        if any(receipt is not None for receipt in receipts):
            return False
    reason = f"the chain has used {head.nonce} nonces at block {head.number}, and this was final"
    for record in ended:
        tools.journal.reorged(record.hash, reason)
    nonces = {record.nonce for record in ended}
    for slot in slots_of(tools.journal, book.lane, tools.clock.monotonic()):
        if slot.nonce in nonces:
            book.reopened(slot, reason)
    return True


def _ended_at_or_above(journal: Journal, lane: str, nonce: int) -> list[TransactionRecord]:
    """List the mined transactions that were closed for good, though the chain has not used so many."""
    return [
        record
        for record in journal.transactions_at_or_above(lane, nonce)
        if record.state in _CLOSED and record.mined_block is not None
    ]


def _behind(journal: Journal, lane: str, head: Head) -> TransientError:
    """Say why a chain that has forgotten what we believe final is not written to."""
    last = max(record.nonce for record in _ended_at_or_above(journal, lane, head.nonce))
    return TransientError(
        f"the chain has used {head.nonce} nonces of lane {lane}, the journal knows "
        f"{last + 1} to be final: the endpoint lags, or this is another chain and "
        "needs another journal"
    )


async def _tell_of_mined(tools: Tools, book: LaneBook) -> None:
    """Tell again of receipts that were journaled and not heard: the process ended in between.

    What a listener makes of a receipt is a commit of its own, so without this an intent would stay
    in flight for ever. A receipt that is gone is for the policy.
    """
    for slot in list(book.slots.values()):
        if not isinstance(slot.state, Mined):
            continue
        if all(
            each.settled_at is not None for each in tools.journal.intents_at(book.lane, slot.nonce)
        ):
            continue
        receipt = await tools.chain.receipt(slot.newest.hash)
        if receipt is not None:
            book.tell_mined(slot, receipt)


async def _resolve_used(tools: Tools, book: LaneBook, care: Care, head: Head) -> None:
    """Find the receipts of used nonces before anything new is signed."""
    policy = tools.policy
    for turn in range(policy.foreign_misses):
        used = [slot for slot in book.slots.values() if slot.nonce < head.nonce and slot.is_waiting]
        if not used:
            return
        if turn:
            await asyncio.sleep(policy.lookup_every_seconds)
        for slot in used:
            await care.look_up(slot, head.number)
    for slot in [slot for slot in book.slots.values() if slot.nonce < head.nonce]:
        await care.look_after(slot, head)


def _judge_nonces(
    tools: Tools, record: LaneRecord, halts: Halts, pending: int, *, acknowledge_foreign: bool
) -> None:
    known = record.next_nonce
    if known is None or pending <= known:
        return
    if acknowledge_foreign:
        tools.journal.adopt_nonce(record.lane, pending)
        return
    tools.metrics.foreign_nonce()
    halts.set(
        Halt.UNKNOWN_NONCES,
        f"nonces {known} to {pending - 1} of {record.address} were used elsewhere, the journal "
        "never signed for them: find out who has the key, then acknowledge it",
    )
