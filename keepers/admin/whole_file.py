"""A small file of orders: one writer at a time, and every reader sees it whole.

Shared by all that operators say, whoever writes it: a command, or the keeper for somebody who asked
over the admin listener.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runtime.errors import OperatorError

LONGEST_WAIT_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.02


@contextlib.contextmanager
def alone(path: Path, *, wait_seconds: float = LONGEST_WAIT_SECONDS) -> Iterator[None]:
    """Hold the file beside `path` while it is read and replaced; raises OperatorError, OSError."""
    beside = path.with_name(f".{path.name}.lock")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as lock:
        deadline = time.monotonic() + wait_seconds
        while not _taken(lock.fileno()):
            if time.monotonic() >= deadline:
                raise OperatorError(
                    f"expected {beside} to be free within {wait_seconds:g} s, found that another"
                    " program holds it: find out which (`fuser`), and say it again"
                )
            time.sleep(_LOOK_SECONDS)
        yield


def _taken(lock: int) -> bool:
    """Take the lock, unless somebody has it: an order must not wait for ever behind a stuck one."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def replace_whole(path: Path, payload: bytes) -> None:
    """Write the file anew, in one move and durable, for its owner alone; raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
