"""Spans as OTLP wants them: protobuf's wire format, written by hand.

The messages are those of OTLP 1 (opentelemetry/proto/collector/trace/v1), whose field numbers are stable.
A process that holds keys gets no SDK, no protobuf and no exporter threads for seven small messages; the
tests read every byte back with the official package. docs/tracing.md has the figures behind the choice.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from runtime.tracing.spans import Span, SpanEvent, Value, Values

CONTENT_TYPE: Final = "application/x-protobuf"
SCOPE: Final = "bellkeeper"

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_INTERNAL: Final = 1
_STATUS_ERROR: Final = 2
_MASK: Final = (1 << 64) - 1
_NANOSECONDS: Final = 1_000_000_000


def encode_span(span: Span) -> bytes:
    """Write a Span, for `encode_request`."""
    parent = _bytes(4, bytes.fromhex(span.parent_id)) if span.parent_id else b""
    status = b""
    if span.error is not None:
        status = _message(15, _text(2, span.error) + _number(3, _STATUS_ERROR))
    return b"".join(
        (
            _bytes(1, bytes.fromhex(span.trace_id)),
            _bytes(2, bytes.fromhex(span.span_id)),
            parent,
            _text(5, span.name),
            _number(6, _INTERNAL),
            _time(7, span.start),
            _time(8, span.end),
            _attributes(9, span.attributes),
            *(_message(11, _event(event)) for event in span.events),
            status,
        )
    )


def encode_request(spans: Iterable[bytes], *, resource: Values, version: str) -> bytes:
    """Write an ExportTraceServiceRequest: spans as `encode_span` gives them, of one process."""
    scope = _text(1, SCOPE) + _text(2, version)
    of_scope = _message(1, scope) + b"".join(_message(2, span) for span in spans)
    of_resource = _message(1, _attributes(1, resource)) + _message(2, of_scope)
    return _message(1, of_resource)


def decode_response(body: bytes) -> tuple[int, str]:
    """Read an ExportTraceServiceResponse: how many spans were refused, and why.

    Raises ValueError for bytes that are no such message.
    """
    rejected, why = 0, ""
    for number, partial in _fields(body):
        if number == 1 and isinstance(partial, bytes):
            for inner, value in _fields(partial):
                if inner == 1 and isinstance(value, int):
                    rejected = value
                elif inner == 2 and isinstance(value, bytes):
                    why = value.decode(errors="replace")
    return rejected, why


def _event(event: SpanEvent) -> bytes:
    return _time(1, event.at) + _text(2, event.name) + _attributes(3, event.attributes)


def _attributes(number: int, values: Mapping[str, Value]) -> bytes:
    return b"".join(
        _message(number, _text(1, name) + _message(2, _value(value)))
        for name, value in values.items()
    )


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return _text(1, value)
    # An integer beyond 63 bits (wei may be) has no place in OTLP but as text.
    if not -(1 << 63) <= value < 1 << 63:
        return _text(1, str(value))
    return _varint(3 << 3 | _VARINT) + _varint(value & _MASK)


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode(errors="replace"))


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(value)) + value


_message = _bytes


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _time(number: int, seconds: float) -> bytes:
    nanoseconds = max(0, round(seconds * _NANOSECONDS))
    return _varint(number << 3 | _FIXED64) + struct.pack("<Q", nanoseconds)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Walk over the fields of a message; raises ValueError where it is cut off or unknown."""
    place = 0
    while place < len(body):
        tag, place = _read_varint(body, place)
        kind = tag & 7
        if kind == _VARINT:
            value, place = _read_varint(body, place)
            yield tag >> 3, value
            continue
        if kind == _LENGTH:
            length, place = _read_varint(body, place)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"expected a field of protobuf, found kind {kind}")
        if place + length > len(body):
            raise ValueError("expected a whole message, found one that is cut off")
        yield tag >> 3, body[place : place + length]
        place += length


def _read_varint(body: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64 and place < len(body):
        byte = body[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise ValueError("expected a number, found one that is cut off")
