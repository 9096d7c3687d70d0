"""One key, one queue: ordered nonces, a bounded number in flight, and nothing sent unjournaled.

The fast path is `submit`: sign, one durable commit, bytes on the socket; the rest happens in `run`, which
must be supervised. A nonce is taken only by bytes that are durable, and the journal's lock makes sure
that no other process has the lane. Urgent work and housekeeping get a lane and a key each, so that one
never waits behind the other.
"""

import asyncio
import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from keepers.sender.book import LaneBook
from keepers.sender.care import Care, Tools
from keepers.sender.halts import Halts
from keepers.sender.metrics import Halt
from keepers.sender.policy import Head, is_gap
from keepers.sender.port import CallBuilder, Listener, Refusal, Ticket
from keepers.sender.recovery import read_head, recover, reopen
from keepers.sender.transaction import Transaction
from runtime.errors import TransientError
from runtime.journal import DuplicateIntentError, Intent, Purpose
from runtime.supervise import sleep_unless
from venues.port import Call

_HOUSEKEEPING_SECONDS = 10.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("sender")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSettings:
    """How a lane paces itself."""

    window: int = 32
    """Transactions signed and not mined; chains bound this too (MegaETH: 500)."""
    poll_seconds: float = 0.1
    """Between two looks at the chain while something is in flight."""
    idle_seconds: float = 1.0
    balance_every_seconds: float = 30.0
    balance_floor_wei: int = 0
    acknowledge_foreign: bool = False
    """An operator has looked into foreign nonces: go on from where the chain is. For one start
    only: a lane that always acknowledges would never raise the alarm."""


