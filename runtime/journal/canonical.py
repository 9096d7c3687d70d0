"""Canonical JSON: the same facts give the same bytes, so that a replay can be compared.

Keys are sorted and there is no white space. Integers stay exact however large they are (wei do not
fit in 64 bits, where orjson stops), which is why reading goes through the standard library:
orjson would read a large integer as a float.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import cast

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def dump(facts: Mapping[str, object]) -> str:
    """Write facts as canonical JSON; bytes become 0x-hex."""
    try:
        return orjson.dumps(facts, default=_plain, option=_OPTIONS).decode()
    except TypeError:
        # A large integer, or something no JSON can hold, which raises again below.
        return json.dumps(
            facts, default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )


def load(text: str) -> Mapping[str, object]:
    """Read what `dump` wrote."""
    return cast("Mapping[str, object]", json.loads(text))


def _plain(value: object) -> object:
    if isinstance(value, bytes | bytearray):
        return "0x" + value.hex()
    if isinstance(value, frozenset | set):
        return sorted(value, key=str)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"expected something JSON can hold, was {type(value).__name__}")
