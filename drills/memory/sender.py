"""A sender without a key: its calls wait for a block of the chain in memory, and outcomes come back.

It speaks the Protocol of the real lane and refuses as that does: what the journal knows, what has expired, and
more than its window. A call is in the chain's queue from the moment of its ticket; each block then tells what
became of it. A transaction that expires is dropped by the chain, where the real lane cancels it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drills.memory.journal import MemoryJournal
from keepers.sender import Listener, Outcome, Refusal, Result, Ticket
from keepers.sender.port import CallBuilder
from risk.units import Seconds
from runtime.journal import Intent
from venues.memory.blocks import Block, Included, Submitted, call_of
from venues.memory.chain import MemoryChain
from venues.port import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePace:
    """How a lane reaches the chain."""

    window: int = 32
    """Transactions sent and not ended, as the real lane's."""
    delay_blocks: int = 1
    """A call lands so many blocks after it was decided, if there is room."""
    final_after_blocks: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    nonce: int
    call: Submitted
    keys: tuple[str, ...]


class MemorySender:
    """One lane of one address."""

    def __init__(
        self,
        name: str,
        *,
        chain: MemoryChain,
        journal: MemoryJournal,
        address: bytes,
        pace: LanePace | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self._chain = chain
        self._journal = journal
        self._pace = pace or LanePace()
        self._listeners: list[Listener] = []
        self._sent: dict[int, _Sent] = {}
        self._mined: list[tuple[int, _Sent]] = []
        self._next_nonce = 0

    @property
    def in_flight(self) -> int:
        """How many transactions are sent and not ended."""
        return len(self._sent)

    def subscribe(self, listener: Listener) -> None:
        """Tell this listener of every outcome."""
        self._listeners.append(listener)

    async def submit(
        self,
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        *,
        expires_at: int,
        decided_at: float | None = None,  # noqa: ARG002 - nothing is measured in real time
    ) -> Ticket:
        """Note the intents and queue their call; see `keepers.sender.Sender`."""
        refused = self._why_not(expires_at)
        if refused is not None:
            return refused
        new = self._journal.unknown(intents)
        if not new or (isinstance(call, Call) and len(new) < len(intents)):
            why = f"{len(intents) - len(new)} of {len(intents)} intents are in the journal already"
            return Ticket(refusal=Refusal.DUPLICATE, reason=why)
        wanted = call_of(call if isinstance(call, Call) else call(new))
        self._journal.plan(new)
        submitted = self._chain.submit(
            wanted.request,
            caller=self.address,
            gas=wanted.gas,
            delay_blocks=self._pace.delay_blocks,
            expires_at=Seconds(expires_at),
        )
        nonce, self._next_nonce = self._next_nonce, self._next_nonce + 1
        keys = tuple(intent.key for intent in new)
        self._sent[submitted.sequence] = _Sent(nonce=nonce, call=submitted, keys=keys)
        return Ticket(intents=tuple(new), transaction_hash=f"0x{submitted.hash.hex()}", nonce=nonce)

    def hear(self, block: Block) -> None:
        """Learn what a block brought, and tell it on."""
        for included in block.ended:
            sent = self._sent.pop(included.call.sequence, None)
            if sent is not None:
                self._ended(sent, included, block.ref.number)
        final_at = block.ref.number - self._pace.final_after_blocks
        while self._mined and self._mined[0][0] <= final_at:
            _, sent = self._mined.pop(0)
            self._journal.ended(sent.keys)
            self._tell(sent, Result.FINAL, None, "")

    def _why_not(self, expires_at: int) -> Ticket | None:
        if len(self._sent) >= self._pace.window:
            why = f"{len(self._sent)} transactions are in flight"
            return Ticket(refusal=Refusal.LANE_FULL, reason=why)
        if expires_at <= self._chain.now:
            why = f"it expires at {expires_at}, chain time is {self._chain.now}"
            return Ticket(refusal=Refusal.EXPIRED, reason=why)
        return None

    def _ended(self, sent: _Sent, included: Included, block: int) -> None:
        if included.receipt is None:
            self._tell(sent, Result.EXPIRED, included, included.reason)
            self._journal.ended(sent.keys)
        elif included.is_carried_out:
            self._mined.append((block, sent))
            self._tell(sent, Result.MINED, included, "")
        else:
            self._tell(sent, Result.REVERTED, included, included.reason)
            self._journal.ended(sent.keys)

    def _tell(self, sent: _Sent, result: Result, included: Included | None, reason: str) -> None:
        outcome = Outcome(
            lane=self.name,
            nonce=sent.nonce,
            transaction_hash=f"0x{sent.call.hash.hex()}",
            intent_keys=sent.keys,
            result=result,
            receipt=None if included is None else included.receipt,
            reason=reason,
        )
        for listener in self._listeners:
            listener(outcome)
