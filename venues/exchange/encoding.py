"""Encode arguments into calldata, by the types that the ABI names.

Numbers that do not fit their type are refused with a sentence: nothing wraps. This is the general
form, a few microseconds a word; what is encoded often is packed by hand in `calls.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from venues.exchange.abi import WORD, AbiType, Function, Kind


def encode_call(function: Function, arguments: Sequence[Any]) -> bytes:
    """Encode a call: the selector, then the arguments in order.

    A struct may be given as a sequence or as a mapping by field name. Raises ValueError for a
    value that does not fit its type.
    """
    if len(arguments) != len(function.inputs):
        raise ValueError(
            f"expected {len(function.inputs)} arguments for {function.name}, found {len(arguments)}"
        )
    return function.selector + encode_sequence(function.inputs, arguments)


def encode_sequence(types: Sequence[AbiType], values: Sequence[Any]) -> bytes:
    """Encode values side by side: heads first, then the tails that offsets point to."""
    offset = sum(kind.words for kind in types) * WORD
    heads: list[bytes] = []
    tails: list[bytes] = []
    for kind, value in zip(types, values, strict=True):
        encoded = encode_value(kind, value)
        if kind.is_dynamic:
            heads.append(offset.to_bytes(WORD, "big"))
            tails.append(encoded)
            offset += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)


def encode_value(kind: AbiType, value: Any) -> bytes:  # noqa: ANN401 - the ABI says what it is
    """Encode one value in place; raises ValueError when it does not fit."""
    if kind.kind is Kind.TUPLE:
        if isinstance(value, Mapping):
            value = [value[item.name] for item in kind.items]
        return encode_sequence(kind.items, value)
    if kind.kind is Kind.ARRAY:
        return _array(kind, value)
    if kind.kind in {Kind.BYTES, Kind.STRING}:
        raw = value.encode() if isinstance(value, str) else bytes(value)
        padding = -len(raw) % WORD
        return len(raw).to_bytes(WORD, "big") + raw + bytes(padding)
    return _word(kind, value)


def _array(kind: AbiType, values: Sequence[Any]) -> bytes:
    item = kind.items[0]
    body = encode_sequence([item] * len(values), values)
    if kind.size is None:
        return len(values).to_bytes(WORD, "big") + body
    if len(values) != kind.size:
        raise ValueError(f"expected {kind.size} values of {item.canonical}, found {len(values)}")
    return body


def _word(kind: AbiType, value: Any) -> bytes:  # noqa: ANN401 - the ABI says what it is
    if kind.kind is Kind.FIXED_BYTES:
        if len(value) != kind.size:
            raise ValueError(f"expected {kind.size} bytes for {kind.name}, found {len(value)}")
        return bytes(value).ljust(WORD, b"\0")
    if kind.kind is Kind.ADDRESS:
        if len(value) != 20:
            raise ValueError(f"expected an address of 20 bytes, found {len(value)}")
        return bytes(value).rjust(WORD, b"\0")
    if kind.kind is Kind.BOOL:
        return int(bool(value)).to_bytes(WORD, "big")
    is_signed = kind.kind is Kind.SIGNED
    bits = (kind.size or 256) - is_signed
    if not (-(1 << bits) if is_signed else 0) <= value < 1 << bits:
        raise ValueError(f"expected a value of {kind.canonical} for {kind.name}, found {value}")
    return int(value).to_bytes(WORD, "big", signed=is_signed)
