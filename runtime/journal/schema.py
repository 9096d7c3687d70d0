"""The journal's tables, and how an older file becomes a current one.

`user_version` is the number of steps of `STEPS` that a file has taken. A step that has been
released is never edited: the next change is the next step.
"""

import contextlib
import functools
import sqlite3
from pathlib import Path

from runtime.journal.errors import JournalError

APPLICATION_ID = 0x42454C4C
"""Marks the file as a journal of ours ("BELL")."""

_FIRST = """
CREATE TABLE lanes (
    lane TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    chain_id INTEGER NOT NULL,
    next_nonce INTEGER
) STRICT;

CREATE TABLE transactions (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    raw BLOB NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    gas INTEGER NOT NULL,
    max_fee INTEGER NOT NULL,
    tip INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    signed_at REAL NOT NULL,
    sent_at REAL,
    updated_at REAL NOT NULL,
    mined_block INTEGER,
    status INTEGER,
    gas_used INTEGER,
    UNIQUE (lane, nonce, attempt)
) STRICT;
CREATE INDEX transactions_open ON transactions (lane, nonce)
    WHERE state IN ('signed', 'sent', 'mined');

CREATE TABLE intents (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    market TEXT NOT NULL,
    account TEXT NOT NULL,
    judged_on TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    transaction_id INTEGER REFERENCES transactions (id),
    outcome TEXT,
    outcome_detail TEXT,
    planned_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    settled_at REAL
) STRICT;
CREATE INDEX intents_in_flight ON intents (kind) WHERE settled_at IS NULL;
CREATE INDEX intents_by_transaction ON intents (transaction_id);

-- Apart from the intents: these are large and never change, those change four times.
CREATE TABLE payloads (
    intent_id INTEGER PRIMARY KEY REFERENCES intents (id) ON DELETE CASCADE,
    payload TEXT NOT NULL
) STRICT;

CREATE TABLE transitions (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    subject TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX transitions_by_subject ON transitions (subject, subject_id);
CREATE TRIGGER transitions_are_history BEFORE UPDATE ON transitions
BEGIN SELECT RAISE(ABORT, 'history is not rewritten'); END;

CREATE TABLE openings (fence INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL) STRICT;
"""

_NEWEST_OF_A_MARKET = """
CREATE INDEX intents_by_market ON intents (kind, market, id);
"""

_NOTES = """
-- What a duty must remember over a restart beside its intents; the newest value alone.
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL) STRICT;
"""

_STAMPS = """
-- Wall-clock seconds, for traces: when what was decided on was seen, when the signer was asked.
ALTER TABLE transactions ADD COLUMN decided_at REAL;
ALTER TABLE transactions ADD COLUMN signing_at REAL;
"""

_AGES = """
-- What a prune looks for, so that it reads what goes and not what stays.
CREATE INDEX intents_by_age ON intents (kind, settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX transactions_by_age ON transactions (updated_at)
    WHERE state NOT IN ('signed', 'sent', 'mined');
"""

STEPS = (_FIRST, _NEWEST_OF_A_MARKET, _NOTES, _STAMPS, _AGES)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the current schema, or refuse what is not ours or is newer."""
    version = check_version(connection, path)
    if version or _is_new(connection):
        for number, step in enumerate(STEPS[version:], start=version + 1):
            _take(connection, path, number, step)
    check_shape(connection, path)


def _take(connection: sqlite3.Connection, path: Path, number: int, step: str) -> None:
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;{step}PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {number};COMMIT;"
        )
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        # The step was tested: what it does not fit is not what its version says.
        raise _damaged(path, f"it cannot become one of version {number}") from error


def _damaged(path: Path, found: str) -> JournalError:
    return JournalError(
        f"the journal {path} is damaged, {found}: restore it, or move it away and start an empty one;"
        " nothing was sent"
    )


def check_shape(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that calls itself a journal and lacks some of what its version has."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == 0:
        raise _damaged(path, "it holds no journal")
    missing = _shape_of(version) - shape(connection)
    if missing:
        raise _damaged(path, f"it lacks {min(missing)}")


@functools.cache
def _shape_of(version: int) -> frozenset[str]:
    """Say what a whole journal of a version has."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for step in STEPS[:version]:
            connection.executescript(step)
        return shape(connection)


def shape(connection: sqlite3.Connection) -> frozenset[str]:
    """List tables, indexes, triggers, and the columns of tables with their types."""
    found = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
    columns = connection.execute(
        "SELECT tables.name, columns.name, columns.type FROM sqlite_master AS tables,"
        " pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
    ).fetchall()
    return frozenset(
        [f"the {kind} {name}" for kind, name in found]
        + [f"the column {name} of {table} as {kind}" for table, name, kind in columns]
    )


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """Give the file's version; refuse a foreign or a newer file."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if application != APPLICATION_ID and not _is_new(connection):
        raise JournalError(f"{path} is a database of another program: choose another path")
    if version > len(STEPS):
        raise JournalError(
            f"the journal {path} has version {version}, this program knows {len(STEPS)}: "
            "run the newer program or use another journal"
        )
    return version


def _is_new(connection: sqlite3.Connection) -> bool:
    """Say whether nothing was ever written to the file."""
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)
