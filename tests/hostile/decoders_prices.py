"""What sources of prices, books, halts and participants send."""

from typing import Any, Final

import orjson
from hypothesis import strategies as st

from monitors.participants.typed_data import parse_quote
from monitors.prices.book_feed import parse_book_message
from monitors.prices.chainlink_reports import decode_full_report, parse_stream
from monitors.prices.decimals import (
    price_from_decimal,
    price_from_mantissa,
    read_decimal,
    read_integer,
    read_time,
)
from monitors.prices.http import EventReader, load_json, member
from monitors.prices.json_source import JsonSpec, TimeUnit, parse_json
from monitors.prices.port import WrongShapeError
from monitors.prices.pyth_hermes import feeds_by_id, parse_hermes
from monitors.prices.pyth_pro import parse_pro, parse_pro_message
from monitors.prices.trading_halts import HaltPageError, parse_halts
from tests.hostile.decoder import Decoder
from tests.hostile.strategies import VALUES, json_bytes, spoilt_bytes, spoilt_text, word_bytes
from tests.monitors.prices.test_chainlink_reports import (
    FEEDS as STREAMS,
)
from tests.monitors.prices.test_chainlink_reports import (
    V8,
    V11,
    blob_of,
    full_report,
    message,
)
from tests.monitors.prices.test_pyth_hermes import FEEDS as HERMES
from tests.monitors.prices.test_pyth_hermes import SHAPE as HERMES_SHAPE
from tests.monitors.prices.test_pyth_pro import FEEDS as PRO
from tests.monitors.prices.test_pyth_pro import SHAPE as PRO_SHAPE
from tests.monitors.prices.test_pyth_pro import UNKNOWN as PRO_UNKNOWN
from tests.monitors.prices.test_trading_halts import item, page, resumption

PRO_ERRORS: Final = (
    {"type": "error", "error": "no such channel"},
    {"type": "subscriptionError", "error": {"why": "no"}},
    orjson.loads(PRO_UNKNOWN),
)
JSON_MESSAGE: Final = {
    "data": [{"p": "211.3450", "t": 1_758_690_761.25, "o": "1758690762", "c": 0.05, "n": 3}],
    "kind": "price",
}
SPEC: Final = JsonSpec(
    name="json",
    symbol="SPY",
    url="https://prices.example/spy",
    price_path=("data", 0, "p"),
    time_path=("data", 0, "t"),
    order_path=("data", 0, "o"),
    confidence_path=("data", 0, "c"),
    publishers_path=("data", 0, "n"),
    time_unit=TimeUnit.SECONDS,
    kind_path=("kind",),
    kind="price",
)
ISO_SPEC: Final = JsonSpec(
    name="json",
    symbol="SPY",
    url="wss://prices.example/spy",
    price_path=("p",),
    time_path=("t",),
    time_unit=TimeUnit.ISO,
    price_exponent=-18,
)
QUOTE: Final = {
    "participant": "desk-a", "symbol": "SPY", "bid": "99.5", "ask": "100.5", "size": "10",
    "sequence": 7, "issued_at": 1_800_000_000, "expires_at": 1_800_000_060,
    "signature": "0x" + "1b" * 65,
}  # fmt: skip
BOOK: Final = (
    {"type": "snapshot", "market": "SPY", "sequence": 7, "time_ms": 1_800_000_000_000,
     "bids": [["100", "10"], ["99.5", "1"]], "asks": [["101", "3"]]},
    {"type": "update", "market": "SPY", "sequence": 8, "previous": 7, "time_ms": 1_800_000_000_500,
     "bids": [["100", "0"]], "asks": []},
    {"type": "trade", "market": "SPY", "sequence": 8, "previous": 7, "time_ms": 1_800_000_000_500,
     "price": "100.5"},
)  # fmt: skip
HALTS: Final = (
    page(item(more=resumption("10:36:07")), item("SPY", "T1")),
    page(),
    page(item(code="M", time="")),
)
NUMBERS: Final = st.one_of(
    st.sampled_from(VALUES),
    st.sampled_from(("211.3450", "-0.00000001", "2e2", "1e-30", "7", "+5.0E+10")).flatmap(
        spoilt_text
    ),
    st.integers(),
    st.floats(),
)
_WRONG: Final = (WrongShapeError,)


