"""The effective configuration as rows, for `bellkeeper config show`: value, source, secrets hidden."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from config.loader import LoadedConfig
from config.problems import key_path
from config.redaction import redact_url

DEFAULT_SOURCE: Final = "default"
NOT_SET: Final = "(not set)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One key: what is in force, who said so, and whether part of it is hidden."""

    key: str
    value: str
    source: str
    is_redacted: bool


def effective(loaded: LoadedConfig) -> list[Row]:
    """List every key in force, in the order of the schema."""
    rows = []
    for location, value in _flat(loaded.settings, ()):
        key = key_path(location)
        text, is_redacted = _shown(value)
        source = loaded.key_to_source.get(key, DEFAULT_SOURCE)
        rows.append(Row(key=key, value=text, source=source, is_redacted=is_redacted))
    return rows


def _flat(
    value: object, location: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], object]]:
    if isinstance(value, BaseModel):
        for key, inner in value:
            yield from _flat(inner, (*location, key))
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _flat(inner, (*location, index))
    else:
        yield location, value


def _shown(value: object) -> tuple[str, bool]:
    if value is None:
        return NOT_SET, False
    if isinstance(value, bool):
        return ("true" if value else "false"), False
    if isinstance(value, Decimal):
        return f"{value:f}", False
    text = str(value) if isinstance(value, Path) else value
    if isinstance(text, str):
        shown = redact_url(text) if "://" in text else text
        return f'"{shown}"', shown != text
    return str(text), False
