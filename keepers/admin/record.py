"""What was asked of the process: noted in the journal before it takes effect, and again with its outcome.

The newest entries are kept, in as many places of the journal; what is older is in the log. An
entry that has no outcome after a restart was cut short: nobody knows whether it took effect, and it
says so for ever.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from pydantic import TypeAdapter, ValidationError

from keepers.admin.terms import AdminRequest
from runtime.clock import Clock
from runtime.errors import OperatorError

PLACES: Final = 500
_NEXT: Final = "admin/next"


class Fate(StrEnum):
    """What became of an action."""

    ASKED = "asked"
    """It is being done, or was when the process ended."""
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    """A bug: the log has the traceback."""
    CUT_SHORT = "cut short"
    """The process ended before the outcome was noted."""


class Notes(Protocol):
    """Where it is noted: the journal."""

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""

    def note_all(self, notes: Mapping[str, str]) -> None:
        """Note several texts, all or none, durable before this returns."""


class Noted(Protocol):
    """Where it can be read again."""

    def noted(self, key: str) -> str | None:
        """Give what was noted under a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One action that was asked for."""

    sequence: int
    action: str
    fields: Mapping[str, str | int]
    reason: str
    by: str
    at_seconds: int
    key: str | None = None
    fate: Fate = Fate.ASKED
    words: str = ""
    """What was answered: empty until then."""

    def told(self) -> dict[str, Any]:
        """Give all of it, for a listing."""
        return asdict(self)

    def is_of(self, request: AdminRequest) -> bool:
        """Say whether it was asked for in the same words."""
        asked = (self.action, dict(self.fields), self.reason)
        return asked == (request.action.value, dict(request.fields), request.reason)


_ENTRY: Final = TypeAdapter(Entry)
_LONGEST_COUNT: Final = 18
"""Digits of the number of actions that were ever asked for."""


class Record:
    """The entries of this process and of those before it.

    Raises OperatorError for entries of another make: what cannot be read may be half done.
    """

    def __init__(self, notes: Notes, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock
        self._next = _next_of(notes)
        self._entries = {each.sequence: each for each in recent(notes, PLACES)}
        for entry in [each for each in self._entries.values() if each.fate is Fate.ASKED]:
            self.end(entry, Fate.CUT_SHORT, "the process ended before the outcome was known")

    def find(self, key: str) -> Entry | None:
        """Give the newest entry with an idempotency key."""
        found = [each for each in self._entries.values() if each.key == key]
        return max(found, key=lambda entry: entry.sequence, default=None)

    def newest(self, number: int) -> list[Entry]:
        """Give the newest entries, the newest first."""
        return sorted(self._entries.values(), key=lambda each: -each.sequence)[:number]

    def begin(self, request: AdminRequest, *, by: str, key: str | None) -> Entry:
        """Note what is going to be done; durable before this returns."""
        entry = Entry(
            sequence=self._next,
            action=request.action.value,
            fields=dict(request.fields),
            reason=request.reason,
            by=by,
            at_seconds=int(self._clock.now()),
            key=key,
        )
        self._next += 1
        self._notes.note_all(
            {_place(entry.sequence): _text(entry), _NEXT: str(self._next)},
        )
        self._entries[entry.sequence] = entry
        self._entries.pop(entry.sequence - PLACES, None)
        return entry

    def end(self, entry: Entry, fate: Fate, words: str) -> Entry:
        """Note what became of it."""
        entry = replace(entry, fate=fate, words=words)
        self._notes.note_all({_place(entry.sequence): _text(entry)})
        self._entries[entry.sequence] = entry
        return entry


def recent(notes: Noted, number: int) -> list[Entry]:
    """Read the newest entries from a journal, the newest first; raises OperatorError as Record does."""
    after = _next_of(notes)
    texts = [notes.noted(_place(each)) for each in range(after - 1, max(0, after - 1 - number), -1)]
    return [parse_entry(text) for text in texts if text is not None]


def parse_entry(text: str) -> Entry:
    """Read an entry as it was noted; raises OperatorError for one of another make."""
    try:
        return _ENTRY.validate_json(text)
    except ValidationError:
        raise _unreadable("an entry") from None


def _next_of(notes: Noted) -> int:
    text = notes.noted(_NEXT) or "1"
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_COUNT):
        raise _unreadable(f"the count {_NEXT}")
    return int(text)


def _unreadable(what: str) -> OperatorError:
    return OperatorError(
        f"expected {what} of the journal's record of admin actions in this program's make, found another:"
        " restore the journal from the backup, or start with the program that wrote it"
    )


def _place(sequence: int) -> str:
    return f"admin/{sequence % PLACES}"


def _text(entry: Entry) -> str:
    return json.dumps(asdict(entry), sort_keys=True)
