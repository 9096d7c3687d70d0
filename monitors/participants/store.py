"""What participants said and what came of it, in one SQLite file: evidence, and replay protection.

Every quote that was signed and judged is a row with its signature, accepted or not, and is never
changed. The last sequence of each address and the scores outlive restarts and retention. A commit
survives the death of the process, perhaps not that of the machine, after which at most the last
quotes could be replayed while they have not expired. There is one writer per file.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from risk.participant_quotes import Quote, QuoteVerdict
from risk.participant_scores import ParticipantScore
from risk.units import Ppm, PriceE8, Seconds
from runtime.errors import OperatorError
from runtime.journal.writer_lock import WriterLock

APPLICATION_ID: Final = 0x42515354
"""Marks the file as a store of ours ("BQST")."""
SHORTEST_RETENTION: Final = Seconds(7 * 86_400)
"""A reopening is judged by the quotes of the closed session before it, the longest of which is a long
weekend."""
PRUNE_EVERY: Final = 256
"""Quotes between two looks at what is too old."""
MOST_PRUNED: Final = 1_024
"""Rows a look, more than come in between, so that the file shrinks and no commit takes long."""

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE sequences (address BLOB PRIMARY KEY, last INTEGER NOT NULL) STRICT;
CREATE TABLE quotes (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    participant TEXT NOT NULL,
    address BLOB NOT NULL,
    symbol TEXT NOT NULL,
    bid INTEGER NOT NULL,
    ask INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    signature BLOB NOT NULL,
    reference INTEGER,
    verdict TEXT NOT NULL
) STRICT;
CREATE INDEX quotes_by_age ON quotes (at);
CREATE INDEX quotes_by_speaker ON quotes (symbol, participant, at) WHERE verdict = 'accepted';
CREATE TRIGGER quotes_are_history BEFORE UPDATE ON quotes
BEGIN SELECT RAISE(ABORT, 'history is not rewritten'); END;
CREATE TABLE newest (
    participant TEXT NOT NULL,
    symbol TEXT NOT NULL,
    quote_id INTEGER NOT NULL,
    PRIMARY KEY (participant, symbol)
) STRICT;
CREATE TABLE scores (
    participant TEXT PRIMARY KEY,
    score INTEGER NOT NULL,
    reopenings INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    rejected INTEGER NOT NULL
) STRICT;
CREATE TABLE score_history (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, participant TEXT NOT NULL, score INTEGER NOT NULL
) STRICT;
CREATE INDEX score_history_by_age ON score_history (at);
-- Kept for good, a few rows a week: it is what makes a reopening count once.
CREATE TABLE reopenings (
    symbol TEXT NOT NULL,
    closed_at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    close INTEGER NOT NULL,
    price INTEGER NOT NULL,
    PRIMARY KEY (symbol, closed_at)
) STRICT;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
COMMIT;
"""

_STANDING: Final = """
SELECT participant, symbol, bid, ask, size, sequence, issued_at, expires_at, address FROM quotes
WHERE id IN (SELECT quote_id FROM newest) AND expires_at > ?
"""
_LAST_WORD: Final = """
SELECT participant, symbol, bid, ask, size, sequence, issued_at, expires_at FROM quotes
WHERE verdict = 'accepted' AND participant = ? AND symbol = ? AND at >= ? AND at < ?
ORDER BY at DESC, id DESC LIMIT 1
"""
_INSERT: Final = "INSERT INTO quotes VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PRUNE: Final = (
    "DELETE FROM quotes WHERE id IN (SELECT id FROM quotes WHERE at < ? ORDER BY at LIMIT ?)",
    (
        "DELETE FROM score_history WHERE id IN"
        " (SELECT id FROM score_history WHERE at < ? ORDER BY at LIMIT ?)"
    ),
)
_DISK: Final = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PERM,
}  # fmt: skip
_PRIMARY_CODE: Final = 0xFF  # SQLite's extended codes carry the primary one in the low byte


class StoreError(OperatorError):
    """The quotes' store cannot do its work; no quote may be accepted until an operator has acted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuote:
    """A quote that its participant did sign, and what was made of it."""

    quote: Quote
    address: bytes
    signature: bytes
    reference: PriceE8 | None
    verdict: QuoteVerdict
    at: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """A market's first outside price after a closed session; `close` is the last one before it."""

    symbol: str
    closed_at: Seconds
    opened_at: Seconds
    close: PriceE8
    price: PriceE8


