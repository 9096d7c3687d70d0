"""The real keeper, with one thing added: it kills itself at a named commit of its journal.

`python -m tests.faults.dying_keeper WRITER:MOMENT:COUNT run --config FILE`. WRITER is the journal's
method that commits (`plan_and_sign`, `sent`, `mined` …), or `any`; MOMENT is `before` the commit
begins, `inside` (all is written, nothing committed) or `after` it, which is before the side effect
that it precedes. At the COUNT-th such commit the process ends by SIGKILL: no handler, no flush, no
close. Before it does, one line says where.
"""

import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from keepers.cli import main
from runtime.journal.connection import Connection

BEFORE: Final = "before"
INSIDE: Final = "inside"
AFTER: Final = "after"
MOMENTS: Final = (BEFORE, INSIDE, AFTER)
ANY: Final = "any"


@dataclass(slots=True, kw_only=True)
class Death:
    """Where to die; counts the commits that fit."""

    writer: str
    moment: str
    left: int

    @classmethod
    def parse(cls, text: str) -> "Death":
        """Read WRITER:MOMENT:COUNT."""
        writer, moment, count = text.split(":")
        if moment not in MOMENTS:
            raise ValueError(f"expected a moment among {MOMENTS}, found {moment!r}")
        return cls(writer=writer, moment=moment, left=int(count))

    def is_here(self, writer: str) -> bool:
        """Count a commit; say whether it is the one."""
        if self.writer not in (ANY, writer):
            return False
        self.left -= 1
        return self.left == 0

    def die(self, writer: str) -> None:
        """End as a power cut would."""
        os.write(2, f"died {self.moment} {writer}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)


def writer_of() -> str:
    """Name the journal's method that is about to commit."""
    frame = sys._getframe(1)
    while frame.f_back is not None and "runtime/journal" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame.f_code.co_name


def install(death: Death) -> None:
    """Put the death into the journal's one door to the disk."""
    honest: Callable[..., contextlib.AbstractContextManager[sqlite3.Connection]] = Connection.commit

    @contextlib.contextmanager
    def commit(self: Connection, *, durable: bool) -> Iterator[sqlite3.Connection]:
        writer = writer_of()
        is_here = death.is_here(writer)
        if is_here and death.moment == BEFORE:
            death.die(writer)
        with honest(self, durable=durable) as db:
            yield db
            if is_here and death.moment == INSIDE:
                death.die(writer)
        if is_here:
            death.die(writer)

    Connection.commit = commit  # type: ignore[method-assign]


if __name__ == "__main__":
    install(Death.parse(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
