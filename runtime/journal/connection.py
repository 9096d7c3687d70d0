"""One SQLite connection with the journal's pragmas, and its two kinds of commit.

A *durable* commit survives a power cut: it is used before every side effect. A *plain* commit
survives the death of the process but perhaps not of the machine: it is used for what the chain can
tell again (sent, mined, final), and costs a tenth. Both are atomic and in order.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from runtime.journal.errors import told_to_the_operator
from runtime.journal.schema import check_shape, check_version, prepare

_CHECKPOINT_PAGES = 20_000
"""Copying the log back into the file is housekeeping (`checkpoint`), never part of a fast commit;
only a log of 80 MB forces it."""


class Connection:
    """An open journal file."""

    def __init__(
        self, path: Path, *, read_only: bool = False, max_pages: int | None = None
    ) -> None:
        self.path = path
        with told_to_the_operator(path):
            mode = "ro" if read_only else "rwc"
            self.db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None
            )
            try:
                self._configure(read_only=read_only, max_pages=max_pages)
            except BaseException:
                self.db.close()
                raise

    def _configure(self, *, read_only: bool, max_pages: int | None) -> None:
        self.db.row_factory = sqlite3.Row
        if read_only:
            check_version(self.db, self.path)
            check_shape(self.db, self.path)
            return
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        prepare(self.db, self.path)
        if max_pages is not None:
            self.db.execute(f"PRAGMA max_page_count = {max_pages}")

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Read all rows of a query; raises JournalError for a file that cannot be read."""
        with told_to_the_operator(self.path):
            return self.db.execute(query, values).fetchall()

    @contextmanager
    def commit(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Write everything inside, or nothing of it."""
        with told_to_the_operator(self.path):
            if not durable:
                self.db.execute("PRAGMA synchronous = NORMAL")
            try:
                self.db.execute("BEGIN IMMEDIATE")
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                # A full disk rolls back by itself, and a second rollback would hide its error.
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
            finally:
                # Back at once: the durable commits are the hot path and need no word first.
                if not durable:
                    self.db.execute("PRAGMA synchronous = FULL")

    def checkpoint(self) -> None:
        """Copy the write-ahead log back into the file, without waiting for readers."""
        with told_to_the_operator(self.path):
            self.db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def checkpoint_apart(self) -> None:
        """Do the same by a connection of its own, so that a thread may: commits go on meanwhile."""
        with told_to_the_operator(self.path), closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close the file."""
        self.db.close()
