"""A lane's transactions in memory and in the journal, moved together.

Every method here moves one slot (a nonce and all attempts at it): the journal first, then the state in
memory, then the metrics, then whoever listens. Nothing here talks to the chain or to a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from keepers.sender.chain import receipt_facts
from keepers.sender.metrics import Event, LaneMetrics
from keepers.sender.policy import Broadcast, Fees, Mined, Settled, Signed, TransactionState
from keepers.sender.port import Listener, Outcome, Result
from keepers.sender.transaction import SignedTransaction, decode
from runtime.clock import Clock
from runtime.journal import Journal, Purpose, TransactionDraft
from runtime.tracing.ids import trace_id_of

log: structlog.stdlib.BoundLogger = structlog.get_logger("sender")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Signed bytes at a slot's nonce."""

    hash: str
    raw: bytes
    fees: Fees
    purpose: Purpose
    reason: str = ""
    """Why the attempt before it was given up."""


@dataclass(slots=True, eq=False, kw_only=True)
class Slot:
    """A nonce, every attempt at it (the one that counts is last), and how far it has come."""

    nonce: int
    attempts: list[Attempt]
    state: TransactionState
    intent_keys: tuple[str, ...]
    expires_at: int
    signed_at: float
    written_at: float | None = None
    is_changing: bool = False
    """A replacement is being signed: leave the slot alone until it is."""

    @property
    def newest(self) -> Attempt:
        """The attempt that is sent again."""
        return self.attempts[-1]

    @property
    def is_waiting(self) -> bool:
        """Whether it still wants to be mined."""
        return isinstance(self.state, Signed | Broadcast)


