"""What comes in when the other side is broken or hostile: bytes, JSON and TOML that are almost right.

Almost right finds more than random does: each example begins as something valid and is then spoilt in
one to three places.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

Json = Any


def nested(depth: int) -> list[Any]:
    """Make lists within lists."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


DEEP: Final[Mapping[str, str]] = {
    "<30 lists>": "[" * 30 + "]" * 30,
    "<240 lists>": "[" * 240 + "]" * 240,
    "<990 lists>": "[" * 990 + "]" * 990,
    "<990 objects>": '{"a":' * 990 + "0" + "}" * 990,
}
"""Marks that become what is nested deep once all is text: Python cannot copy such values."""

NASTY: Sequence[Json] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 2**64,
    2**256 - 1, 2**256, 10**400, -(10**400), 10**12, 0.0, -0.0, 0.5, 1e22, 1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"),
    "", " ", "0", "-0", "1", "-1", "0x", "0x0", "0X1", "-0x1", "0x-1", "0x_1", " 0x1", "0x1 ", "0xg",
    "0x 00", "0x" + "0" * 64, "0x" + "f" * 16, "0x" + "f" * 64, "0x" + "f" * 65, "0x" + "f" * 3_000,
    "1e5", "1e999", "1e-999", "1e99999999999", "1" * 80, "1" * 5_000, "0." + "0" * 79 + "1", ".5", "5.",
    "1_000", "+1", "NaN", "Infinity", "१२३", "²", "\x00", "\n", "a\nb", "\u2028", "\ud800", "😀", "x" * 10_000,
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31", "0001-01-01", "2026-02-30",
    "2026-11-20T14:30:00.25Z", "24:00", "00:00", "America/New_York", "../../etc/passwd", "/dev/null",
    "retry in " + "9" * 400 + " s", "try again in 1e9 s", "execution reverted: 0x" + "08c379a0" + "ff" * 40,
    [], {}, [[]], [{}], {"": None}, [None] * 300, *DEEP,
)  # fmt: skip
"""Values that somebody once did not expect."""

VALUES: Final = (*NASTY, nested(30), nested(240), nested(990))
"""The same for what takes values and no text."""

TOKENS: Sequence[bytes] = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\n", b'"', b"\\", b"{", b"}", b"[", b"]",
    b"<", b"&", b"<html>", b"<!DOCTYPE x>", b"<!ENTITY x 'y'>", b"null", b"NaN", b"1e999", b"-", b"0x",
    b"," * 50, b"[" * 1_100, b"{" * 300, b"9" * 5_000, b"\\u0000", b"\\ud800", b"\xf0\x9f\x98\x80",
)  # fmt: skip

TOML_VALUES: Sequence[str] = (
    "0", "-1", "1", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" * 400, "1" * 5_000,
    "0.5", "-0.0", "1e308", "1e-320", "inf", "-inf", "nan", "true", "false", '""', '" "', '"x"', '"0"',
    '"1e99999"', '"-1"', '"0.000000001"', '"NaN"', '"Infinity"', f'"{"9" * 5_000}"', '"\\u0000"', '"\\n"',
    "[]", "[[]]", "[1, 2]", '["", ""]', "{}", "{ a = 1 }", "[{}]", '["SPY"]', "2026-11-20", "0001-01-01",
    "9999-12-31", "2026-11-20T14:30:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00",
    "07:30:00", '"09:30"', '"24:00"', '"00:00"', '"UTC"', '"Etc/GMT+12"', '"../etc"', '"10:1"', '"0:1"',
    f'"1:{"9" * 5_000}"', "0x7fffffffffffffff", "[" * 1_100, "{ a = " * 300,
)  # fmt: skip


@st.composite
def spoilt_json(draw: st.DrawFn, template: Json) -> Json:
    """Spoil a JSON value in up to three places."""
    value = copy.deepcopy(template)
    for _ in range(draw(st.integers(0, 3))):
        value = _spoil_one(draw, value)
    return value


def _spoil_one(draw: st.DrawFn, value: Json) -> Json:
    path = draw(st.sampled_from(list(_paths(value))))
    if not path:
        return copy.deepcopy(draw(st.sampled_from(NASTY)))
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    match draw(st.sampled_from(("replace", "replace", "replace", "remove", "twice", "text"))):
        case "replace":
            holder[last] = copy.deepcopy(draw(st.sampled_from(NASTY)))
        case "remove":
            del holder[last]
        case "twice" if isinstance(holder, list):
            holder.insert(last, copy.deepcopy(holder[last]))
        case "text" if isinstance(holder[last], str):
            holder[last] = draw(spoilt_text(holder[last]))
        case _:
            holder[last] = [holder[last]]
    return value