def _book(payload: bytes) -> object:
    message = load_json(payload)
    return parse_book_message(message, member(message, "type", str, "the message"))


def _events(chunks: list[bytes]) -> object:
    """Feed a stream of server-sent events in pieces, with room for little."""
    reader = EventReader(most_bytes=400)
    return [event for chunk in chunks for event in reader.feed(chunk)]


def _pair(read: Any) -> Any:
    return lambda numbers: read(*numbers)


DECODERS: Final = (
    Decoder(
        reads="monitors.prices.http:load_json",
        decode=load_json,
        examples=st.one_of(json_bytes(JSON_MESSAGE, QUOTE), st.binary(max_size=200)),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.http:EventReader.feed",
        decode=_events,
        examples=st.lists(spoilt_bytes(b"event: x\r\ndata: {}\ndata: 1\n\n: note\n\ndata:x\n\n")),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.pyth_hermes:parse_hermes",
        decode=lambda raw: parse_hermes(raw, source="hermes", feeds=feeds_by_id(HERMES)),
        examples=json_bytes(orjson.loads(HERMES_SHAPE)),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.pyth_pro:parse_pro",
        decode=lambda raw: parse_pro(raw, source="pro", feeds=PRO),
        examples=json_bytes(orjson.loads(PRO_SHAPE), *PRO_ERRORS),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.pyth_pro:parse_pro_message",
        decode=lambda raw: parse_pro_message(raw, source="pro", feeds=PRO),
        examples=json_bytes(*PRO_ERRORS, orjson.loads(PRO_SHAPE)),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.chainlink_reports:parse_stream",
        decode=lambda raw: parse_stream(raw, source="streams", feeds=STREAMS),
        examples=json_bytes(orjson.loads(message(V8())), orjson.loads(message(V11()))),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.chainlink_reports:decode_full_report",
        decode=decode_full_report,
        examples=word_bytes(full_report(blob_of(V8())), full_report(blob_of(V11()))),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.json_source:parse_json",
        decode=lambda raw: parse_json(raw, SPEC),
        examples=json_bytes(JSON_MESSAGE),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.json_source:parse_json",
        decode=lambda raw: parse_json(raw, ISO_SPEC),
        examples=json_bytes({"p": "1e18", "t": "2026-11-20T14:30:00.25Z"}),
        errors=_WRONG,
        variant="with ISO times",
    ),
    Decoder(
        reads="monitors.prices.trading_halts:parse_halts",
        decode=parse_halts,
        examples=st.sampled_from(HALTS).flatmap(spoilt_bytes),
        errors=(HaltPageError,),
    ),
    Decoder(
        reads="monitors.prices.book_feed:parse_book_message",
        decode=_book,
        examples=json_bytes(*BOOK),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.participants.typed_data:parse_quote",
        decode=parse_quote,
        examples=json_bytes(QUOTE),
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.decimals:read_integer",
        decode=lambda value: read_integer(value, "it"),
        examples=NUMBERS,
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.decimals:read_time",
        decode=lambda value: read_time(value, "it"),
        examples=NUMBERS,
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.decimals:read_decimal",
        decode=lambda value: (read_decimal(value, "it"), price_from_decimal(value, exponent=-18)),
        examples=NUMBERS,
        errors=_WRONG,
    ),
    Decoder(
        reads="monitors.prices.decimals:price_from_mantissa",
        decode=_pair(price_from_mantissa),
        examples=st.tuples(NUMBERS, NUMBERS),
        errors=_WRONG,
    ),
)
