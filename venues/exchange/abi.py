"""The contract's ABI, read once at start-up: names, types, selectors and topics.

Everything that encodes or decodes is generated from here, so that a changed contract fails at
start-up with a sentence, not at three in the morning with a wrong number. Only what our own
contract uses is understood: words, text, arrays and structs of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final

import orjson
from eth_hash.auto import keccak

WORD: Final = 32
"""Bytes of one ABI word."""
ARTIFACT_PATH: Final = Path(__file__).parent / "artifacts" / "Exchange.json"


class Kind(Enum):
    """The shapes of ABI types that the exchange uses."""

    UNSIGNED = auto()
    SIGNED = auto()
    BOOL = auto()
    ADDRESS = auto()
    FIXED_BYTES = auto()
    BYTES = auto()
    STRING = auto()
    ARRAY = auto()
    TUPLE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class AbiType:
    """One type: `items` are a struct's fields or an array's element; `size` is bits or a length."""

    name: str
    canonical: str
    kind: Kind
    size: int | None = None
    items: tuple["AbiType", ...] = ()

    @property
    def is_dynamic(self) -> bool:
        """Say whether a value of this type is referred to by an offset."""
        if self.kind in {Kind.BYTES, Kind.STRING}:
            return True
        if self.kind is Kind.ARRAY and self.size is None:
            return True
        return any(item.is_dynamic for item in self.items)

    @property
    def words(self) -> int:
        """Give how many words a value takes in place (one for the offset of a dynamic value)."""
        if self.is_dynamic:
            return 1
        if self.kind is Kind.TUPLE:
            return sum(item.words for item in self.items)
        if self.kind is Kind.ARRAY:
            return (self.size or 0) * self.items[0].words
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: how to call it and what it gives."""

    name: str
    selector: bytes
    inputs: tuple[AbiType, ...]
    outputs: tuple[AbiType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its topic and its fields, the indexed ones apart."""

    name: str
    topic: bytes
    indexed: tuple[AbiType, ...]
    plain: tuple[AbiType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Abi:
    """All functions and events by name."""

    functions: Mapping[str, Function]
    events: Mapping[str, Event]

    def function(self, name: str) -> Function:
        """Give a function, or raise ValueError naming what the artifact lacks."""
        found = self.functions.get(name)
        if found is None:
            raise ValueError(f"expected a function {name} in the exchange's ABI, found none")
        return found

    def event(self, name: str) -> Event:
        """Give an event, or raise ValueError naming what the artifact lacks."""
        found = self.events.get(name)
        if found is None:
            raise ValueError(f"expected an event {name} in the exchange's ABI, found none")
        return found


_PLAIN_KINDS: Final = {"bool": Kind.BOOL, "address": Kind.ADDRESS, "string": Kind.STRING}


def parse_type(entry: Mapping[str, Any]) -> AbiType:
    """Read one `{"name", "type", "components"}` entry; raises ValueError for an unknown type."""
    return _typed(entry.get("name", ""), entry["type"], entry.get("components", []))


def _typed(name: str, text: str, components: Sequence[Mapping[str, Any]]) -> AbiType:
    if text.endswith("]"):
        inner, _, length = text[:-1].rpartition("[")
        item = _typed("", inner, components)
        size = int(length) if length else None
        canonical = f"{item.canonical}[{length}]"
        return AbiType(name=name, canonical=canonical, kind=Kind.ARRAY, size=size, items=(item,))
    if text == "tuple":
        items = tuple(parse_type(component) for component in components)
        canonical = f"({','.join(item.canonical for item in items)})"
        return AbiType(name=name, canonical=canonical, kind=Kind.TUPLE, items=items)
    if text in _PLAIN_KINDS:
        return AbiType(name=name, canonical=text, kind=_PLAIN_KINDS[text])
    for prefix, kind in (("uint", Kind.UNSIGNED), ("int", Kind.SIGNED)):
        if text.startswith(prefix) and text[len(prefix) :].isdigit():
            return AbiType(name=name, canonical=text, kind=kind, size=int(text[len(prefix) :]))
    if text == "bytes":
        return AbiType(name=name, canonical=text, kind=Kind.BYTES)
    if text.startswith("bytes") and text[5:].isdigit():
        return AbiType(name=name, canonical=text, kind=Kind.FIXED_BYTES, size=int(text[5:]))
    raise ValueError(f"expected an ABI type that the exchange uses, found {text!r}")


def parse_abi(entries: Sequence[Mapping[str, Any]]) -> Abi:
    """Read the entries of an ABI; a function with defaults keeps its fullest form."""
    functions: dict[str, Function] = {}
    events: dict[str, Event] = {}
    for entry in entries:
        if entry["type"] == "function":
            function = _function(entry)
            known = functions.get(function.name)
            if known is None or len(known.inputs) < len(function.inputs):
                functions[function.name] = function
        elif entry["type"] == "event":
            events[entry["name"]] = _event(entry)
    return Abi(functions=functions, events=events)


def _function(entry: Mapping[str, Any]) -> Function:
    inputs = tuple(parse_type(item) for item in entry["inputs"])
    signature = f"{entry['name']}({','.join(item.canonical for item in inputs)})"
    return Function(
        name=entry["name"],
        selector=keccak(signature.encode())[:4],
        inputs=inputs,
        outputs=tuple(parse_type(item) for item in entry["outputs"]),
    )


def _event(entry: Mapping[str, Any]) -> Event:
    fields = [(parse_type(item), bool(item["indexed"])) for item in entry["inputs"]]
    signature = f"{entry['name']}({','.join(field.canonical for field, _ in fields)})"
    return Event(
        name=entry["name"],
        topic=keccak(signature.encode()),
        indexed=tuple(field for field, is_indexed in fields if is_indexed),
        plain=tuple(field for field, is_indexed in fields if not is_indexed),
    )


def load_abi(path: Path = ARTIFACT_PATH) -> Abi:
    """Read the ABI from a compiled artifact, a JSON object with the key "abi"."""
    return parse_abi(orjson.loads(path.read_bytes())["abi"])
