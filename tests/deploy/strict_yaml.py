"""Read the YAML that a careful person writes, and refuse the rest.

Maps, lists, texts, integers, true and false; flow lists and maps on one line; `|` blocks. What YAML's
versions read differently (`yes`, `on`, leading zeros, floats) or what hides something (duplicate keys,
anchors, tags, tabs) is an error, so that what these tests saw is what every tool sees.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Tree: TypeAlias = "bool | int | str | list[Tree] | dict[str, Tree]"

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./$\-][^:#,\[\]{}\"']*(?::(?! )[^:#,\[\]{}\"']*)*")
_KEY: Final = re.compile(r"([A-Za-z0-9_./\-]+):(?: +|$)")
_DOUBTFUL: Final = re.compile(
    r"(?i)yes|no|on|off|y|n|~|null|[+-]?0[0-9]+|[+-]?[0-9][0-9_]*\.[0-9]*|0x.*|0o.*"
)


class NotStrictError(Exception):
    """Something that we do not write."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str


@dataclass(slots=True)
class _Reader:
    lines: list[_Line]
    raw: list[str]
    at: int = field(default=0)

    def value(self, indent: int) -> Tree:
        """Read the block whose lines stand at `indent`."""
        return self._list(indent) if self._text().startswith("-") else self._map(indent)

    def _text(self) -> str:
        return self.lines[self.at].text

    def _is_here(self, indent: int) -> bool:
        return self.at < len(self.lines) and self.lines[self.at].indent == indent

    def _fail(self, why: str) -> NotStrictError:
        line = self.lines[min(self.at, len(self.lines) - 1)]
        return NotStrictError(f"line {line.number}: {why}: {line.text!r}")

    def _map(self, indent: int) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        while self._is_here(indent) and not self._text().startswith("- "):
            match = _KEY.match(self._text())
            if match is None:
                raise self._fail("expected `key: value`")
            key = match[1]
            if key in found:
                raise self._fail("expected each key once")
            found[key] = self._after(self._text()[match.end() :], indent)
        self._end(indent)
        return found

    def _list(self, indent: int) -> list[Tree]:
        found: list[Tree] = []
        while self._is_here(indent) and self._text().startswith("- "):
            line = self.lines[self.at]
            rest = line.text[2:].lstrip()
            inner = indent + len(line.text) - len(rest)
            if _KEY.match(rest):
                self.lines[self.at] = _Line(line.number, inner, rest)
                found.append(self._map(inner))
            else:
                found.append(self._after(rest, indent))
        if self._is_here(indent) and self._text().startswith("-"):
            raise self._fail("expected `- value`")
        self._end(indent, is_list=True)
        return found

    def _end(self, indent: int, *, is_list: bool = False) -> None:
        is_deeper = self.at < len(self.lines) and self.lines[self.at].indent > indent
        if is_deeper or (self._is_here(indent) and not is_list and self._text().startswith("- ")):
            raise self._fail("expected less indentation")

    def _after(self, rest: str, indent: int) -> Tree:
        """Read what stands behind a key or a dash, on its line or below it."""
        if rest == "|":
            return self._block(indent)
        if rest:
            try:
                value, end = _flow(rest, 0)
            except (NotStrictError, ValueError) as error:
                raise self._fail(str(error)) from None
            if rest[end:].strip():
                raise self._fail("expected nothing behind the value")
            self.at += 1
            return value
        self.at += 1
        if self.at == len(self.lines):
            self.at -= 1
            raise self._fail("expected a value")
        below = self.lines[self.at]
        # A list may stand under its key without being indented.
        if below.indent > indent or (below.indent == indent and below.text.startswith("- ")):
            return self.value(below.indent)
        raise self._fail("expected a value above")

    def _block(self, indent: int) -> str:
        first = self.lines[self.at].number
        taken: list[str] = []
        for text in self.raw[first:]:
            if text.strip() and len(text) - len(text.lstrip()) <= indent:
                break
            taken.append(text)
        while self.at < len(self.lines) and self.lines[self.at].number <= first + len(taken):
            self.at += 1
        width = min(len(text) - len(text.lstrip()) for text in taken if text.strip())
        return "\n".join(text[width:] for text in taken).rstrip("\n") + "\n"


def _flow(text: str, at: int) -> tuple[Tree, int]:
    """Read one value that begins at `at`; give it and where it ends."""
    match text[at : at + 1]:
        case "[":
            return _flow_list(text, at + 1)
        case "{":
            return _flow_map(text, at + 1)
        case '"':
            value, end = json.JSONDecoder().raw_decode(text, at)
            return str(value), end
        case "'":
            end = text.index("'", at + 1)
            return text[at + 1 : end], end + 1
    match = _PLAIN.match(text, at)
    if match is None:
        raise NotStrictError("expected a value")
    plain = match[0].strip()
    if _DOUBTFUL.fullmatch(plain):
        raise NotStrictError("expected a text in quotes or a plain number")
    if plain in {"true", "false"}:
        return plain == "true", match.end()
    return int(plain) if re.fullmatch(r"-?[0-9]+", plain) else plain, match.end()


def _flow_list(text: str, at: int) -> tuple[list[Tree], int]:
    found: list[Tree] = []
    while text[at] != "]":
        value, at = _flow(text, at)
        found.append(value)
        at = _next(text, at, "]")
    return found, at + 1


def _flow_map(text: str, at: int) -> tuple[dict[str, Tree], int]:
    found: dict[str, Tree] = {}
    while text[at] != "}":
        key = _KEY.match(text, at)
        if key is None or key[1] in found:
            raise NotStrictError("expected a key, and each once")
        found[key[1]], at = _flow(text, key.end())
        at = _next(text, at, "}")
    return found, at + 1


def _next(text: str, at: int, closing: str) -> int:
    while text[at : at + 1] == " ":
        at += 1
    if text[at : at + 1] == ",":
        at += 1
        while text[at : at + 1] == " ":
            at += 1
        return at
    if text[at : at + 1] != closing:
        raise NotStrictError(f"expected `,` or `{closing}`")
    return at


def documents(text: str) -> list[dict[str, Tree]]:
    """Read every document of a file; each is a map."""
    found = []
    for part in re.split(r"(?m)^---$", text):
        raw = part.split("\n")
        lines = [
            _Line(number, len(line) - len(line.lstrip(" ")), _without_comment(line).strip())
            for number, line in enumerate(raw, start=1)
        ]
        lines = [line for line in lines if line.text]
        if any("\t" in line.text for line in lines):
            raise NotStrictError("expected spaces, found a tab")
        if not lines:
            continue
        reader = _Reader(lines, raw)
        tree = reader.value(lines[0].indent)
        if reader.at != len(lines) or not isinstance(tree, dict):
            raise NotStrictError(f"expected a map to the end, found line {reader.at + 1}")
        found.append(tree)
    return found


def _without_comment(line: str) -> str:
    quote = ""
    for at, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote and line[at - 1] != "\\" else quote
        elif sign in "\"'" and (at == 0 or line[at - 1] in " [,{"):
            quote = sign
        elif sign == "#" and (at == 0 or line[at - 1] == " "):
            return line[:at]
    return line
