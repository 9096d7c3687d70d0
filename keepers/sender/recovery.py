"""At start: the journal's transactions against the chain's nonces.

Nothing is signed here. A transaction whose nonce is used and that has a receipt is MINED; one whose nonce
is free is sent again with the same bytes, hence the same hash, however far it had come before. A used
nonce without a receipt of ours, or one beyond all we ever signed, means that somebody else used the key:
the lane then stands still until an operator has acknowledged it.
"""

import asyncio
from collections.abc import Sequence
from itertools import groupby

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
    _check_not_behind(tools.journal, book.lane, head)
    now = tools.clock.monotonic()
    for slot in slots_of(tools.journal, book.lane, now):
        book.add(slot)
    expire_leftovers(tools.journal)
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
    left = [
        intent.key
        for intent in journal.intents(state=State.PLANNED)
        if intent.planned_at < journal.opened_at
    ]
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


def _check_not_behind(journal: Journal, lane: str, head: Head) -> None:
    """Refuse a chain that has forgotten what we believe final; a lagging endpoint will catch up."""
    final = [
        record.nonce
        for record in journal.transactions_at_or_above(lane, head.nonce)
        if record.state is State.FINAL
    ]
    if final:
        raise TransientError(
            f"the chain has used {head.nonce} nonces of lane {lane}, the journal knows "
            f"{max(final) + 1} to be final: the endpoint lags, or this is another chain and "
            "needs another journal"
        )


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
