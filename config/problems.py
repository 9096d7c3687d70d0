"""Turn what the schema found into one sentence: file, key, what was expected, what was found, what to do.

Only the first problem is told: an operator mends one line at a time, and later problems are often
only echoes of the first.
"""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.redaction import redact_url

_KIND_TO_WORDS: Final[Mapping[str, str]] = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a string",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "path_type": "the path of a file",
    "is_instance_of": "the path of a file",
    "int_parsing_size": "an integer of at most 63 bits",
}
_PAGE: Final = "docs/configuration.md"
_LONGEST_QUOTE: Final = 80

FileOf = Callable[[str], str]
"""The file (or environment variable) in which a key, written with dots, was set."""


def problem_sentence(
    error: ValidationError, model: type[BaseModel], file_of: FileOf, *, page: str = _PAGE
) -> str:
    """Tell the first problem; `page` is where the operator reads what a key is."""
    problem = min(error.errors(include_url=False), key=_rank)
    location = problem["loc"]
    key = key_path(location)
    file = file_of(key)
    if problem["type"] == "extra_forbidden":
        return _unknown_key(file, location, model, page)
    if problem["type"] == "missing":
        return f"{file}: {key} is missing: set it ({page} says how)"
    if problem["type"] == "value_error":
        words = str(problem["ctx"]["error"])
        if isinstance(problem["input"], BaseModel | dict):
            return f"{file}: [{key}] {words}" if key else f"{file}: {words}"
        return f"{file}: {key} must be {words}, found {_found(problem)}: correct it"
    return (
        f"{file}: {key} must be {_expected(problem)}, found {_found(problem)}: "
        f"correct it ({page} says what it does)"
    )


def key_path(location: Sequence[int | str]) -> str:
    """Write a key as people read it: `network.endpoints[0].http_url`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if part.isprintable() else _quoted(part)
            if len(shown) > _LONGEST_QUOTE:
                shown = shown[:_LONGEST_QUOTE] + "…"
            text += f".{shown}" if text else shown
    return text


def _quoted(text: str) -> str:
    """Put a text in quotes, on one line whatever is in it: a value may hold a line break."""
    return f'"{text}"' if text.isprintable() else json.dumps(text)


def _rank(problem: ErrorDetails) -> int:
    """Put a misspelt key first: the missing one that it leaves behind is only its echo."""
    return 0 if problem["type"] == "extra_forbidden" else 1


def _unknown_key(
    file: str, location: Sequence[int | str], model: type[BaseModel], page: str
) -> str:
    known = list(_model_at(model, location[:-1]).model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.6)
    remedy = f"did you mean `{close[0]}`?" if close else f"remove it ({page} lists all keys)"
    return f"{file}: {key_path(location)} is no key of the configuration: {remedy}"


def _model_at(model: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    for part in location:
        # A part that is no field is the name of a table in a table of tables.
        if isinstance(part, str) and part in model.model_fields:
            inner = section_of(model.model_fields[part].annotation)
            if inner is None:
                return model
            model = inner
    return model


def section_of(annotation: object) -> type[BaseModel] | None:
    """Find the section inside `Section`, `Section | None`, `tuple[Section, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = section_of(argument)
        if found is not None:
            return found
    return None


def _expected(problem: ErrorDetails) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    limits = {
        "greater_than": "greater than {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "less than {lt}",
        "less_than_equal": "at most {le}",
        "literal_error": "one of {expected}",
        "string_pattern_mismatch": "lower-case letters, digits and dashes, at most 32",
        "too_short": "a list of at least {min_length}",
        "too_long": "a list of at most {max_length}",
    }
    if kind in limits:
        return limits[kind].format(**context)
    return _KIND_TO_WORDS.get(kind, problem["msg"].lower())


def _found(problem: ErrorDetails) -> str:
    value: Any = problem["input"]
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and "://" in value:
        value = redact_url(value)
    quoted = _quoted(value) if isinstance(value, str) else str(value)
    return quoted if len(quoted) <= _LONGEST_QUOTE else quoted[:_LONGEST_QUOTE] + "…"
