"""One writer per journal: two processes on one lane would sign the same nonce twice.

The lock is the kernel's (flock on a file beside the journal), so that it goes with its process
however that ends, and a restart never finds a lock that nobody holds.
"""

import fcntl
import os
from pathlib import Path

from runtime.journal.errors import JournalError


class WriterLock:
    """Hold the right to write to a journal until `release`."""

    def __init__(self, journal_path: Path) -> None:
        self._path = journal_path.with_name(journal_path.name + ".lock")
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JournalError(
                f"the journal {journal_path} cannot be locked ({error.strerror}): "
                "check that its folder exists and may be written to"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise JournalError(
                f"the journal {journal_path} is in use by process {holder}: "
                "stop that keeper or give this one a journal of its own"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process write; the file stays, since removing it would race."""
        os.close(self._file)
