"""From rows of the tables to records; a row that this program never wrote raises DamagedRowError."""

import functools
import sqlite3
import typing
from collections.abc import Callable, Hashable, Mapping
from types import UnionType
from typing import Any, TypeVar, cast

from runtime.journal import canonical
from runtime.journal.errors import DamagedRowError
from runtime.journal.records import (
    IntentRecord,
    LaneRecord,
    Purpose,
    State,
    Subject,
    TransactionRecord,
    Transition,
)

_T = TypeVar("_T")


def state_of(text: str) -> State:
    """Read a state."""
    return _known(State, text, "state")


def purpose_of(text: str) -> Purpose:
    """Read a purpose."""
    return _known(Purpose, text, "purpose")


def facts(text: str | None) -> Mapping[str, object] | None:
    """Read facts as `canonical` writes them; None where nothing was written."""
    if text is None:
        return None
    try:
        return canonical.load(text_of(text))
    except (ValueError, RecursionError):
        raise DamagedRowError("it holds facts that are no JSON") from None


def intent(row: sqlite3.Row) -> IntentRecord:
    """Read an intent."""
    values: dict[str, Any] = dict(row)
    del values["id"]
    values["payload"] = facts(values["payload"]) or {}
    values["outcome_detail"] = facts(values["outcome_detail"])
    values["state"] = state_of(values["state"])
    return _record(IntentRecord, values)


def transaction(row: sqlite3.Row) -> TransactionRecord:
    """Read a transaction."""
    values: dict[str, Any] = dict(row)
    values["state"] = state_of(values["state"])
    values["purpose"] = purpose_of(values["purpose"])
    return _record(TransactionRecord, values)


def lane(row: sqlite3.Row) -> LaneRecord:
    """Read a lane."""
    return _record(LaneRecord, dict(row))


def transition(row: sqlite3.Row, reference: str) -> Transition:
    """Read a line of history of an intent's key or a transaction's hash."""
    values: dict[str, Any] = dict(row)
    return _record(
        Transition,
        {
            "at": values["at"],
            "subject": _known(Subject, values["subject"], "subject"),
            "reference": reference,
            "from_state": None if values["from_state"] is None else state_of(values["from_state"]),
            "to_state": state_of(values["to_state"]),
            "reason": values["reason"],
        },
    )


def text_of(value: object) -> str:
    """Read a text that is always there."""
    if not isinstance(value, str):
        raise DamagedRowError(f"it holds a {type(value).__name__} where a text belongs")
    return value


def _record(kind: type[_T], values: Mapping[str, Any]) -> _T:
    """Make a record; a damaged page may give a number where its column says text."""
    for name, allowed in _field_types(cast("Hashable", kind)).items():
        if not isinstance(values[name], allowed):
            found = type(values[name]).__name__
            raise DamagedRowError(f"it holds a {found} where {name} belongs")
    return kind(**values)


@functools.cache
def _field_types(kind: Hashable) -> Mapping[str, tuple[type, ...]]:
    """Give what each plain field of a record may be."""
    hints = typing.get_type_hints(kind)
    types: dict[str, tuple[type, ...]] = {}
    for name, hint in hints.items():
        parts = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
        if all(isinstance(part, type) for part in parts):
            # SQLite gives a whole number as an integer also where a column is of real ones.
            types[name] = (*parts, int) if float in parts else tuple(parts)
    return types


def _known(kind: Callable[[str], _T], text: str, what: str) -> _T:
    try:
        return kind(text)
    except ValueError:
        raise DamagedRowError(f"it holds the {what} {text!r:.40}") from None