class LaneBook:
    """The slots of one lane."""

    def __init__(self, lane: str, *, journal: Journal, clock: Clock, metrics: LaneMetrics) -> None:
        self.lane = lane
        self.next_nonce = 0
        self.closed_below = 0
        """Nonces below this are beyond doubt."""
        self.slots: dict[int, Slot] = {}
        self.listeners: list[Listener] = []
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._hash_to_slot: dict[str, Slot] = {}

    @property
    def waiting(self) -> int:
        """How many transactions are signed and not mined."""
        return sum(slot.is_waiting for slot in self.slots.values())

    @property
    def owed_wei(self) -> int:
        """The most that what is signed and not mined may cost."""
        waiting = (slot.newest for slot in self.slots.values() if slot.is_waiting)
        return sum(decode(each.raw).gas * each.fees.max_fee for each in waiting)

    def of_hash(self, tx_hash: str) -> Slot | None:
        """Find the slot that a transaction of ours belongs to."""
        return self._hash_to_slot.get(tx_hash)

    def draft(
        self,
        signed: SignedTransaction,
        *,
        purpose: Purpose,
        expires_at: int,
        decided_at: float | None = None,
        signing_at: float | None = None,
    ) -> TransactionDraft:
        """Put signed bytes into the journal's form; both times are wall-clock seconds."""
        transaction = signed.transaction
        return TransactionDraft(
            lane=self.lane,
            nonce=transaction.nonce,
            raw=signed.raw,
            hash=signed.hash,
            gas=transaction.gas,
            max_fee=transaction.max_fee,
            tip=transaction.tip,
            expires_at=expires_at,
            purpose=purpose,
            decided_at=decided_at,
            signing_at=signing_at,
        )

    def add(self, slot: Slot) -> None:
        """Take care of a slot whose bytes are durable."""
        self.slots[slot.nonce] = slot
        for attempt in slot.attempts:
            self._hash_to_slot[attempt.hash] = slot
        self.next_nonce = max(self.next_nonce, slot.nonce + 1)

    def signed(self, draft: TransactionDraft, intent_keys: tuple[str, ...]) -> Slot:
        """Open a slot for bytes that were journaled a moment ago."""
        fees = Fees(max_fee=draft.max_fee, tip=draft.tip)
        slot = Slot(
            nonce=draft.nonce,
            attempts=[Attempt(hash=draft.hash, raw=draft.raw, fees=fees, purpose=draft.purpose)],
            state=Signed(
                nonce=draft.nonce, purpose=draft.purpose, fees=fees, expires_at=draft.expires_at
            ),
            intent_keys=intent_keys,
            expires_at=draft.expires_at,
            signed_at=self._clock.monotonic(),
        )
        self.add(slot)
        self._metrics.count(Event.SIGNED)
        return slot

    def resigned(self, slot: Slot, draft: TransactionDraft, reason: str) -> None:
        """Make another attempt durable and current."""
        self._journal.replaced(slot.newest.hash, draft, reason)
        fees = Fees(max_fee=draft.max_fee, tip=draft.tip)
        attempt = Attempt(
            hash=draft.hash, raw=draft.raw, fees=fees, purpose=draft.purpose, reason=reason
        )
        slot.attempts.append(attempt)
        self._hash_to_slot[draft.hash] = slot
        slot.state = Signed(
            nonce=slot.nonce, purpose=draft.purpose, fees=fees, expires_at=slot.expires_at
        )
        is_call = draft.purpose is Purpose.CALL
        self._metrics.count(Event.REPLACED if is_call else Event.CANCEL_SIGNED)
        self._tell("transaction_replaced", slot, reason=reason, max_fee_wei=draft.max_fee)

    def leaving(self, slot: Slot) -> None:
        """Note that the newest bytes are handed to the socket."""
        now = self._clock.monotonic()
        match slot.state:
            case Signed(nonce=nonce, purpose=purpose, fees=fees, expires_at=expires_at):
                slot.state = Broadcast(
                    nonce=nonce,
                    purpose=purpose,
                    fees=fees,
                    expires_at=expires_at,
                    attempt_at=now,
                    sent_at=now,
                )
            case Broadcast(sends=sends) as state:
                slot.state = replace(state, sends=sends + 1, sent_at=now, is_wanted_again=False)
                self._metrics.count(Event.REBROADCAST)
            case Mined() | Settled():
                pass

    def left(self, slot: Slot, attempt: Attempt, *, written_at: float) -> None:
        """Record that an attempt left."""
        if slot.written_at is None:
            slot.written_at = written_at
        if self._journal.sent(attempt.hash):
            self._metrics.count(Event.SENT)

    def mined(
        self, slot: Slot, attempt: Attempt, receipt: Mapping[str, object], *, head: int
    ) -> None:
        """Record a receipt; seeing the same one again only confirms it."""
        facts = receipt_facts(receipt)
        if isinstance(slot.state, Settled):
            return
        if isinstance(slot.state, Mined) and (
            attempt is not slot.newest or facts.block != slot.state.block
        ):
            self.taken_back(slot, f"mined again, in block {facts.block}")
        was = slot.state
        self._journal.mined(
            attempt.hash, block=facts.block, status=facts.status, gas_used=facts.gas_used
        )
        slot.state = Mined(
            nonce=slot.nonce,
            block=facts.block,
            verified_at=max(head, facts.block),
            looked_up_at=self._clock.monotonic(),
        )
        # The attempt that won is the one to send again should the chain take it back.
        slot.attempts.remove(attempt)
        slot.attempts.append(attempt)
        if isinstance(was, Mined):
            return
        self._observe_receipt(slot)
        _, event = _result_of(attempt.purpose, facts.status)
        self._metrics.count(event)
        self.tell_mined(slot, receipt)

    def tell_mined(self, slot: Slot, receipt: Mapping[str, object]) -> None:
        """Tell listeners of a receipt; also of one that an earlier process may not have told of."""
        facts, attempt = receipt_facts(receipt), slot.newest
        result, _ = _result_of(attempt.purpose, facts.status)
        self._tell("transaction_mined", slot, result=result, block=facts.block)
        if attempt.purpose is Purpose.CALL:
            self._announce(slot, result, receipt=receipt)
        else:
            self._announce(slot, result, reason=attempt.reason)

    def missed(self, slot: Slot) -> None:
        """Note a look-up that found no receipt."""
        now = self._clock.monotonic()
        if isinstance(slot.state, Broadcast | Mined):
            slot.state = replace(slot.state, misses=slot.state.misses + 1, looked_up_at=now)

    def taken_back(self, slot: Slot, reason: str) -> None:
        """Put a mined slot back to be broadcast: the chain forgot it."""
        newest = slot.newest
        self._journal.reorged(newest.hash, reason)
        now = self._clock.monotonic()
        slot.state = Broadcast(
            nonce=slot.nonce,
            purpose=newest.purpose,
            fees=newest.fees,
            expires_at=slot.expires_at,
            attempt_at=now,
            sent_at=now,
            sends=0,
        )
        self._metrics.count(Event.TAKEN_BACK)
        self._tell("transaction_taken_back", slot, reason=reason)
        self._announce(slot, Result.TAKEN_BACK, reason=reason)

    def reopened(self, slot: Slot, reason: str) -> None:
        """Take care again of a slot that was closed; its journal says already that it is on its way."""
        self.add(slot)
        self.closed_below = min(self.closed_below, slot.nonce)
        self._metrics.count(Event.TAKEN_BACK)
        self._tell("transaction_taken_back", slot, reason=reason)
        self._announce(slot, Result.TAKEN_BACK, reason=reason)

    def finalised(self, slot: Slot) -> None:
        """Close a slot for good."""
        self._journal.final(slot.newest.hash)
        self._metrics.count(Event.FINAL)
        self._close(slot)
        if slot.newest.purpose is Purpose.CALL:
            self._announce(slot, Result.FINAL)

    def failed(self, slot: Slot, reason: str) -> None:
        """Close a slot whose nonce went to somebody else."""
        self._journal.failed(slot.newest.hash, reason)
        self._metrics.count(Event.FAILED)
        self._close(slot)
        self._tell("transaction_failed", slot, reason=reason)
        self._announce(slot, Result.FAILED, reason=reason)

    def show(self) -> None:
        """Bring the metrics up to date."""
        now = self._clock.monotonic()
        ages = [now - slot.signed_at for slot in self.slots.values() if slot.is_waiting]
        self._metrics.show_queue(
            in_flight=len(ages), oldest_seconds=max(ages, default=0.0), next_nonce=self.next_nonce
        )

    def _close(self, slot: Slot) -> None:
        slot.state = Settled(nonce=slot.nonce)
        self.slots.pop(slot.nonce, None)
        self.closed_below = max(self.closed_below, slot.nonce + 1)
        for attempt in slot.attempts:
            self._hash_to_slot.pop(attempt.hash, None)

    def _observe_receipt(self, slot: Slot) -> None:
        if slot.written_at is not None:
            self._metrics.receipt(self._clock.monotonic() - slot.written_at)

    def _announce(
        self,
        slot: Slot,
        result: Result,
        *,
        receipt: Mapping[str, object] | None = None,
        reason: str = "",
    ) -> None:
        outcome = Outcome(
            lane=self.lane,
            nonce=slot.nonce,
            transaction_hash=slot.newest.hash,
            intent_keys=slot.intent_keys,
            result=result,
            receipt=receipt,
            reason=reason,
        )
        for listener in self.listeners:
            listener(outcome)

    def _tell(self, event: str, slot: Slot, **facts: object) -> None:
        log.info(
            event,
            lane=self.lane,
            nonce=slot.nonce,
            transaction=slot.newest.hash,
            attempts=len(slot.attempts),
            intents=len(slot.intent_keys),
            trace_ids=[trace_id_of(key) for key in slot.intent_keys],
            **facts,
        )


def _result_of(purpose: Purpose, status: int) -> tuple[Result, Event]:
    match purpose:
        case Purpose.CALL:
            ok = status == 1
            return (Result.MINED, Event.MINED) if ok else (Result.REVERTED, Event.REVERTED)
        case Purpose.CANCEL_EXPIRED:
            return Result.EXPIRED, Event.CANCELLED
        case Purpose.CANCEL_REFUSED | Purpose.FILL_GAP:
            return Result.CANCELLED, Event.CANCELLED
