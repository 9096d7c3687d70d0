"""Reading the journal, also while a keeper writes to it.

A reader takes no lock and holds nothing up, so `journal show` works on a live file. What is
*in flight* is every intent that is not settled: the planner leaves these alone and nothing else,
so that a failure locks nobody out.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from runtime.journal import rows
from runtime.journal.connection import Connection
from runtime.journal.errors import JournalError, told_to_the_operator
from runtime.journal.records import (
    IntentRecord,
    LaneRecord,
    State,
    TransactionRecord,
    Transition,
)
from runtime.tracing.ids import trace_id_of

_Record = TypeVar("_Record")

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

    def damage(self) -> str | None:
        """Read every page, and give the first thing that is wrong with the file; None: nothing is.

        Takes as long as reading the file does. Raises JournalError for one that cannot be read at all.
        """
        (found,) = self._connection.rows("PRAGMA quick_check(1)")
        word = str(found[0])
        return None if word == "ok" else " ".join(word.split())

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def intent(self, key: str) -> IntentRecord | None:
        """Find an intent."""
        return self._first(rows.intent, f"{_INTENT} WHERE key = ?", (key,))

    def intents(
        self, *, state: State | None = None, kind: str | None = None, account: str | None = None
    ) -> list[IntentRecord]:
        """List intents, oldest first."""
        return self._all(
            rows.intent,
            f"{_INTENT} WHERE state = coalesce(?, state) AND kind = coalesce(?, kind) "
            "AND account = coalesce(?, account) ORDER BY planned_at, key",
            (state, kind, account),
        )

    def planned(self) -> list[IntentRecord]:
        """List the intents that nothing was signed for yet, oldest first; however long the journal is."""
        return self._all(
            rows.intent,
            f"{_INTENT} WHERE settled_at IS NULL AND state = 'planned' ORDER BY planned_at, key",
        )

    def newest_intent(self, *, kind: str, market: str) -> IntentRecord | None:
        """Find the newest intent of a kind about a market."""
        return self._first(
            rows.intent,
            f"{_INTENT} WHERE kind = ? AND market = ? ORDER BY intents.id DESC LIMIT 1",
            (kind, market),
        )

    def noted(self, key: str) -> str | None:
        """Give what a duty noted under a key, None before it did."""
        found = self._connection.rows("SELECT value FROM notes WHERE key = ?", (key,))
        return str(found[0]["value"]) if found else None

    def intents_at(self, lane: str, nonce: int) -> list[IntentRecord]:
        """List the intents carried by the transactions of a lane at a nonce."""
        return self._all(
            rows.intent,
            f"{_INTENT} WHERE transaction_id IN "  # noqa: S608 - a constant of ours
            "(SELECT id FROM transactions WHERE lane = ? AND nonce = ?) ORDER BY key",
            (lane, nonce),
        )

    def in_flight(self, kind: str | None = None) -> list[IntentRecord]:
        """List the intents that are not settled: what a planner must not plan again."""
        return self._all(
            rows.intent,
            f"{_INTENT} WHERE settled_at IS NULL AND kind = coalesce(?, kind) "
            "ORDER BY planned_at, key",
            (kind,),
        )

    def accounts_in_flight(self, kind: str) -> frozenset[tuple[str, str]]:
        """Give (market, account) of every intent in flight, without reading payloads."""
        found = self._connection.rows(
            "SELECT market, account FROM intents WHERE settled_at IS NULL AND kind = ?", (kind,)
        )
        return frozenset((row["market"], row["account"]) for row in found)

    def transaction(self, tx_hash: str) -> TransactionRecord | None:
        """Find a transaction of ours."""
        return self._first(
            rows.transaction, "SELECT * FROM transactions WHERE hash = ?", (tx_hash,)
        )

    def transactions_at_or_above(self, lane: str, nonce: int) -> list[TransactionRecord]:
        """List a lane's transactions from a nonce on, in the order of nonce and attempt."""
        return self._all(
            rows.transaction,
            "SELECT * FROM transactions WHERE lane = ? AND nonce >= ? ORDER BY nonce, attempt",
            (lane, nonce),
        )

    def open_transactions(self, lane: str) -> list[TransactionRecord]:
        """List every attempt at each nonce that still needs care, by nonce and attempt."""
        return self._all(
            rows.transaction,
            "SELECT * FROM transactions WHERE lane = ? AND nonce IN "
            "(SELECT nonce FROM transactions WHERE state IN ('signed', 'sent', 'mined') "
            "AND lane = ?) ORDER BY nonce, attempt",
            (lane, lane),
        )

    def lanes(self) -> list[LaneRecord]:
        """List the lanes that ever signed."""
        return self._all(rows.lane, "SELECT * FROM lanes ORDER BY lane")

    def history(self, reference: str) -> list[Transition]:
        """List the moves of an intent (by key) or a transaction (by hash), oldest first."""
        return self._all(
            lambda row: rows.transition(row, reference),
            "SELECT * FROM transitions WHERE (subject = 'intent' AND subject_id IN "
            "(SELECT id FROM intents WHERE key = ?)) OR (subject = 'transaction' AND subject_id IN "
            "(SELECT id FROM transactions WHERE hash = ?)) ORDER BY id",
            (reference, reference),
        )

    def counts(self) -> Mapping[str, Mapping[State, int]]:
        """Count transactions by lane and state."""
        counted: dict[str, dict[State, int]] = {}
        for lane, state, number in self._all(
            lambda row: (row["lane"], rows.state_of(row["state"]), row["number"]),
            "SELECT lane, state, count(*) AS number FROM transactions GROUP BY lane, state",
        ):
            counted.setdefault(lane, {})[state] = number
        return counted

    def key_of_trace(self, trace_id: str) -> str | None:
        """Find the intent of a trace: a trace follows from its key, not the other way round."""
        with told_to_the_operator(self._connection.path):
            found = self._db.execute("SELECT key FROM intents ORDER BY id DESC")
            keys = (rows.text_of(row["key"]) for row in found)
            return next((key for key in keys if trace_id_of(key) == trace_id), None)

    def show(
        self, *, account: str | None = None, key: str | None = None, limit: int = 100
    ) -> Iterator[dict[str, object]]:
        """Tell the newest intents with their transaction and history, for people."""
        # The newest are chosen by their numbers first: a sort of all of them would read all of them.
        chosen, wanted = "", []
        for column, value in (("account", account), ("key", key)):
            if value is not None:
                chosen += f" AND {column} = ?"
                wanted.append(value)
        found = self._connection.rows(
            "SELECT intents.*, payload, transactions.lane, transactions.nonce, transactions.attempt, "  # noqa: S608 - our own names
            "transactions.hash AS transaction_hash, transactions.mined_block, transactions.status, "
            "transactions.gas_used FROM intents "
            "LEFT JOIN payloads ON payloads.intent_id = intents.id "
            "LEFT JOIN transactions ON transactions.id = intents.transaction_id "
            f"WHERE intents.id IN (SELECT id FROM intents WHERE true{chosen} "
            "ORDER BY id DESC LIMIT ?) ORDER BY planned_at DESC, key",
            (*wanted, limit),
        )
        for row in found:
            line = dict(row)
            del line["id"]
            with told_to_the_operator(self._connection.path):
                line["trace_id"] = trace_id_of(rows.text_of(row["key"]))
                for column in ("payload", "outcome_detail"):
                    line[column] = rows.facts(line[column])
            line["history"] = [
                {"at": move.at, "state": move.to_state, "reason": move.reason}
                for move in self.history(row["key"])
            ]
            yield line

    def _all(
        self,
        read: Callable[[sqlite3.Row], _Record],
        query: str,
        values: Sequence[object] = (),
    ) -> list[_Record]:
        """Read all records of a query; raises JournalError for a file that cannot be read."""
        with told_to_the_operator(self._connection.path):
            return [read(row) for row in self._connection.rows(query, values)]

    def _first(
        self,
        read: Callable[[sqlite3.Row], _Record],
        query: str,
        values: Sequence[object] = (),
    ) -> _Record | None:
        return next(iter(self._all(read, query, values)), None)
