"""The write-ahead journal: what is about to be done is durable before it is done.

PLANNED -> SIGNED -> SENT -> MINED -> FINAL, or REPLACED, CANCELLED, EXPIRED, FAILED with a reason.
Whatever precedes a side effect (a plan, signed bytes) is flushed to the disk; whatever the chain can
tell again is only written. There is one writer per file. An intent's key is planned once, ever;
its fate never blocks its account, since a later judgement is another key.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from runtime.clock import Clock
from runtime.journal import canonical, retention
from runtime.journal.connection import Connection
from runtime.journal.errors import DuplicateIntentError, JournalError
from runtime.journal.ledger import IntentKnownError, Ledger
from runtime.journal.reader import JournalReader
from runtime.journal.records import Intent, LaneRecord, Purpose, State, TransactionDraft
from runtime.journal.rows import purpose_of, state_of
from runtime.journal.states import PENDING, IllegalTransitionError
from runtime.journal.writer_lock import WriterLock

REVERTED = "reverted"
"""The outcome of every intent of a transaction that was mined and undid itself."""

_NOTE: Final = (
    "INSERT INTO notes (key, value, at) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at"
)
_UNMINED: Mapping[str, float | None] = {"mined_block": None, "status": None, "gas_used": None}


class Journal(JournalReader):
    """A journal that this process alone writes to."""

    def __init__(self, connection: Connection, lock: WriterLock, clock: Clock) -> None:
        super().__init__(connection)
        self._lock = lock
        self._clock = clock
        self._ledger = Ledger(connection.db)
        self.opened_at = clock.now()
        with connection.commit(durable=True) as db:
            cursor = db.execute("INSERT INTO openings (at) VALUES (?)", (self.opened_at,))
            assert cursor.lastrowid is not None
            self.fence = cursor.lastrowid

    @classmethod
    def open(cls, path: Path, clock: Clock, *, max_pages: int | None = None) -> "Journal":
        """Open or create a journal to write to; `max_pages` (of 4 KiB) bounds the file."""
        lock = WriterLock(path)
        try:
            return cls(Connection(path, max_pages=max_pages), lock, clock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Close the file and let another process write."""
        super().close()
        self._lock.release()

    def open_lane(self, lane: str, *, address: str, chain_id: int) -> LaneRecord:
        """Bind a lane to a key and a chain; a bound lane with open transactions keeps both."""
        known = next((record for record in self.lanes() if record.lane == lane), None)
        wanted = LaneRecord(lane=lane, address=address, chain_id=chain_id, next_nonce=None)
        if known is not None:
            if (known.address, known.chain_id) == (address, chain_id):
                return known
            if self.open_transactions(lane):
                raise JournalError(
                    f"lane {lane} has open transactions of {known.address} on chain "
                    f"{known.chain_id}, now it is {address} on chain {chain_id}: "
                    "finish them with the old key, or use another lane name"
                )
        with self._connection.commit(durable=True) as db:
            db.execute(
                "INSERT INTO lanes VALUES (?, ?, ?, NULL) ON CONFLICT (lane) DO UPDATE SET "
                "address = excluded.address, chain_id = excluded.chain_id, next_nonce = NULL",
                (lane, address, chain_id),
            )
        return wanted

    def adopt_nonce(self, lane: str, next_nonce: int) -> None:
        """Accept that a lane's nonces below this one are used, by whomever."""
        with self._connection.commit(durable=True) as db:
            db.execute("UPDATE lanes SET next_nonce = ? WHERE lane = ?", (next_nonce, lane))

    def plan(self, intents: Sequence[Intent]) -> list[Intent]:
        """Record intents durably; give those that were new, which alone may be acted on."""
        at = self._clock.now()
        with self._connection.commit(durable=True):
            recorded = list({each.key: each for each in self.unknown(intents)}.values())
            self._ledger.add_intents(recorded, at=at)
        return recorded

    def unknown(self, intents: Iterable[Intent]) -> list[Intent]:
        """Give the intents that were never recorded."""
        return [intent for intent in intents if not self._ledger.knows(intent.key)]

    def sign(self, keys: Sequence[str], draft: TransactionDraft) -> None:
        """Record signed bytes for planned intents (none for a cancel), before they are sent."""
        at = self._clock.now()
        with self._connection.commit(durable=True):
            transaction_id = self._ledger.add_transaction(draft, fence=self.fence, at=at)
            rows = self._intent_rows(keys)
            self._ledger.carry(rows, transaction_id)
            self._ledger.move_intents(rows, State.SIGNED, at=at)

    def plan_and_sign(self, intents: Sequence[Intent], draft: TransactionDraft) -> None:
        """Record new intents and the bytes that carry them in one durable commit.

        Raises `DuplicateIntentError`, and records nothing, if any of them is known already.
        """
        at = self._clock.now()
        try:
            with self._connection.commit(durable=True):
                transaction_id = self._ledger.add_transaction(draft, fence=self.fence, at=at)
                self._ledger.add_intents(intents, at=at, transaction_id=transaction_id)
        except IntentKnownError as error:
            raise DuplicateIntentError(self._first_twice(intents)) from error

    def replaced(self, tx_hash: str, draft: TransactionDraft, reason: str) -> None:
        """Record another attempt at the nonce of a transaction, before it is sent."""
        at = self._clock.now()
        with self._connection.commit(durable=True):
            old = self._ledger.transaction(tx_hash)
            if (old["lane"], old["nonce"]) != (draft.lane, draft.nonce):
                raise ValueError(f"expected a replacement of {tx_hash} at its own nonce")
            transaction_id = self._ledger.add_transaction(draft, fence=self.fence, at=at)
            why = f"{reason}; replaced by {draft.hash}"
            self._ledger.move_transaction(old, State.REPLACED, at=at, reason=why)
            if draft.purpose is Purpose.CALL:
                carried = self._ledger.intents_at(draft.lane, draft.nonce)
                self._ledger.carry(carried, transaction_id)

    def sent(self, tx_hash: str) -> bool:
        """Note that the bytes left; False if that was known, for sending again is no move."""
        at = self._clock.now()
        with self._connection.commit(durable=False):
            row = self._ledger.transaction(tx_hash)
            if state_of(row["state"]) is not State.SIGNED:
                return False
            facts = {"sent_at": at}
            self._ledger.move_transaction(row, State.SENT, at=at, facts=facts)
            if purpose_of(row["purpose"]) is Purpose.CALL:
                carried = self._ledger.intents_at(row["lane"], row["nonce"])
                signed = [each for each in carried if state_of(each["state"]) is State.SIGNED]
                self._ledger.move_intents(signed, State.SENT, at=at)
        return True

    def mined(
        self, tx_hash: str, *, block: int, status: int, gas_used: int, reason: str = ""
    ) -> None:
        """Note a receipt; the other attempts at the nonce are over, for now."""
        at = self._clock.now()
        facts = {"mined_block": block, "status": status, "gas_used": gas_used}
        with self._connection.commit(durable=False):
            row = self._ledger.transaction(tx_hash)
            if state_of(row["state"]) is State.MINED:
                self._ledger.set_facts(row, facts)
                return
            self._ledger.move_transaction(row, State.MINED, at=at, reason=reason, facts=facts)
            siblings = self._ledger.siblings(row)
            self._end_siblings(row, siblings, at=at)
            carried = self._ledger.intents_at(row["lane"], row["nonce"])
            if purpose_of(row["purpose"]) is Purpose.CALL:
                self._intents_mined(row, carried, status=status, at=at)
            else:
                # What the cancel was for stands with the attempt that it replaced.
                why = reason or (siblings[-1]["reason"] if siblings else "")
                self._intents_cancelled(purpose_of(row["purpose"]), carried, at=at, reason=why)

    def reorged(self, tx_hash: str, reason: str) -> None:
        """Note that the chain took a mined transaction back, final or not: it is in flight again."""
        at = self._clock.now()
        with self._connection.commit(durable=False):
            row = self._once_mined_row(tx_hash)
            self._ledger.move_transaction(row, State.SENT, at=at, reason=reason, facts=_UNMINED)
            carried = self._ledger.intents_at(row["lane"], row["nonce"])
            self._ledger.move_intents(carried, State.SENT, at=at, reason=reason)
            self._ledger.unsettle(carried)

    def final(self, tx_hash: str) -> None:
        """Note that a mined transaction is beyond recall: FINAL, or FAILED if it reverted."""
        at = self._clock.now()
        with self._connection.commit(durable=False):
            row = self._mined_row(tx_hash)
            end = State.FINAL if row["status"] == 1 else State.FAILED
            reason = row["reason"] if end is State.FINAL else row["reason"] or REVERTED
            self._ledger.move_transaction(row, end, at=at, reason=reason)
            if purpose_of(row["purpose"]) is Purpose.CALL:
                carried = self._ledger.intents_at(row["lane"], row["nonce"])
                self._ledger.move_intents(carried, end, at=at, reason=reason)
                self._ledger.settle(carried, at=at)

    def failed(self, tx_hash: str, reason: str) -> None:
        """Note that no attempt at a transaction's nonce can ever be mined, and end its intents."""
        at = self._clock.now()
        with self._connection.commit(durable=False):
            row = self._ledger.transaction(tx_hash)
            for attempt in (row, *self._ledger.siblings(row)):
                if state_of(attempt["state"]) is not State.FAILED:
                    self._ledger.move_transaction(attempt, State.FAILED, at=at, reason=reason)
            carried = self._ledger.intents_at(row["lane"], row["nonce"])
            self._ledger.move_intents(carried, State.FAILED, at=at, reason=reason)
            self._ledger.settle(carried, at=at)

    def expired(self, keys: Sequence[str], reason: str) -> None:
        """End planned intents whose time has passed before anything was signed for them."""
        self._end_planned(keys, State.EXPIRED, reason)

    def cancelled(self, keys: Sequence[str], reason: str) -> None:
        """End planned intents that are no longer wanted."""
        self._end_planned(keys, State.CANCELLED, reason)

    def settle(self, key: str, outcome: str, detail: Mapping[str, object] | None = None) -> None:
        """Record what became of an intent, as seen on the chain; it is in flight no more."""
        self.settle_all([(key, outcome, detail)])

    def settle_all(self, outcomes: Iterable[tuple[str, str, Mapping[str, object] | None]]) -> None:
        """Record what became of several intents (key, outcome, detail) in one commit."""
        at = self._clock.now()
        rows = [
            (outcome, None if detail is None else canonical.dump(detail), at, at, key)
            for key, outcome, detail in outcomes
        ]
        with self._connection.commit(durable=False) as db:
            db.executemany(
                "UPDATE intents SET outcome = ?, outcome_detail = ?, settled_at = ?, "
                "updated_at = ? WHERE key = ?",
                rows,
            )

    def note(self, key: str, value: str) -> None:
        """Remember a text under a key, over restarts; durable before this returns."""
        with self._connection.commit(durable=True) as db:
            db.execute(_NOTE, (key, value, self._clock.now()))

    def note_all(self, notes: Mapping[str, str]) -> None:
        """Remember several texts, all or none; durable before this returns."""
        if not notes:
            return
        now = self._clock.now()
        with self._connection.commit(durable=True) as db:
            db.executemany(_NOTE, [(key, value, now) for key, value in notes.items()])

    def prune(self, before: float, *, kind: str | None = None) -> int:
        """Forget some of what ended before a time, all or of one kind; again until it gives 0."""
        with self._connection.commit(durable=False) as db:
            return retention.prune(db, before, kind)

    def maintain(self) -> None:
        """Do the file's housekeeping; call it when nothing is urgent."""
        self._connection.checkpoint()

    def maintain_apart(self) -> None:
        """Do the same from a thread: nobody is held up."""
        self._connection.checkpoint_apart()

    def _end_planned(self, keys: Sequence[str], end: State, reason: str) -> None:
        at = self._clock.now()
        with self._connection.commit(durable=False):
            found = self._intent_rows(keys)
            self._ledger.move_intents(found, end, at=at, reason=reason)
            self._ledger.settle(found, at=at)

    def _end_siblings(
        self, row: sqlite3.Row, siblings: Sequence[sqlite3.Row], *, at: float
    ) -> None:
        is_call = purpose_of(row["purpose"]) is Purpose.CALL
        end = State.REPLACED if is_call else State.CANCELLED
        alive = PENDING if is_call else PENDING | {State.REPLACED}
        for sibling in siblings:
            if state_of(sibling["state"]) in alive:
                why = f"its nonce went to {row['hash']}"
                self._ledger.move_transaction(sibling, end, at=at, reason=why)

    def _intents_mined(
        self, row: sqlite3.Row, carried: Sequence[sqlite3.Row], *, status: int, at: float
    ) -> None:
        self._ledger.carry(carried, row["id"])
        self._ledger.move_intents(carried, State.MINED, at=at)
        if status != 1:
            self._ledger.settle(carried, at=at)
            self._db.executemany(
                "UPDATE intents SET outcome = ? WHERE key = ?",
                [(REVERTED, intent["key"]) for intent in carried],
            )

    def _intents_cancelled(
        self, purpose: Purpose, carried: Sequence[sqlite3.Row], *, at: float, reason: str
    ) -> None:
        end = State.EXPIRED if purpose is Purpose.CANCEL_EXPIRED else State.CANCELLED
        self._ledger.move_intents(carried, end, at=at, reason=reason)
        self._ledger.settle(carried, at=at)

    def _once_mined_row(self, tx_hash: str) -> sqlite3.Row:
        row = self._ledger.transaction(tx_hash)
        is_ended = state_of(row["state"]) in {State.FINAL, State.FAILED}
        if is_ended and row["mined_block"] is not None:
            return row
        return self._mined_row(tx_hash)

    def _mined_row(self, tx_hash: str) -> sqlite3.Row:
        row = self._ledger.transaction(tx_hash)
        if state_of(row["state"]) is not State.MINED:
            raise IllegalTransitionError(f"expected {tx_hash} to be mined, was {row['state']}")
        return row

    def _first_twice(self, intents: Sequence[Intent]) -> str:
        """Name the first key that is known, or comes again among these."""
        keys = [each.key for each in intents]
        return next(key for key in keys if self._ledger.knows(key) or keys.count(key) > 1)

    def _intent_rows(self, keys: Sequence[str]) -> list[sqlite3.Row]:
        return [self._ledger.intent_row(key) for key in keys]
