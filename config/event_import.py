"""Bring what a publisher's calendar says now into a file of events, and tell what is different.

An import owns its file and rewrites it whole; it never touches one of the operator's. Days of which
the download does not speak keep what an earlier one said: publishers drop what is past, and some give
one day at a time.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.event_sources import EASTERN_NAME, READERS, Published, read_published
from config.events import Key, key_of, load_event_file, read_events_file
from config.schema.events import EventRow
from runtime.errors import OperatorError


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """The rows that the file shall have, and what is different from the rows that it had."""

    rows: tuple[EventRow, ...]
    added: tuple[EventRow, ...]
    changed: tuple[EventRow, ...]
    gone: tuple[EventRow, ...]
    overruled: tuple[EventRow, ...]
    """Those of which a file of the operator's in the same folder speaks."""


def import_events(*, form: str, source: Path, out: Path, symbols: frozenset[str]) -> ImportResult:
    """Read a downloaded file and compare it with what an earlier import left in `out`.

    Writes nothing. Raises OperatorError with one sentence.
    """
    earlier = _earlier(form, out)
    published = _published(form, source, symbols)
    kept = [row for row in earlier if not _speaks_of(published, row)]
    rows = _sorted([*kept, *published.rows])
    before, after = _by_key(earlier), _by_key(rows)
    own = _own_keys(out)
    return ImportResult(
        rows=rows,
        added=tuple(row for row in rows if key_of(row) not in before),
        changed=tuple(
            row
            for row in rows
            if key_of(row) in before and before[key_of(row)] != after[key_of(row)]
        ),
        gone=tuple(row for row in _sorted(earlier) if key_of(row) not in after),
        overruled=tuple(row for row in rows if key_of(row) in own),
    )


def write_events(out: Path, rows: Iterable[EventRow], *, form: str, source: Path) -> None:
    """Write the file whole or not at all; raises OperatorError with one sentence."""
    text = events_document(rows, form=form, source=source.name)
    draft = out.with_name(f".{out.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(out)
    except OSError as error:
        raise OperatorError(
            f"expected to write the events to {out}, but {error.strerror}: name a file in a folder"
            " that exists and may be written"
        ) from None


def events_document(rows: Iterable[EventRow], *, form: str, source: str) -> str:
    """Give the file's text."""
    parts = [
        "# Written by `bellkeeper events import`, which rewrites it whole: put your own events, or a",
        "# correction of one of these, into another file of this folder. What that says wins.",
        f'timezone = "{EASTERN_NAME}"',
        f'imported_from = "{form}"',
        f"source = {_quoted(source)}",
    ]
    for row in rows:
        parts += ["", "[[event]]", f'kind = "{row.kind}"']
        parts += [] if row.symbol is None else [f'symbol = "{row.symbol}"']
        parts += [f"day = {row.day.isoformat()}"]
        parts += [f'time = "{row.time}"'] if row.time is not None else [f'part = "{row.part}"']
        parts += [f"name = {_quoted(row.name)}"] if row.name else []
    return "\n".join(parts) + "\n"


def _quoted(text: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's too, but for the deletion mark."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _earlier(form: str, out: Path) -> tuple[EventRow, ...]:
    if not out.exists():
        return ()
    file = read_events_file(out)
    if file.imported_from != form:
        found = (
            "one of your own" if file.imported_from is None else f"one from {file.imported_from}"
        )
        raise OperatorError(
            f"expected {out} to be new or written by an earlier import of {form}, found {found}: name"
            " another file for --out"
        )
    return file.event


def _published(form: str, source: Path, symbols: frozenset[str]) -> Published:
    if form not in READERS:
        raise OperatorError(
            f"expected a format that can be imported, found {form}: choose from {', '.join(READERS)}"
        )
    try:
        return read_published(form, source.read_bytes().decode(), symbols)
    except UnicodeDecodeError:
        raise OperatorError(
            f"{source} must be text in UTF-8, found other bytes: is it the right file?"
        ) from None
    except OSError as error:
        raise OperatorError(
            f"expected to read {source}, but {error.strerror}: correct its path or permissions"
        ) from None
    except ValueError as error:
        raise OperatorError(
            f"{source} is not as {form} is published: {error}; download it again, or choose its format"
        ) from None


def _speaks_of(published: Published, row: EventRow) -> bool:
    return published.first <= row.day and (published.last is None or row.day <= published.last)


def _by_key(rows: Iterable[EventRow]) -> Mapping[Key, frozenset[tuple[str | None, ...]]]:
    """Give when each event comes; an event may be listed twice, at two times."""
    moments: dict[Key, frozenset[tuple[str | None, ...]]] = {}
    for row in rows:
        moments[key_of(row)] = moments.get(key_of(row), frozenset()) | {(row.time, row.part)}
    return moments


def _sorted(rows: Iterable[EventRow]) -> tuple[EventRow, ...]:
    unique = {
        (row.day, row.kind, row.symbol or "", row.time or "", row.part or ""): row for row in rows
    }
    return tuple(unique[place] for place in sorted(unique))


def _own_keys(out: Path) -> frozenset[Key]:
    return frozenset(
        each.key
        for path in sorted(out.parent.glob("*.toml"))
        if path != out
        for each in load_event_file(path)
        if not each.is_imported
    )