def _paths(value: Json, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Name every place of a template; what was spoilt already and is deep is one place."""
    found = [path]
    if len(path) < 8:
        if isinstance(value, dict):
            for key in value:
                found += _paths(value[key], (*path, key))
        elif isinstance(value, list) and len(value) < 50:
            for index, each in enumerate(value):
                found += _paths(each, (*path, index))
    return found


@st.composite
def spoilt_text(draw: st.DrawFn, text: str) -> str:
    """Cut, stretch or overwrite a text."""
    place = draw(st.integers(0, len(text)))
    match draw(st.sampled_from(("cut", "insert", "overwrite"))):
        case "cut":
            return text[:place]
        case "insert":
            return text[:place] + draw(st.text(max_size=3)) + text[place:]
        case _:
            return text[:place] + draw(st.text(min_size=1, max_size=1)) + text[place + 1 :]


@st.composite
def json_bytes(draw: st.DrawFn, *templates: Json) -> bytes:
    """Give a spoilt template as bytes; now and then the bytes are spoilt too, or are something else."""
    value = draw(spoilt_json(draw(st.sampled_from(templates))))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    for mark, deep in DEEP.items():
        text = text.replace(f'"{mark}"', deep)
    payload = text.encode(errors="surrogatepass")
    if draw(st.integers(0, 4)) == 0:
        return draw(spoilt_bytes(payload))
    return payload


@st.composite
def spoilt_bytes(draw: st.DrawFn, payload: bytes) -> bytes:
    """Flip, cut, repeat and insert."""
    body = bytearray(payload)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(body)))
        match draw(st.sampled_from(("flip", "cut", "insert", "repeat", "random"))):
            case "flip" if place < len(body):
                body[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del body[place : place + draw(st.integers(0, 200))]
            case "insert":
                body[place:place] = draw(st.sampled_from(TOKENS))
            case "repeat":
                body[place:place] = body[place : place + 60] * draw(st.integers(1, 5))
            case _:
                body[place:place] = draw(st.binary(max_size=40))
    return bytes(body)


@st.composite
def toml_bytes(draw: st.DrawFn, *paths: Path) -> bytes:
    """Give a shipped file with lines lost, doubled, moved, or with other values."""
    lines = draw(st.sampled_from(paths)).read_text().splitlines()
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        name, equals, _ = lines[place].partition("=")
        match draw(st.sampled_from(("value", "value", "value", "lose", "twice", "move"))):
            case "value" if equals and "#" not in name:
                lines[place] = f"{name}= {draw(st.sampled_from(TOML_VALUES))}"
            case "lose" if len(lines) > 1:
                del lines[place]
            case "twice":
                lines.insert(place, lines[place])
            case _:
                lines.insert(draw(st.integers(0, len(lines))), lines[place])
    payload = "\n".join(lines).encode()
    return draw(spoilt_bytes(payload)) if draw(st.integers(0, 5)) == 0 else payload


@st.composite
def word_bytes(draw: st.DrawFn, *templates: bytes) -> bytes:
    """Spoil ABI words: whole words replaced by extremes, cut, doubled; now and then single bytes."""
    raw = draw(st.sampled_from(templates))
    words = [raw[place : place + 32] for place in range(0, len(raw), 32)]
    extremes = st.one_of(
        st.sampled_from((0, 1, 2, 31, 32, 33, 2**32, 2**63 - 1, 2**63, 2**64, 2**255, 2**256 - 1)),
        st.integers(0, 2**256 - 1),
    )
    for _ in range(draw(st.integers(0, 3))):
        if not words:
            break
        place = draw(st.integers(0, len(words) - 1))
        match draw(st.sampled_from(("replace", "replace", "cut", "twice"))):
            case "replace":
                words[place] = draw(extremes).to_bytes(32)
            case "cut":
                del words[place]
            case _:
                words.insert(place, words[place])
    raw = b"".join(words)
    return draw(spoilt_bytes(raw)) if draw(st.integers(0, 3)) == 0 else raw
