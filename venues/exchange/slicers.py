"""Compile decoders that cut words at fixed places.

A static layout needs no parser: each field is one slice and one `int.from_bytes`. The source of
such a function is written from the ABI and compiled at start-up, about ten times as fast as a
general decoder. Values whose padding is not what their type demands are refused, never masked.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

from venues.exchange.abi import WORD, AbiType, Kind

Slicer: TypeAlias = Callable[[bytes], tuple[Any, ...]]

_ADDRESS_PADDING: Final = bytes(12)


class Defect(StrEnum):
    """What is wrong with bytes from the chain; a closed set, because it becomes a label."""

    MALFORMED = "malformed"
    UNKNOWN_EVENT = "unknown_event"
    UNKNOWN_MARKET = "unknown_market"
    BAD_VALUE = "bad_value"
    UNPLACED = "unplaced"
    FOREIGN = "foreign"


class UndecodableError(ValueError):
    """Bytes from the chain that are not what the ABI promises; the message is one sentence."""

    def __init__(self, message: str, defect: Defect = Defect.MALFORMED) -> None:
        super().__init__(message)
        self.defect = defect


def flatten(kind: AbiType) -> list[AbiType]:
    """Give the words of a static type in order; raises ValueError for a dynamic one."""
    if kind.is_dynamic:
        raise ValueError(f"expected a type of fixed size, found {kind.canonical}")
    if kind.kind is Kind.TUPLE:
        return [word for item in kind.items for word in flatten(item)]
    if kind.kind is Kind.ARRAY:
        return flatten(kind.items[0]) * (kind.size or 0)
    return [kind]


def _bool_word(word: bytes) -> bool:
    number = int.from_bytes(word, "big")
    if number > 1:
        raise UndecodableError(f"expected a bool of 0 or 1, found {number}")
    return number == 1


def _address_word(word: bytes) -> bytes:
    if word[:12] != _ADDRESS_PADDING:
        raise UndecodableError(f"expected an address padded with zeros, found 0x{word.hex()}")
    return word[12:]


def _expression(kind: AbiType, position: int) -> str:
    word = f"raw[{position * WORD}:{position * WORD + WORD}]"
    if kind.kind is Kind.UNSIGNED:
        return f"from_bytes({word}, 'big')"
    if kind.kind is Kind.SIGNED:
        return f"from_bytes({word}, 'big', signed=True)"
    if kind.kind is Kind.BOOL:
        return f"bool_word({word})"
    if kind.kind is Kind.ADDRESS:
        return f"address_word({word})"
    return word


def compile_slicer(words: Sequence[AbiType], wanted: Sequence[int] | None = None) -> Slicer:
    """Compile a function from bytes of exactly these words to the values at `wanted` places."""
    chosen = range(len(words)) if wanted is None else wanted
    values = "".join(f"{_expression(words[place], place)}, " for place in chosen)
    names: dict[str, Any] = {
        "from_bytes": int.from_bytes,
        "bool_word": _bool_word,
        "address_word": _address_word,
    }
    # The source is made of types and offsets of our own artifact; nothing of it comes from outside.
    exec(f"def slicer(raw):\n    return ({values})", names)  # noqa: S102
    slicer: Slicer = names["slicer"]
    return slicer
