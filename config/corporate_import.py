"""Bring what a publisher says of corporate actions into a file, and tell what is different.

An import owns its file and rewrites it whole, so that what a publisher took back is gone from it too; it
never touches a file of the operator's own. Ask for the whole time ahead, and keep one file for each
download (`--out`): two files of one publisher are still one source.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from config.corporate_actions import read_actions_file
from config.corporate_sources import READERS, read_published
from config.schema.corporate_actions import ActionRow
from runtime.errors import OperatorError

EASTERN_NAME: Final = "America/New_York"
"""Where all of these publishers' days are local."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """The rows that the file shall have, and what is different from the rows that it had."""

    rows: tuple[ActionRow, ...]
    added: tuple[ActionRow, ...]
    gone: tuple[ActionRow, ...]
    """Or told otherwise now: then the new telling is among those added."""
    left_out: tuple[str, ...]
    """What the file says of our markets and no row can say, in words."""
    past: int
    """Rows left out because their day is before `since`."""


def import_actions(
    *, form: str, source: Path, out: Path, symbols: frozenset[str], since: date
) -> ImportResult:
    """Read a downloaded file and compare it with what an earlier import left in `out`.

    Writes nothing. Raises OperatorError with one sentence.
    """
    if form not in READERS:
        raise OperatorError(
            f"expected a format that can be imported, found {form}: choose from {', '.join(READERS)}"
        )
    earlier = _earlier(form, out)
    try:
        published = read_published(form, source.read_bytes().decode(), symbols)
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
            f"{source} is not as {form} publishes it: {error}; download it again, or choose its format"
        ) from None
    rows = _sorted(row for row in published.rows if row.ex_date >= since)
    return ImportResult(
        rows=rows,
        added=tuple(row for row in rows if row not in earlier),
        gone=tuple(row for row in earlier if row not in rows),
        left_out=published.left_out,
        past=sum(row.ex_date < since for row in published.rows),
    )


def write_actions(
    out: Path, rows: Iterable[ActionRow], *, form: str, source: Path, heard_at: datetime
) -> None:
    """Write the file whole or not at all; raises OperatorError with one sentence."""
    text = actions_document(rows, form=form, source=source.name, heard_at=heard_at)
    draft = out.with_name(f".{out.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(out)
    except OSError as error:
        raise OperatorError(
            f"expected to write the actions to {out}, but {error.strerror}: name a file in a folder"
            " that exists and may be written"
        ) from None


def actions_document(
    rows: Iterable[ActionRow], *, form: str, source: str, heard_at: datetime
) -> str:
    """Give the file's text."""
    parts = [
        "# Written by `bellkeeper actions import`, which rewrites it whole: write approvals, and what",
        "# no publisher tells, into another file of this folder.",
        f'timezone = "{EASTERN_NAME}"',
        f'provider = "{form}"',
        f"heard_at = {heard_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f'imported_from = "{form}"',
        f"source = {_quoted(source)}",
    ]
    for row in rows:
        parts += ["", "[[action]]", *_lines(row)]
    return "\n".join(parts) + "\n"


def _lines(row: ActionRow) -> list[str]:
    lines = [f'kind = "{row.kind}"', f'symbol = "{row.symbol}"']
    lines.append(f"ex_date = {row.ex_date.isoformat()}")
    lines += [f'ratio = "{row.ratio}"'] if row.ratio is not None else []
    lines += [f'amount = "{row.amount:f}"'] if row.amount is not None else []
    lines += ["is_special = true"] if row.is_special else []
    lines += [f'new_symbol = "{row.new_symbol}"'] if row.new_symbol is not None else []
    return lines


def _quoted(text: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's too, but for the deletion mark."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _earlier(form: str, out: Path) -> tuple[ActionRow, ...]:
    if not out.exists():
        return ()
    file = read_actions_file(out)
    if file.imported_from != form:
        found = (
            "one of your own" if file.imported_from is None else f"one from {file.imported_from}"
        )
        raise OperatorError(
            f"expected {out} to be new or written by an earlier import of {form}, found {found}: name"
            " another file for --out"
        )
    return file.action


def _sorted(rows: Iterable[ActionRow]) -> tuple[ActionRow, ...]:
    unique = {
        (row.ex_date, row.symbol, row.kind, str(row.ratio), str(row.amount)): row for row in rows
    }
    return tuple(unique[place] for place in sorted(unique))
