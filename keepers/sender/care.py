"""Doing what the policy says: send, replace, cancel, look up.

A signature for a replacement or a cancel is journaled before it is sent, exactly as the first one, and
is dropped if the slot was mined while it was being made. A lane that is halted for a foreign nonce
signs nothing: it only sends what it had signed and looks for receipts.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

import structlog

from keepers.sender.book import Attempt, LaneBook, Slot
from keepers.sender.chain import Chain, checked_receipt
from keepers.sender.fees import FeeBook
from keepers.sender.halts import Halts
from keepers.sender.metrics import Halt, LaneMetrics
from keepers.sender.policy import (
    Broadcast,
    Cancel,
    DeclareForeign,
    Fees,
    Finalise,
    Head,
    LookUp,
    Policy,
    Replace,
    Send,
    TakeBack,
    Wait,
    next_step,
)
from keepers.sender.signer import Signer
from keepers.sender.transaction import Transaction, decode
from runtime.clock import Clock
from runtime.errors import TransientError
from runtime.journal import Journal, Purpose
from runtime.rpc.submissions import SubmissionStatus
from runtime.rpc.submit import SubmissionFuture, SubmissionReply

_GAP_PATIENCE_SECONDS = 0.25
"""Neighbours sent together may overtake each other; only then does a gap need repair."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("sender")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a lane works with."""

    chain: Chain
    signer: Signer
    journal: Journal
    clock: Clock
    policy: Policy
    fees: FeeBook
    metrics: LaneMetrics
    cancel_gas: int


