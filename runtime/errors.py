"""The two errors that a supervisor tells apart from bugs.

`TransientError` means back off and try again; `OperatorError` means a person must act, exit 78.
Everything else that escapes a worker is a bug and ends the process with a traceback.
"""

from typing import ClassVar


class TransientError(Exception):
    """The world said "not now": back off, then try again."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class OperatorError(Exception):
    """A person must act. One sentence: what was expected, what was found, what to do."""

    exit_code: ClassVar[int] = 78
