"""What can go wrong with a journal, in sentences an operator can act on.

A journal that cannot be written stops its keeper: what is not journaled is not sent.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import OperatorError

_PRIMARY_CODE = 0xFF  # SQLite's extended codes carry the primary one in the low byte

_CAUSES = {
    sqlite3.SQLITE_FULL: "is full: free disk space or prune it",
    sqlite3.SQLITE_IOERR: "cannot be written: check the disk and its quota",
    sqlite3.SQLITE_READONLY: "is read-only: give the keeper write permission",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check the path and its permissions",
    sqlite3.SQLITE_NOTADB: "is not a journal: point the keeper at another path",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it, or move it away and start an empty one",
    sqlite3.SQLITE_BUSY: "is locked by another program: stop whatever writes to it",
    sqlite3.SQLITE_PERM: "cannot be accessed: check its permissions",
}


_UNDECODABLE = "could not decode to utf-8"
"""How SQLite's module says that a text is none; it has no code for it."""
_DAMAGED = _CAUSES[sqlite3.SQLITE_CORRUPT]


class JournalError(OperatorError):
    """The journal cannot do its work; nothing may be sent until an operator has acted."""


class DamagedRowError(Exception):
    """A row holds what this program never wrote, such as a state that does not exist."""


class DuplicateIntentError(Exception):
    """An intent with this key is already in the journal, so it was not recorded again."""


@contextmanager
def told_to_the_operator(path: Path) -> Iterator[None]:
    """Turn the disk's failures into one sentence each; a broken constraint stays a bug."""
    try:
        yield
    except UnicodeDecodeError as error:
        # SQLite's own sentence about what is damaged holds a piece of it.
        raise JournalError(f"the journal {path} {_DAMAGED}; nothing was sent") from error
    except DamagedRowError as error:
        raise JournalError(f"the journal {path} {_DAMAGED} ({error}); nothing was sent") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        cause = None if code is None else _CAUSES.get(code & _PRIMARY_CODE)
        if str(error).lower().startswith(_UNDECODABLE):
            cause = _DAMAGED
        if cause is None:
            raise
        raise JournalError(f"the journal {path} {cause}; nothing was sent") from error
