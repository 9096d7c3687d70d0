"""The sender of a dry run: journals what would have been sent, signs nothing, holds no key.

It speaks the same Protocol as a lane, so that no duty knows of dry runs. An intent stays in flight
until it expires, as it would with a real sender, so that the journal shows one line per decision.
"""

import asyncio
from collections.abc import Sequence

import structlog

from keepers.sender.port import CallBuilder, Listener, Outcome, Refusal, Result, Ticket
from keepers.sender.transaction import address_text
from runtime.clock import Clock
from runtime.journal import Intent, Journal
from runtime.supervise import sleep_unless
from venues.port import Call

_PERIOD_SECONDS = 1.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("sender")


class ShadowSender:
    """Says what a lane would have done."""

    def __init__(self, name: str, *, journal: Journal, clock: Clock) -> None:
        self.name = name
        self._journal = journal
        self._clock = clock
        self._listeners: list[Listener] = []

    async def submit(
        self,
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        *,
        expires_at: int,
        decided_at: float | None = None,  # noqa: ARG002 - nothing is written
    ) -> Ticket:
        """Record the intents and the call that would have carried them."""
        new = self._journal.unknown(intents)
        if not new or (isinstance(call, Call) and len(new) < len(intents)):
            why = f"{len(intents) - len(new)} of {len(intents)} intents are in the journal already"
            return Ticket(refusal=Refusal.DUPLICATE, reason=why)
        wanted = call if isinstance(call, Call) else call(new)
        self._journal.plan(new)
        reason = (
            f"would have sent 0x{wanted.data[:4].hex()} to {address_text(wanted.to)} with "
            f"{wanted.gas} gas, valid until {expires_at}"
        )
        log.info(
            "would_have_sent",
            lane=self.name,
            intents=len(new),
            trace_ids=[intent.trace_id for intent in new],
            reason=reason,
        )
        keys = tuple(intent.key for intent in new)
        self._announce(keys, reason)
        return Ticket(intents=tuple(new), reason=reason)

    def subscribe(self, listener: Listener) -> None:
        """Tell this listener of everything that would have been sent."""
        self._listeners.append(listener)

    async def run(self, stop: asyncio.Event) -> None:
        """Let intents expire in their time, until `stop`."""
        while not await sleep_unless(stop, _PERIOD_SECONDS):
            self.expire()

    def expire(self) -> None:
        """End the intents whose time has passed."""
        now = self._clock.now()
        over = [intent.key for intent in self._journal.planned() if intent.expires_at <= now]
        for key in over:
            self._journal.settle(key, Result.WOULD_HAVE_SENT)
        if over:
            self._journal.expired(over, "dry run: nothing was sent")

    def _announce(self, keys: tuple[str, ...], reason: str) -> None:
        outcome = Outcome(
            lane=self.name,
            nonce=0,
            transaction_hash="",
            intent_keys=keys,
            result=Result.WOULD_HAVE_SENT,
            receipt=None,
            reason=reason,
        )
        for listener in self._listeners:
            listener(outcome)