class ParticipantStore:
    """The file, open for this process alone."""

    def __init__(self, path: Path, *, retention: Seconds) -> None:
        """Open or create; raises OperatorError for a file that cannot be used."""
        if retention < SHORTEST_RETENTION:
            raise StoreError(
                f"expected participants' quotes to be kept for {SHORTEST_RETENTION} s at least, found"
                f" {retention} s: raise the retention"
            )
        self._path = path
        self._retention = retention
        self._until_prune = 0
        self._lock = WriterLock(path)
        try:
            self._db = self._connect()
        except BaseException:
            self._lock.release()
            raise

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
        """Close the file and let another process write."""
        self._db.close()
        self._lock.release()

    def last_sequences(self) -> dict[bytes, int]:
        """Give the last sequence that counted, by address."""
        return dict(self._rows("SELECT address, last FROM sequences"))

    def scores(self) -> dict[str, ParticipantScore]:
        """Give what is remembered of each participant, by name."""
        return {
            row[0]: ParticipantScore(
                score=Ppm(row[1]), reopenings=row[2], accepted=row[3], rejected=row[4]
            )
            for row in self._rows(
                "SELECT participant, score, reopenings, accepted, rejected FROM scores"
            )
        }

    def standing(self, now: Seconds) -> list[tuple[Quote, bytes]]:
        """Give the newest accepted quotes that stand, each with the address that signed it."""
        rows = self._rows(_STANDING, (now,))
        return [(_quote(row), row[-1]) for row in rows]

    def last_word(
        self, participant: str, symbol: str, *, since: Seconds, until: Seconds
    ) -> Quote | None:
        """Give a participant's last quote accepted in [since, until), expired meanwhile or not.

        Expiry does not count here: who lets a lie lapse before the reopening still said it.
        """
        rows = self._rows(_LAST_WORD, (participant, symbol, since, until))
        return _quote(rows[0]) if rows else None

    def record(self, judged: JudgedQuote, score: ParticipantScore) -> None:
        """Write a judged quote, its sequence and the participant's counts, all or nothing."""
        quote = judged.quote
        with self._commit() as db:
            cursor = db.execute(
                _INSERT,
                (judged.at, quote.participant, judged.address, quote.symbol, quote.bid, quote.ask,
                 quote.size, quote.sequence, quote.issued_at, quote.expires_at, judged.signature,
                 judged.reference, judged.verdict.value),
            )  # fmt: skip
            if judged.verdict is QuoteVerdict.ACCEPTED:
                db.execute(
                    "INSERT OR REPLACE INTO newest VALUES (?, ?, ?)",
                    (quote.participant, quote.symbol, cursor.lastrowid),
                )
            db.execute(
                "INSERT INTO sequences VALUES (?, ?) ON CONFLICT (address)"
                " DO UPDATE SET last = max(last, excluded.last)",
                (judged.address, quote.sequence),
            )
            _write_score(db, quote.participant, score)
            self._prune(db, judged.at)

    def is_scored(self, reopening: Reopening) -> bool:
        """Say whether this market's closed session has been scored already."""
        wanted = (reopening.symbol, reopening.closed_at)
        return bool(
            self._rows("SELECT 1 FROM reopenings WHERE symbol = ? AND closed_at = ?", wanted)
        )

    def record_reopenings(
        self, reopenings: Sequence[Reopening], scores: Mapping[str, ParticipantScore]
    ) -> None:
        """Write reopenings and the scores that they led to, all or nothing."""
        at = max(reopening.opened_at for reopening in reopenings)
        with self._commit() as db:
            db.executemany(
                "INSERT INTO reopenings VALUES (?, ?, ?, ?, ?)",
                [
                    (each.symbol, each.closed_at, each.opened_at, each.close, each.price)
                    for each in reopenings
                ],
            )
            for participant, score in scores.items():
                _write_score(db, participant, score)
                db.execute(
                    "INSERT INTO score_history (at, participant, score) VALUES (?, ?, ?)",
                    (at, participant, score.score),
                )

    def _prune(self, db: sqlite3.Connection, now: Seconds) -> None:
        self._until_prune -= 1
        if self._until_prune > 0:
            return
        self._until_prune = PRUNE_EVERY
        for statement in _PRUNE:
            db.execute(statement, (now - self._retention, MOST_PRUNED))

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        with _told_to_the_operator(self._path):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _commit(self) -> Iterator[sqlite3.Connection]:
        with _told_to_the_operator(self._path):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk rolls back by itself, and a second rollback would hide its error.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        with _told_to_the_operator(self._path):
            db = sqlite3.connect(self._path, isolation_level=None)
            try:
                _prepare(db, self._path)
            except BaseException:
                db.close()
                raise
        return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    version, application = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("user_version", "application_id")
    )
    is_new = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not is_new and application != APPLICATION_ID:
        raise StoreError(f"{path} is a database of another program: choose another path")
    if version > 1:
        raise StoreError(
            f"the quotes' store {path} has version {version}, this program knows 1: run the newer"
            " program or use another store"
        )
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    if is_new:
        db.executescript(_SCHEMA)


def _quote(row: Sequence[Any]) -> Quote:
    return Quote(
        participant=row[0],
        symbol=row[1],
        bid=PriceE8(row[2]),
        ask=PriceE8(row[3]),
        size=row[4],
        sequence=row[5],
        issued_at=Seconds(row[6]),
        expires_at=Seconds(row[7]),
    )


def _write_score(db: sqlite3.Connection, participant: str, score: ParticipantScore) -> None:
    db.execute(
        "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?)",
        (participant, score.score, score.reopenings, score.accepted, score.rejected),
    )


@contextmanager
def _told_to_the_operator(path: Path) -> Iterator[None]:
    """Turn the disk's failures into one sentence; anything else stays a bug."""
    try:
        yield
    except UnicodeDecodeError as error:
        # SQLite's own sentence about what is damaged holds a piece of it.
        raise _unusable(path, "SQLITE_CORRUPT") from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        # Without a code it is a text that is none, and our statements fit every whole store.
        if code is not None and code & _PRIMARY_CODE not in {*_DISK, sqlite3.SQLITE_ERROR}:
            raise
        raise _unusable(path, getattr(error, "sqlite_errorname", "SQLITE_CORRUPT")) from error


def _unusable(path: Path, found: str) -> StoreError:
    return StoreError(
        f"the quotes' store {path} cannot be used ({found}): check the disk and the permissions, or"
        " choose another path"
    )
