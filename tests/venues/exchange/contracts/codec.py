"""The contract's interface, spoken through its published ABI and eth_abi.

The slow and obvious way on purpose: the fast decoders of the runtime are checked elsewhere.
Structs come back as dictionaries with the names of the ABI.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eth_abi import decode, encode  # type: ignore[attr-defined]
from eth_utils.crypto import keccak

ARTIFACTS = Path(__file__).resolve().parents[4] / "venues/exchange/artifacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One decoded log."""

    name: str
    fields: dict[str, Any]

    def __getitem__(self, field: str) -> Any:
        return self.fields[field]


def type_text(item: dict[str, Any]) -> str:
    """Spell the canonical type of an ABI item."""
    if not item["type"].startswith("tuple"):
        return str(item["type"])
    inner = ",".join(type_text(component) for component in item["components"])
    return f"({inner}){item['type'].removeprefix('tuple')}"


def named(item: dict[str, Any], value: Any) -> Any:
    """Turn decoded tuples into dictionaries."""
    if item["type"] == "tuple":
        pairs = zip(item["components"], value, strict=True)
        return {component["name"]: named(component, part) for component, part in pairs}
    if item["type"].startswith("tuple"):
        return [named({**item, "type": "tuple"}, part) for part in value]
    return value


def positional(item: dict[str, Any], value: Any) -> Any:
    """Turn dictionaries into the tuples that the encoder takes."""
    if item["type"] == "tuple":
        if not isinstance(value, dict):
            return tuple(value)
        return tuple(positional(part, value[part["name"]]) for part in item["components"])
    if item["type"].startswith("tuple"):
        return [positional({**item, "type": "tuple"}, part) for part in value]
    return value


class Abi:
    """Encoder and decoder of one contract."""

    @classmethod
    def load(cls, artifact_name: str) -> Self:
        """Read a committed artifact."""
        return cls(json.loads((ARTIFACTS / f"{artifact_name}.json").read_text()))

    def __init__(self, artifact: dict[str, Any]) -> None:
        self.bytecode: str = artifact["bytecode"]
        self.functions: dict[str, dict[str, Any]] = {}
        self._selectors: dict[str, bytes] = {}
        self._events: dict[bytes, dict[str, Any]] = {}
        self._constructor: list[dict[str, Any]] = []
        for item in artifact["abi"]:
            self._remember(item)

    def _remember(self, item: dict[str, Any]) -> None:
        if item["type"] == "constructor":
            self._constructor = item["inputs"]
            return
        signature = f"{item['name']}({','.join(map(type_text, item['inputs']))})"
        if item["type"] == "function":
            self.functions[item["name"]] = item
            self._selectors[item["name"]] = keccak(text=signature)[:4]
        else:
            self._events[keccak(text=signature)] = item

    def deployment(self, *arguments: Any) -> str:
        """Compose the data of the deploying transaction."""
        return self.bytecode + self._pack(self._constructor, arguments).hex()

    def call_data(self, name: str, *arguments: Any) -> str:
        """Compose the data of a call."""
        packed = self._pack(self.functions[name]["inputs"], arguments)
        return "0x" + (self._selectors[name] + packed).hex()

    def result(self, name: str, data: str) -> Any:
        """Decode what a function returned."""
        outputs = self.functions[name]["outputs"]
        values = decode([type_text(item) for item in outputs], bytes.fromhex(data[2:]))
        answers = [named(item, value) for item, value in zip(outputs, values, strict=True)]
        return answers[0] if len(answers) == 1 else answers

    def event(self, log: dict[str, Any]) -> Event:
        """Decode one log."""
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        item = self._events[topics[0]]
        indexed = [part for part in item["inputs"] if part["indexed"]]
        plain = [part for part in item["inputs"] if not part["indexed"]]
        values = decode([type_text(part) for part in plain], bytes.fromhex(log["data"][2:]))
        fields = {part["name"]: named(part, v) for part, v in zip(plain, values, strict=True)}
        for part, topic in zip(indexed, topics[1:], strict=True):
            fields[part["name"]] = decode([part["type"]], topic)[0]
        return Event(name=item["name"], fields=fields)

    @staticmethod
    def _pack(inputs: list[dict[str, Any]], arguments: tuple[Any, ...]) -> bytes:
        values = [positional(item, value) for item, value in zip(inputs, arguments, strict=True)]
        return encode([type_text(item) for item in inputs], values)