class Care:
    """Looks after the slots of one lane."""

    def __init__(self, tools: Tools, book: LaneBook, halts: Halts, wake: asyncio.Event) -> None:
        self._tools = tools
        self._book = book
        self._halts = halts
        self._wake = wake
        self.foreign: set[int] = set()
        """Nonces of ours that somebody else seems to have used."""
        self._pending: set[SubmissionFuture] = set()
        self._failure: Exception | None = None

    async def look_after_all(self, head: Head) -> None:
        """Take every slot's step at once: receipts are asked for side by side, bytes leave in order."""
        slots = [self._book.slots[nonce] for nonce in sorted(self._book.slots)]
        results = await asyncio.gather(
            *(self.look_after(slot, head) for slot in slots), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in sorted(failures, key=lambda each: isinstance(each, TransientError)):
            raise failure

    async def look_after(self, slot: Slot, head: Head) -> None:
        """Take the one step that the policy names."""
        if slot.is_changing:
            return
        tools = self._tools
        step = next_step(slot.state, head, tools.clock.monotonic(), tools.policy)
        match step:
            case Wait():
                pass
            case Send():
                self.send(slot)
            case Replace(fees=fees, reason=reason):
                await self._resign(slot, self._dearer(slot, fees), slot.newest.purpose, reason)
            case Cancel(fees=fees, purpose=purpose, reason=reason):
                await self._resign(slot, self._cancel(slot.nonce, fees), purpose, reason)
            case LookUp():
                await self.look_up(slot, head.number)
            case TakeBack(reason=reason):
                self._book.taken_back(slot, reason)
            case DeclareForeign(reason=reason):
                self._declare_foreign(slot.nonce, reason)
                await self.look_up(slot, head.number)
            case Finalise():
                self._book.finalised(slot)
            case _:
                assert_never(step)

    def send(self, slot: Slot) -> float | None:
        """Write the newest attempt's bytes; gives when, or None if no way out was open."""
        attempt = slot.newest
        try:
            future = self._tools.chain.start(attempt.raw, tx_hash=attempt.hash)
        except TransientError as error:
            log.warning("nothing_written", lane=self._book.lane, error=str(error))
            return None
        self._book.leaving(slot)
        self._pending.add(future)
        future.add_done_callback(lambda _: self._answered(slot, attempt, future))
        # An event loop may hold the write until its callback ends: the record can wait, the bytes not.
        asyncio.get_running_loop().call_soon(self._left, slot, attempt, future.written_at)
        return future.written_at

    async def look_up(self, slot: Slot, head: int) -> None:
        """Ask for the receipt of every attempt, newest first."""
        before = slot.state
        for attempt in reversed(tuple(slot.attempts)):
            receipt = await self._tools.chain.receipt(attempt.hash)
            if receipt is not None:
                self._book.mined(slot, attempt, receipt, head=head)
                self._settle_doubt(slot.nonce)
                return
        if slot.state is before:
            self._book.missed(slot)

    async def fill(self, nonce: int, fees: Fees) -> None:
        """Use up a nonce that nothing of ours can fill, so that those above it can move."""
        signed = await self._tools.signer.sign(self._cancel(nonce, fees))
        draft = self._book.draft(signed, purpose=Purpose.FILL_GAP, expires_at=0)
        self._tools.journal.sign((), draft)
        log.warning("gap_filled", lane=self._book.lane, nonce=nonce)
        self.send(self._book.signed(draft, ()))

    async def drain(self) -> None:
        """Wait for the replies to what was written."""
        if self._pending:
            await asyncio.wait(tuple(self._pending))

    def raise_failure(self) -> None:
        """Raise what the handling of a reply raised: a callback's error would only be logged."""
        if self._failure is not None:
            raise self._failure

    def resume_if_unstuck(self) -> None:
        """Let the lane go on once every cancel that a node refused was taken after all."""
        states = [slot.state for slot in self._book.slots.values()]
        if not any(isinstance(s, Broadcast) and s.refusal and _is_cancel(s) for s in states):
            self._halts.clear(Halt.REFUSED, "the refused cancel is out of the way")

    def _left(self, slot: Slot, attempt: Attempt, written_at: float) -> None:
        try:
            self._book.left(slot, attempt, written_at=written_at)
        except Exception as error:  # noqa: BLE001 - raised again by the lane's own task
            self._failure = error
            self._wake.set()

    def _answered(self, slot: Slot, attempt: Attempt, future: SubmissionFuture) -> None:
        self._pending.discard(future)
        if future.cancelled():
            return
        try:
            self._heed(slot, attempt, future.result())
        except Exception as error:  # noqa: BLE001 - raised again by the lane's own task
            self._failure = error
            self._wake.set()

    def _heed(self, slot: Slot, attempt: Attempt, reply: SubmissionReply) -> None:
        state = slot.state
        match reply.status:
            case SubmissionStatus.MINED if reply.receipt is not None:
                self._mined(slot, attempt, reply.receipt)
                return
            case SubmissionStatus.INSUFFICIENT_FUNDS:
                self._halts.set(Halt.FUNDS, f"the key cannot pay: {reply.reason}")
            case SubmissionStatus.NONCE_GAP:
                self._want_again_below(slot.nonce)
            case SubmissionStatus.NONCE_TOO_LOW:
                self._wake.set()
            case _:
                pass
        if not isinstance(state, Broadcast) or attempt is not slot.newest:
            return
        match reply.status:
            case SubmissionStatus.UNDERPRICED_REPLACEMENT | SubmissionStatus.FEE_TOO_LOW:
                slot.state = replace(state, is_underpriced=True)
                self._wake.set()
            case SubmissionStatus.REJECTED | SubmissionStatus.GAS_TOO_LOW:
                self._refused(slot, state, reply.reason)
            case _:
                pass

    def _mined(self, slot: Slot, attempt: Attempt, receipt: Mapping[str, object]) -> None:
        try:
            receipt = checked_receipt(receipt)
        except TransientError as error:
            # Sent it was: the receipt is looked up as any other.
            log.warning("receipt_unreadable", lane=self._book.lane, error=str(error))
            return
        self._book.mined(slot, attempt, receipt, head=0)

    def _refused(self, slot: Slot, state: Broadcast, reason: str) -> None:
        log.warning("transaction_refused", lane=self._book.lane, nonce=slot.nonce, reason=reason)
        slot.state = replace(state, refusal=reason or "no reason given")
        self._wake.set()
        if _is_cancel(state):
            # Nothing softer is left to get this nonce used: a person must look.
            self._halts.set(Halt.REFUSED, f"a node refused the cancel of {slot.nonce}: {reason}")

    def _want_again_below(self, nonce: int) -> None:
        now = self._tools.clock.monotonic()
        for slot in self._book.slots.values():
            state = slot.state
            is_late = isinstance(state, Broadcast) and now - state.sent_at > _GAP_PATIENCE_SECONDS
            if slot.nonce < nonce and isinstance(state, Broadcast) and is_late:
                slot.state = replace(state, is_wanted_again=True)
                self._wake.set()

    def _declare_foreign(self, nonce: int, reason: str) -> None:
        self.foreign.add(nonce)
        self._tools.metrics.foreign_nonce()
        self._halts.set(Halt.FOREIGN_NONCE, reason)

    def _settle_doubt(self, nonce: int) -> None:
        self.foreign.discard(nonce)
        if not self.foreign:
            self._halts.clear(Halt.FOREIGN_NONCE, "the receipt was only late")

    async def _resign(
        self, slot: Slot, transaction: Transaction, purpose: Purpose, reason: str
    ) -> None:
        if Halt.FOREIGN_NONCE in self._halts or Halt.UNKNOWN_NONCES in self._halts:
            return
        before, slot.is_changing = slot.state, True
        try:
            signed = await self._tools.signer.sign(transaction)
        except TransientError as error:
            log.warning("signer_unavailable", lane=self._book.lane, error=str(error))
            return
        finally:
            slot.is_changing = False
        if slot.state is not before:
            return
        draft = self._book.draft(signed, purpose=purpose, expires_at=slot.expires_at)
        self._book.resigned(slot, draft, reason)
        self.send(slot)

    def _dearer(self, slot: Slot, fees: Fees) -> Transaction:
        call = decode(slot.newest.raw)
        return replace(call, max_fee=fees.max_fee, tip=fees.tip)

    def _cancel(self, nonce: int, fees: Fees) -> Transaction:
        tools = self._tools
        return Transaction(
            chain_id=tools.signer.chain_id,
            nonce=nonce,
            tip=fees.tip,
            max_fee=fees.max_fee,
            gas=tools.cancel_gas,
            to=tools.signer.address,
            value=0,
            data=b"",
        )


def _is_cancel(state: Broadcast) -> bool:
    return state.purpose is not Purpose.CALL
