"""Records as files: JSON whose keys are the fields' names, read back exactly or refused with one sentence."""

from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from config.problems import key_path
from drills.report.record import DrillRecord
from runtime.errors import OperatorError

_ADAPTER: Final = TypeAdapter(DrillRecord)
_LONGEST_QUOTE: Final = 80


def to_json(record: DrillRecord) -> str:
    """Write a record; the same record gives the same text."""
    return _ADAPTER.dump_json(record).decode() + "\n"


def from_json(text: str, *, name: str) -> DrillRecord:
    """Read a record; raises OperatorError that names the file, the key, what was expected and found."""
    try:
        return _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        found = repr(problem["input"])
        if len(found) > _LONGEST_QUOTE:
            found = found[:_LONGEST_QUOTE] + "…"
        place = key_path(problem["loc"]) or "the whole file"
        raise OperatorError(
            f"expected the record of a drill in {name}, but {place}: {problem['msg']}, found {found}:"
            " play the drill again, or name another file"
        ) from None


def write_record(record: DrillRecord, path: Path) -> None:
    """Write a record into a file, whole or not at all; raises OperatorError where it may not be written."""
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(to_json(record), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise OperatorError(
            f"expected to write the drill's record to {path}, but {error.strerror}: name a folder that"
            " may be written"
        ) from error


def read_record(path: Path) -> DrillRecord:
    """Read a record from a file; raises OperatorError where it is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"expected the record of a drill in {path}, but it cannot be read ({error}): name another"
        ) from error
    return from_json(text, name=str(path))
