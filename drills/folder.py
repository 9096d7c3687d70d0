"""The folder of a drill: logs, keys, journal. One drill at a time."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from runtime.errors import OperatorError


@contextlib.contextmanager
def own_folder(folder: Path) -> Iterator[None]:
    """Make the folder and hold it; raises OperatorError while another drill has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise OperatorError(
            f"expected a folder {folder} that may be written, but {error.strerror}: name another"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(
                f"expected {folder} for this drill alone, found another drill in it: wait for its "
                "end, or name another --folder"
            ) from None
        yield
