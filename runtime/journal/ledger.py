"""Single entries: add an intent or a transaction, move one, and write the line of history.

Everything here runs inside a commit of `Connection`; nothing else writes to the tables.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from runtime.journal import canonical
from runtime.journal.errors import DamagedRowError
from runtime.journal.records import Intent, State, Subject, TransactionDraft
from runtime.journal.rows import state_of
from runtime.journal.states import check_move

_ADD_INTENT = """
INSERT INTO intents (id, key, kind, market, account, judged_on, expires_at, state, transaction_id,
                     planned_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_PAYLOAD = "INSERT INTO payloads VALUES (?, ?)"
_ADD_TRANSACTION = """
INSERT INTO transactions (lane, nonce, attempt, purpose, raw, hash, gas, max_fee, tip, expires_at,
                          fence, state, signed_at, updated_at, decided_at, signing_at)
VALUES (?, ?, (SELECT coalesce(max(attempt), 0) + 1 FROM transactions
               WHERE lane = ? AND nonce = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_TRANSITION = """
INSERT INTO transitions (at, subject, subject_id, from_state, to_state, reason)
VALUES (?, ?, ?, ?, ?, ?)
"""
_RAISE_NEXT_NONCE = """
UPDATE lanes SET next_nonce = max(coalesce(next_nonce, 0), ?) WHERE lane = ?
"""
_OF_SLOT = """
SELECT id, key, state FROM intents WHERE transaction_id IN
(SELECT id FROM transactions WHERE lane = ? AND nonce = ?)
"""


class IntentKnownError(Exception):
    """One of the keys to be added is in the journal already: all of the commit is undone."""


class Ledger:
    """The journal's tables, one entry at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add_intents(
        self, intents: Sequence[Intent], *, at: float, transaction_id: int | None = None
    ) -> None:
        """Record wishes; raises `IntentKnownError` if one of the keys is known."""
        state = State.PLANNED if transaction_id is None else State.SIGNED
        (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM intents").fetchone()
        numbered = list(enumerate(intents, start=last + 1))
        wishes = [
            (
                *(number, each.key, each.kind, each.market, each.account, each.judged_on),
                *(each.expires_at, state, transaction_id, at, at),
            )
            for number, each in numbered
        ]
        try:
            self._db.executemany(_ADD_INTENT, wishes)
        except sqlite3.IntegrityError as error:
            raise IntentKnownError from error
        payloads = [(number, canonical.dump(each.payload)) for number, each in numbered]
        self._db.executemany(_ADD_PAYLOAD, payloads)
        moves: list[tuple[State | None, State]] = [(None, State.PLANNED)]
        if transaction_id is not None:
            moves.append((State.PLANNED, State.SIGNED))
        for old, new in moves:
            lines = [(at, Subject.INTENT, number, old, new, "") for number, _ in numbered]
            self._db.executemany(_ADD_TRANSITION, lines)

    def knows(self, key: str) -> bool:
        """Say whether an intent with this key was ever recorded."""
        row = self._db.execute("SELECT 1 FROM intents WHERE key = ?", (key,)).fetchone()
        return row is not None

    def add_transaction(self, draft: TransactionDraft, *, fence: int, at: float) -> int:
        """Record signed bytes as the next attempt at their nonce."""
        slot = (draft.lane, draft.nonce)
        values = (
            *(*slot, *slot, draft.purpose, draft.raw, draft.hash, draft.gas),
            *(draft.max_fee, draft.tip, draft.expires_at, fence, State.SIGNED, at, at),
            *(draft.decided_at, draft.signing_at),
        )
        cursor = self._db.execute(_ADD_TRANSACTION, values)
        assert cursor.lastrowid is not None
        self._tell(cursor.lastrowid, None, State.SIGNED, at=at)
        self._db.execute(_RAISE_NEXT_NONCE, (draft.nonce + 1, draft.lane))
        return cursor.lastrowid

    def move_transaction(
        self,
        row: sqlite3.Row,
        to_state: State,
        *,
        at: float,
        reason: str = "",
        facts: Mapping[str, float | None] | None = None,
    ) -> None:
        """Move a transaction, and set what is newly known about it."""
        from_state = state_of(row["state"])
        check_move(Subject.TRANSACTION, row["hash"], from_state, to_state)
        self.set_facts(row, facts or {})
        self._db.execute(
            "UPDATE transactions SET state = ?, reason = ?, updated_at = ? WHERE id = ?",
            (to_state, reason, at, row["id"]),
        )
        self._tell(row["id"], from_state, to_state, at=at, reason=reason)

    def set_facts(self, row: sqlite3.Row, facts: Mapping[str, float | None]) -> None:
        """Set columns of a transaction; the names are this package's own."""
        for column, value in facts.items():
            self._db.execute(
                f"UPDATE transactions SET {column} = ? WHERE id = ?",  # noqa: S608 - our own names
                (value, row["id"]),
            )

    def move_intents(
        self, rows: Iterable[sqlite3.Row], to_state: State, *, at: float, reason: str = ""
    ) -> None:
        """Move intents; what is in flight and what is settled is not decided here."""
        moved = [(row["id"], row["key"], state_of(row["state"])) for row in rows]
        for _, key, from_state in moved:
            check_move(Subject.INTENT, key, from_state, to_state)
        self._db.executemany(
            "UPDATE intents SET state = ?, reason = ?, updated_at = ? WHERE id = ?",
            [(to_state, reason, at, number) for number, _, _ in moved],
        )
        self._db.executemany(
            _ADD_TRANSITION,
            [
                (at, Subject.INTENT, number, from_state, to_state, reason)
                for number, _, from_state in moved
            ],
        )

    def settle(self, rows: Iterable[sqlite3.Row], *, at: float) -> None:
        """Take intents out of flight."""
        self._db.executemany(
            "UPDATE intents SET settled_at = ? WHERE id = ? AND settled_at IS NULL",
            [(at, row["id"]) for row in rows],
        )

    def unsettle(self, rows: Iterable[sqlite3.Row]) -> None:
        """Put intents back in flight: the chain took back what had become of them."""
        self._db.executemany(
            "UPDATE intents SET settled_at = NULL, outcome = NULL, outcome_detail = NULL "
            "WHERE id = ?",
            [(row["id"],) for row in rows],
        )

    def carry(self, rows: Iterable[sqlite3.Row], transaction_id: int) -> None:
        """Note which transaction carries intents now."""
        self._db.executemany(
            "UPDATE intents SET transaction_id = ? WHERE id = ? AND transaction_id IS NOT ?",
            [(transaction_id, row["id"], transaction_id) for row in rows],
        )

    def transaction(self, tx_hash: str) -> sqlite3.Row:
        """Find a transaction of ours by its hash."""
        row = self._db.execute("SELECT * FROM transactions WHERE hash = ?", (tx_hash,)).fetchone()
        if row is None:
            raise self._absent("SELECT 1 FROM transactions NOT INDEXED WHERE hash = ?", tx_hash)
        assert isinstance(row, sqlite3.Row)
        return row

    def intent_row(self, key: str) -> sqlite3.Row:
        """Find an intent by its key."""
        row = self._db.execute(
            "SELECT id, key, state FROM intents WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            raise self._absent("SELECT 1 FROM intents NOT INDEXED WHERE key = ?", key)
        assert isinstance(row, sqlite3.Row)
        return row

    def _absent(self, unindexed: str, name: str) -> Exception:
        """Say why something was not found: a bug, unless the table has what its index lacks."""
        if self._db.execute(unindexed, (name,)).fetchone() is None:
            return KeyError(name)
        return DamagedRowError(f"an index lacks {name:.100}, which its table has")

    def siblings(self, row: sqlite3.Row) -> list[sqlite3.Row]:
        """Find the other attempts at the same nonce."""
        return self._db.execute(
            "SELECT * FROM transactions WHERE lane = ? AND nonce = ? AND id <> ? ORDER BY attempt",
            (row["lane"], row["nonce"], row["id"]),
        ).fetchall()

    def intents_at(self, lane: str, nonce: int) -> list[sqlite3.Row]:
        """Find the intents that the attempts at this nonce carry."""
        return self._db.execute(_OF_SLOT, (lane, nonce)).fetchall()

    def _tell(
        self,
        transaction_id: int,
        from_state: State | None,
        to_state: State,
        *,
        at: float,
        reason: str = "",
    ) -> None:
        line = (at, Subject.TRANSACTION, transaction_id, from_state, to_state, reason)
        self._db.execute(_ADD_TRANSITION, line)
