"""Reading the journal, also while a keeper writes to it.

A reader takes no lock and holds nothing up, so `journal show` works on a live file. What is
*in flight* is every intent that is not settled: the planner leaves these alone and nothing else,
so that a failure locks nobody out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from runtime.journal import canonical, rows
from runtime.journal.connection import Connection
from runtime.journal.errors import JournalError
from runtime.journal.records import (
    IntentRecord,
    LaneRecord,
    State,
    TransactionRecord,
    Transition,
)

_INTENT = (
    "SELECT intents.*, payload FROM intents LEFT JOIN payloads ON payloads.intent_id = intents.id"
)


class JournalReader:
    """Questions to a journal."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._db = connection.db

    @classmethod
    def open_to_read(cls, path: Path) -> "JournalReader":
        """Open an existing journal without the right to write."""
        if not path.exists():
            raise JournalError(f"there is no journal at {path}: check the path")
        return JournalReader(Connection(path, read_only=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def intent(self, key: str) -> IntentRecord | None:
        """Find an intent."""
        row = self._db.execute(f"{_INTENT} WHERE key = ?", (key,)).fetchone()
        return None if row is None else rows.intent(row)

    def intents(
        self, *, state: State | None = None, kind: str | None = None, account: str | None = None
    ) -> list[IntentRecord]:
        """List intents, oldest first."""
        found = self._db.execute(
            f"{_INTENT} WHERE state = coalesce(?, state) AND kind = coalesce(?, kind) "
            "AND account = coalesce(?, account) ORDER BY planned_at, key",
            (state, kind, account),
        )
        return [rows.intent(row) for row in found]

    def newest_intent(self, *, kind: str, market: str) -> IntentRecord | None:
        """Find the newest intent of a kind about a market."""
        row = self._db.execute(
            f"{_INTENT} WHERE kind = ? AND market = ? ORDER BY intents.id DESC LIMIT 1",
            (kind, market),
        ).fetchone()
        return None if row is None else rows.intent(row)

    def noted(self, key: str) -> str | None:
        """Give what a duty noted under a key, None before it did."""
        row = self._db.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    def intents_at(self, lane: str, nonce: int) -> list[IntentRecord]:
        """List the intents carried by the transactions of a lane at a nonce."""
        found = self._db.execute(
            f"{_INTENT} WHERE transaction_id IN "  # noqa: S608 - a constant of ours
            "(SELECT id FROM transactions WHERE lane = ? AND nonce = ?) ORDER BY key",
            (lane, nonce),
        )
        return [rows.intent(row) for row in found]

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled: what a planner must not plan again."""
        found = self._db.execute(
            f"{_INTENT} WHERE settled_at IS NULL AND kind = coalesce(?, kind) "
            "ORDER BY planned_at, key",
            (kind,),
        )
        return [rows.intent(row) for row in found]

    def accounts_in_flight(self, kind: str) -> frozenset[tuple[str, str]]:
        """Give (market, account) of every intent in flight, without reading payloads."""
        found = self._db.execute(
            "SELECT market, account FROM intents WHERE settled_at IS NULL AND kind = ?", (kind,)
        )
        return frozenset((row["market"], row["account"]) for row in found)

    def transaction(self, tx_hash: str) -> TransactionRecord | None:
        """Find a transaction of ours."""
        row = self._db.execute("SELECT * FROM transactions WHERE hash = ?", (tx_hash,)).fetchone()
        return None if row is None else rows.transaction(row)

    def transactions_at_or_above(self, lane: str, nonce: int) -> list[TransactionRecord]:
        """List a lane's transactions from a nonce on, in the order of nonce and attempt."""
        found = self._db.execute(
            "SELECT * FROM transactions WHERE lane = ? AND nonce >= ? ORDER BY nonce, attempt",
            (lane, nonce),
        )
        return [rows.transaction(row) for row in found]

    def open_transactions(self, lane: str) -> list[TransactionRecord]:
        """List every attempt at each nonce that still needs care, by nonce and attempt."""
        found = self._db.execute(
            "SELECT * FROM transactions WHERE lane = ? AND nonce IN "
            "(SELECT nonce FROM transactions WHERE state IN ('signed', 'sent', 'mined') "
            "AND lane = ?) ORDER BY nonce, attempt",
            (lane, lane),
        )
        return [rows.transaction(row) for row in found]

    def lanes(self) -> list[LaneRecord]:
        """List the lanes that ever signed."""
        return [rows.lane(row) for row in self._db.execute("SELECT * FROM lanes ORDER BY lane")]

    def history(self, reference: str) -> list[Transition]:
        """List the moves of an intent (by key) or a transaction (by hash), oldest first."""
        found = self._db.execute(
            "SELECT * FROM transitions WHERE (subject = 'intent' AND subject_id IN "
            "(SELECT id FROM intents WHERE key = ?)) OR (subject = 'transaction' AND subject_id IN "
            "(SELECT id FROM transactions WHERE hash = ?)) ORDER BY id",
            (reference, reference),
        )
        return [rows.transition(row, reference) for row in found]

    def counts(self) -> Mapping[str, Mapping[State, int]]:
        """Count transactions by lane and state."""
        counted: dict[str, dict[State, int]] = {}
        for row in self._db.execute(
            "SELECT lane, state, count(*) AS number FROM transactions GROUP BY lane, state"
        ):
            counted.setdefault(row["lane"], {})[State(row["state"])] = row["number"]
        return counted

    def show(self, *, account: str | None = None, limit: int = 100) -> Iterator[dict[str, object]]:
        """Tell the newest intents with their transaction and history, for people."""
        found = self._db.execute(
            "SELECT intents.*, payload, transactions.lane, transactions.nonce, transactions.attempt, "
            "transactions.hash AS transaction_hash, transactions.mined_block, transactions.status, "
            "transactions.gas_used FROM intents "
            "LEFT JOIN payloads ON payloads.intent_id = intents.id "
            "LEFT JOIN transactions ON transactions.id = intents.transaction_id "
            "WHERE account = coalesce(?, account) ORDER BY planned_at DESC, key LIMIT ?",
            (account, limit),
        ).fetchall()
        for row in found:
            line = dict(row)
            del line["id"]
            for column in ("payload", "outcome_detail"):
                text = line[column]
                line[column] = None if text is None else canonical.load(text)
            line["history"] = [
                {"at": move.at, "state": move.to_state, "reason": move.reason}
                for move in self.history(row["key"])
            ]
            yield line
