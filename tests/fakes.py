"""In-memory stand-ins for unit tests of wiring; the real parts are played in tests/scenarios."""

from collections.abc import Sequence

from keepers.sender import Listener, Outcome, Refusal, Result, Ticket
from keepers.sender.port import CallBuilder
from runtime.journal import Intent
from tests.builders import NOW
from venues.port import Call


class FakeSender:
    """Takes what the journal has not had, once each; or refuses as it was told."""

    def __init__(self) -> None:
        self.taken: list[tuple[Sequence[Intent], Call]] = []
        self.refusal: Refusal | None = None
        self.listeners: list[Listener] = []
        self.known: set[str] = set()

    async def submit(
        self,
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        *,
        expires_at: int,
        decided_at: float | None = None,
    ) -> Ticket:
        assert expires_at > NOW
        assert decided_at is not None
        if self.refusal is not None:
            return Ticket(refusal=self.refusal, reason="as the test says")
        new = [intent for intent in intents if intent.key not in self.known]
        if not new:
            return Ticket(refusal=Refusal.DUPLICATE, reason="all are in the journal")
        self.known |= {intent.key for intent in new}
        self.taken.append((new, call if isinstance(call, Call) else call(new)))
        nonce = len(self.taken) - 1
        return Ticket(intents=tuple(new), transaction_hash=f"0x{nonce}", nonce=nonce)

    def subscribe(self, listener: Listener) -> None:
        self.listeners.append(listener)

    def tell(self, nonce: int, result: Result, *results: object) -> None:
        receipt: dict[str, object] = {
            "blockNumber": "0x65",
            "gasUsed": "0x30d40",
            "results": list(results),
        }
        for listener in self.listeners:
            listener(
                Outcome(
                    lane="urgent",
                    nonce=nonce,
                    transaction_hash=f"0x{nonce}",
                    intent_keys=tuple(intent.key for intent in self.taken[nonce][0]),
                    result=result,
                    receipt=receipt if result is Result.MINED else None,
                    reason="as the test says",
                )
            )
