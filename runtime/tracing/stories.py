"""Reading the journal for traces: which intents moved, and their stories.

It has a connection of its own that may only read, opened in the thread that uses it: the keeper's commits
wait for no reader, and the event loop for no query. A `Mark` is where the reader stands: the last move
that it has told.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.journal.connection import Connection
from runtime.journal.records import State
from runtime.tracing.spans import Attempt, Move, Story

MOST_MOVES: Final = 500
"""Moves of intents taken at once: a few hundred spans, some hundred kilobytes."""
LOOK_BACK_SECONDS: Final = 300.0
"""What the life before this one did last is told again at the start: it may have died before it was sent."""

_MOVES: Final = """
SELECT id, subject_id FROM transitions
WHERE id > ? AND id <= ? AND subject = 'intent' ORDER BY id LIMIT ?
"""
_BEFORE: Final = "SELECT id, at FROM transitions WHERE at < ? ORDER BY id DESC LIMIT 1"
_HISTORY: Final = """
SELECT id, at, from_state, to_state, reason FROM transitions
WHERE subject = 'intent' AND subject_id = ? AND id <= ? ORDER BY id
"""
_ATTEMPTS: Final = """
SELECT one.* FROM transactions AS one JOIN transactions AS carrier
ON one.lane = carrier.lane AND one.nonce = carrier.nonce
WHERE carrier.id = ? ORDER BY one.attempt
"""
_SKIPPED: Final = """
SELECT count(*) FROM transitions
WHERE id > ? AND id <= ? AND subject = 'intent' AND from_state IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A move by its number, and when it was: numbers come again once the newest moves are pruned."""

    id: int = 0
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What happened between two moves: after the one, up to the other."""

    after: Mark
    upto: Mark
    moved: Sequence[int]
    """The intents that moved, as the journal numbers them."""
    behind: int
    """Moves of all kinds that are still to be told."""


class StoryReader:
    """Tells the intents of a journal that moved. Not thread-safe: one thread has it."""

    def __init__(self, path: Path) -> None:
        self._connection = Connection(path, read_only=True)
        self._db = self._connection.db

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def start(self) -> Mark:
        """Give the move to begin after: a little before the end of the life before this one."""
        (opened_at,) = self._db.execute("SELECT coalesce(max(at), 0) FROM openings").fetchone()
        last = self._last(_BEFORE, opened_at)
        return self._last(_BEFORE, last.at - LOOK_BACK_SECONDS)

    def resume(self, after: Mark, most_behind: int) -> tuple[Mark, int]:
        """Give the move to go on after, at most so far behind, and how many phases that leaves out."""
        if after != self._at(after.id):
            # It was pruned, and its number may have come again: what is newer is newer by its time.
            after = self._last(
                "SELECT id, at FROM transitions WHERE at <= ? ORDER BY id DESC", after.at
            )
        floor = self._newest().id - most_behind
        if after.id >= floor:
            return after, 0
        (skipped,) = self._db.execute(_SKIPPED, (after.id, floor)).fetchone()
        return self._at(floor), int(skipped)

    def chapter(self, after: Mark) -> Chapter:
        """Tell what happened after a move, as much as is told at once."""
        newest = self._newest()
        moved = self._db.execute(_MOVES, (after.id, newest.id, MOST_MOVES)).fetchall()
        upto = self._at(moved[-1]["id"]) if len(moved) == MOST_MOVES else newest
        return Chapter(
            after=after,
            upto=upto,
            moved=list({row["subject_id"]: None for row in moved}),
            behind=newest.id - upto.id,
        )

    def _newest(self) -> Mark:
        return self._last("SELECT id, at FROM transitions ORDER BY id DESC LIMIT 1")

    def _at(self, number: int) -> Mark:
        """Give a move by its number, or the one before it if it is gone."""
        return self._last("SELECT id, at FROM transitions WHERE id <= ? ORDER BY id DESC", number)

    def _last(self, query: str, *values: float) -> Mark:
        row = self._db.execute(query, values).fetchone()
        return Mark() if row is None else Mark(id=row["id"], at=row["at"])

    def story(self, number: int, upto: Mark) -> Story | None:
        """Tell an intent up to a move, or give None for one that was pruned.

        One at a time: a query lets the interpreter go, so whoever tells many holds nobody up for long.
        """
        row = self._db.execute("SELECT * FROM intents WHERE id = ?", (number,)).fetchone()
        if row is None:
            return None
        attempts = self._db.execute(_ATTEMPTS, (row["transaction_id"],))
        lives = self._db.execute(
            "SELECT fence, at FROM openings WHERE at > ? ORDER BY fence", (row["planned_at"],)
        )
        return Story(
            key=row["key"],
            kind=row["kind"],
            market=row["market"],
            account=row["account"],
            planned_at=row["planned_at"],
            outcome=row["outcome"],
            moves=[_move(each) for each in self._db.execute(_HISTORY, (number, upto.id))],
            attempts=[_attempt(each) for each in attempts],
            lives=[(life["fence"], life["at"]) for life in lives],
        )


def _move(row: sqlite3.Row) -> Move:
    from_state = row["from_state"]
    return Move(
        id=row["id"],
        at=row["at"],
        from_state=None if from_state is None else State(from_state),
        to_state=State(row["to_state"]),
        reason=row["reason"],
    )


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(**{name: row[name] for name in Attempt.__slots__})