class Lane:
    """A sender with a key."""

    def __init__(self, name: str, tools: Tools, settings: LaneSettings) -> None:
        self.name = name
        self._tools = tools
        self._settings = settings
        self._wake = asyncio.Event()
        self._halts = Halts(name, tools.metrics)
        self._book = LaneBook(name, journal=tools.journal, clock=tools.clock, metrics=tools.metrics)
        self._care = Care(tools, self._book, self._halts, self._wake)
        self._signing = asyncio.Lock()
        self._head: Head | None = None
        self._is_stopping = False
        self._paused = ""
        self._noted: dict[str, int] = {}
        self._balance_due = 0.0
        self._housekeeping_due = 0.0
        self._balance_at_halt: int | None = None

    # --- for duties -------------------------------------------------------------------------------

    async def submit(
        self,
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        *,
        expires_at: int,
        decided_at: float | None = None,
    ) -> Ticket:
        """Sign, make durable, write; see `Sender.submit`."""
        async with self._signing:
            refused = self._why_not(expires_at)
            if refused is None:
                ticket = await self._sign_and_send(intents, call, expires_at, decided_at)
            else:
                ticket = refused
        if ticket.refusal is not None:
            self._tools.metrics.refused(ticket.refusal)
        return ticket

    def subscribe(self, listener: Listener) -> None:
        """Tell this listener of every outcome."""
        self._book.listeners.append(listener)

    def note_mined(self, tx_hash: str, block: int) -> None:
        """Hear from the event stream that a transaction is in a block; others' are ignored."""
        if self._book.of_hash(tx_hash) is not None:
            self._noted[tx_hash] = block
            self._wake.set()

    # --- for operators ----------------------------------------------------------------------------

    @property
    def why_halted(self) -> str:
        """Why nothing new is signed, in words; empty while the lane works."""
        if self._head is None:
            return "the lane has not looked at the chain yet"
        return "; ".join(filter(None, (self._paused, self._halts.reason)))

    def pause(self, reason: str) -> None:
        """Sign nothing new until `unpause`; what is on its way is looked after as ever."""
        self._paused = reason
        self._tools.metrics.show_halt(Halt.PAUSED, is_set=True)
        log.warning("lane_paused", lane=self.name, reason=reason)

    def unpause(self) -> None:
        """Sign again, as far as the pause is concerned."""
        self._paused = ""
        self._tools.metrics.show_halt(Halt.PAUSED, is_set=False)
        log.warning("lane_unpaused", lane=self.name)

    @property
    def address(self) -> bytes:
        """The key's address."""
        return self._tools.signer.address

    @property
    def in_flight(self) -> int:
        """How many transactions are signed and not mined."""
        return self._book.waiting

    @property
    def next_nonce(self) -> int:
        """The nonce to be signed next."""
        return self._book.next_nonce

    async def acknowledge_foreign_nonces(self) -> None:
        """Go on after an operator has found out who used the key."""
        for nonce in sorted(self._care.foreign):
            self._book.failed(self._book.slots[nonce], f"nonce {nonce} was used elsewhere")
        self._care.foreign.clear()
        head = await read_head(self._tools, self._head)
        if head.nonce > self._book.next_nonce:
            self._tools.journal.adopt_nonce(self.name, head.nonce)
            self._book.next_nonce = head.nonce
        self._halts.clear(Halt.FOREIGN_NONCE, "acknowledged by an operator")
        self._halts.clear(Halt.UNKNOWN_NONCES, "acknowledged by an operator")

    # --- for the composition root -----------------------------------------------------------------

    async def start(self) -> None:
        """Recover from the journal; raises `TransientError` while the chain does not answer."""
        self._head = await recover(
            self._tools,
            self._book,
            self._halts,
            self._care,
            acknowledge_foreign=self._settings.acknowledge_foreign,
        )
        if self._settings.acknowledge_foreign:
            await self.acknowledge_foreign_nonces()

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the queue until `stop`, then wait for the replies to what was written."""
        while not stop.is_set():
            try:
                if self._head is None:
                    await self.start()
                await self.run_once()
            except TransientError as error:
                log.warning("chain_not_seen", lane=self.name, error=str(error))
                await sleep_unless(stop, self._settings.idle_seconds)
            else:
                await self._pause(stop)
        self._is_stopping = True
        await self._care.drain()

    async def run_once(self) -> None:
        """Look at the chain once and take the due steps."""
        self._care.raise_failure()
        head = self._head = await read_head(self._tools, self._head)
        await self._check_balance()
        await self._look_up_noted(head)
        if head.nonce < self._book.closed_below:
            await reopen(self._tools, self._book, head)
        self._check_foreign(head)
        await self._fill_gap(head)
        await self._care.look_after_all(head)
        self._care.resume_if_unstuck()
        self._book.show()
        self._keep_house()

    # --- inside -----------------------------------------------------------------------------------

    def _why_not(self, expires_at: int) -> Ticket | None:
        if self._head is None or self._is_stopping:
            why = "the lane is stopping" if self._is_stopping else self.why_halted
            return Ticket(refusal=Refusal.NOT_READY, reason=why)
        if self.why_halted:
            return Ticket(refusal=Refusal.LANE_HALTED, reason=self.why_halted)
        if self._book.waiting >= self._settings.window:
            why = f"{self._book.waiting} transactions are in flight"
            return Ticket(refusal=Refusal.LANE_FULL, reason=why)
        if expires_at <= self._head.timestamp:
            why = f"it expires at {expires_at}, chain time is {self._head.timestamp}"
            return Ticket(refusal=Refusal.EXPIRED, reason=why)
        return None

    async def _sign_and_send(
        self,
        intents: Sequence[Intent],
        call: Call | CallBuilder,
        expires_at: int,
        decided_at: float | None,
    ) -> Ticket:
        tools, fees = self._tools, self._tools.fees.suggested
        new = tools.journal.unknown(intents)
        if not new or (isinstance(call, Call) and len(new) < len(intents)):
            why = f"{len(intents) - len(new)} of {len(intents)} intents are in the journal already"
            return Ticket(refusal=Refusal.DUPLICATE, reason=why)
        wanted = call if isinstance(call, Call) else call(new)
        transaction = Transaction(
            chain_id=tools.signer.chain_id,
            nonce=self._book.next_nonce,
            tip=fees.tip,
            max_fee=fees.max_fee,
            gas=wanted.gas,
            to=wanted.to,
            value=0,
            data=wanted.data,
        )
        signing_at = tools.clock.now()
        since_decided = None if decided_at is None else tools.clock.monotonic() - decided_at
        try:
            signed = await tools.signer.sign(transaction)
        except TransientError as error:
            return Ticket(refusal=Refusal.SIGNER_UNAVAILABLE, reason=str(error))
        draft = self._book.draft(
            signed,
            purpose=Purpose.CALL,
            expires_at=expires_at,
            decided_at=None if since_decided is None else signing_at - since_decided,
            signing_at=signing_at,
        )
        try:
            tools.journal.plan_and_sign(new, draft)
        except DuplicateIntentError as error:
            # Another lane was faster while our signer was thinking; our bytes are forgotten.
            return Ticket(refusal=Refusal.DUPLICATE, reason=f"{error} is in the journal already")
        slot = self._book.signed(draft, tuple(intent.key for intent in new))
        written_at = self._care.send(slot)
        if written_at is not None and decided_at is not None:
            tools.metrics.written(written_at - decided_at)
        return Ticket(intents=tuple(new), transaction_hash=draft.hash, nonce=draft.nonce)

    async def _look_up_noted(self, head: Head) -> None:
        while self._noted:
            tx_hash, block = self._noted.popitem()
            slot = self._book.of_hash(tx_hash)
            if slot is not None and slot.is_waiting:
                await self._care.look_up(slot, max(head.number, block))

    def _check_foreign(self, head: Head) -> None:
        if head.nonce > self._book.next_nonce and Halt.UNKNOWN_NONCES not in self._halts:
            self._tools.metrics.foreign_nonce()
            self._halts.set(
                Halt.UNKNOWN_NONCES,
                f"the chain has used {head.nonce} nonces, this lane only signed for "
                f"{self._book.next_nonce}: find out who has the key, then acknowledge it",
            )

    async def _fill_gap(self, head: Head) -> None:
        book, tools = self._book, self._tools
        if self._halts.reason or head.nonce < book.closed_below:
            # Below what is closed the endpoint lags; there is no gap.
            return
        held, now = frozenset(book.slots), tools.clock.monotonic()
        if is_gap(head, held, book.next_nonce, now, tools.policy):
            await self._care.fill(head.nonce, head.suggested)

    async def _check_balance(self) -> None:
        now = self._tools.clock.monotonic()
        is_poor = Halt.FUNDS in self._halts
        if now < self._balance_due and not is_poor:
            return
        self._balance_due = now + self._settings.balance_every_seconds
        floor = self._settings.balance_floor_wei
        balance = await self._tools.chain.balance(self._tools.signer.address)
        self._tools.metrics.show_balance(wei=balance, floor_wei=floor)
        if balance < floor:
            log.warning("balance_low", lane=self.name, balance_wei=balance, floor_wei=floor)
        if not is_poor:
            self._balance_at_halt = None
            return
        if self._balance_at_halt is None:
            self._balance_at_halt = balance
        # It may have been topped up before we first looked: then what waits can be paid for.
        is_enough = balance > self._balance_at_halt or balance >= self._book.owed_wei
        if balance >= floor and is_enough:
            self._halts.clear(Halt.FUNDS, "the key was topped up")

    def _keep_house(self) -> None:
        # The file's housekeeping takes a few milliseconds: not before something urgent, but some day.
        late_by = self._tools.clock.monotonic() - self._housekeeping_due
        if late_by < (_HOUSEKEEPING_SECONDS if self._book.waiting else 0.0):
            return
        self._housekeeping_due += late_by + _HOUSEKEEPING_SECONDS
        self._tools.journal.maintain()

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait while nothing is in flight, but never long; a submission must not set off a poll."""
        settings = self._settings
        rounds = math.ceil(settings.idle_seconds / settings.poll_seconds)
        for _ in range(rounds):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settings.poll_seconds):
                    await self._wake.wait()
            if self._wake.is_set() or self._book.waiting or stop.is_set():
                break
        self._wake.clear()
