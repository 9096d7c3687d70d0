"""The bytes of a report are decoded as an independent decoder does, or refused with a sentence."""

import contextlib
from typing import Any

import pytest
from eth_abi.abi import decode
from hypothesis import given
from hypothesis import strategies as st

from monitors.prices.chainlink_reports import (
    StreamFeed,
    StreamReport,
    decode_full_report,
    price_report,
)
from monitors.prices.port import FaultKind, NotJsonError, WrongShapeError
from tests.monitors.prices.test_chainlink_reports import (
    ENVELOPE,
    TYPES,
    V8,
    V8_KEY,
    V11,
    V11_FEED,
    V11_KEY,
    blob_of,
    full_report,
    message,
    parse,
)

WHOLE = full_report(blob_of(V11()))

# --- a twin ------------------------------------------------------------------------------------

SECOND = st.integers(0, 2**32 - 1)
INT192 = st.integers(-(2**191), 2**191 - 1)
UINT192 = st.integers(0, 2**192 - 1)
BEGINNING = {
    "valid_from": SECOND,
    "observations": SECOND,
    "native_fee": UINT192,
    "link_fee": UINT192,
    "expires_at": SECOND,
    "mid": INT192,
    "seen": st.integers(0, 2**64 - 1),
    "status": SECOND,
}
V8S = st.builds(V8, **BEGINNING)
V11S = st.builds(
    V11, **BEGINNING, bid=INT192, bid_volume=INT192, ask=INT192, ask_volume=INT192,
    last_traded=INT192,
)  # fmt: skip


@given(V8S | V11S, st.integers(0, 40))
def test_decodes_as_an_independent_decoder_does(fields: V8 | V11, signatures: int) -> None:
    raw = full_report(blob_of(fields), signatures=signatures)
    blob = decode(ENVELOPE, raw)[1]
    is_v8 = isinstance(fields, V8)
    twin: Any = decode(TYPES[8 if is_v8 else 11], blob)
    assert decode_full_report(raw) == StreamReport(
        key=twin[0],
        observations_second=twin[2],
        seen_nanos=twin[6 if is_v8 else 7],
        mid=twin[7 if is_v8 else 6],
        bid=0 if is_v8 else twin[8],
        ask=0 if is_v8 else twin[10],
        status=twin[-1],
    )


@given(st.binary(max_size=1200))
def test_random_bytes_raise_only_the_wrong_shape_error(raw: bytes) -> None:
    for payload in (raw, WHOLE[:192] + raw):
        with contextlib.suppress(WrongShapeError):
            price_report(decode_full_report(payload), V11_FEED, source="streams")
    with contextlib.suppress(WrongShapeError):
        parse(raw)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_only_the_wrong_shape_error(place: int, byte: int) -> None:
    raw = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    with contextlib.suppress(WrongShapeError):
        price_report(decode_full_report(raw), V11_FEED, source="streams")


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 31, 96, 127, 223, 255, 256, 300, 256 + 447])
def test_refuses_a_truncated_report(size: int) -> None:
    raw = full_report(blob_of(V11()))
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        decode_full_report(raw[:size])


@pytest.mark.parametrize(
    ("blob", "found"),
    [
        (blob_of(V11())[:-32], "found 416"),
        (blob_of(V11()) + bytes(32), "found 480"),
        (blob_of(V8())[:-1], "found 287"),
        (b"", "found 0 bytes"),
        (V11_KEY, "found 32"),
        (V8_KEY + blob_of(V11())[32:], "found 448"),
        (bytes.fromhex("0003") + blob_of(V11())[2:], "found v3"),
        (bytes.fromhex("000a") + blob_of(V8())[2:], "found v10"),
    ],
)
def test_refuses_a_blob_of_another_size_or_schema(blob: bytes, found: str) -> None:
    with pytest.raises(WrongShapeError, match=rf"^expected .*{found}"):
        decode_full_report(full_report(blob))


@pytest.mark.parametrize(
    ("place", "word"),
    [
        (2, 2**64),  # observationsTimestamp
        (2, 10**12),
        (6, 2**191),  # mid
        (6, -(2**191) - 1),
        (7, 2**64),  # lastSeenTimestampNs
        (8, 2**200),  # bid
        (10, 2**200),  # ask
        (13, 2**32),  # marketStatus
    ],
)
def test_refuses_a_number_that_its_type_cannot_hold(place: int, word: int) -> None:
    blob = bytearray(blob_of(V11()))
    blob[place * 32 : place * 32 + 32] = (word % 2**256).to_bytes(32, "big")
    payload = message(V11(), fullReport=full_report(bytes(blob)).hex())
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        parse(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b"{}",
        b'{"report":null}',
        b'{"reports":[]}',
        b'{"error":"unauthorized"}',
        message(V11(), feedID=None),
        message(V11(), feedID="0xzz"),
        message(V11(), fullReport=None),
        message(V11(), fullReport=12),
        message(V11(), fullReport="0xzz"),
        message(V11(), fullReport="0x0"),
    ],
)
def test_refuses_another_shape(payload: bytes) -> None:
    with pytest.raises(WrongShapeError, match=r"^expected .*, found ") as raised:
        parse(payload)
    assert raised.value.kind is FaultKind.WRONG_SHAPE


@pytest.mark.parametrize("payload", [b"", b"<html>busy</html>", message(V11())[:100]])
def test_says_that_it_is_no_json(payload: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(payload)


def test_refuses_one_feed_in_the_envelope_of_another() -> None:
    payload = message(V11(), feedID="0x" + V8_KEY.hex())
    with pytest.raises(WrongShapeError, match="another feed's inside"):
        parse(payload)


def test_a_feed_that_nobody_asked_for_gives_nothing() -> None:
    assert parse(message(V11(key=bytes.fromhex("000b" + "00" * 30)))) is None


@pytest.mark.parametrize(
    ("feed_id", "found"),
    [
        ("0x0003" + "5a" * 30, "expected a stream of schema v8"),
        ("0x000b" + "5a" * 29, "expected a feed id of 64 hex digits"),
        ("nvda", "expected a feed id of 64 hex digits"),
    ],
)
def test_a_feed_that_cannot_be_decoded_is_refused_at_once(feed_id: str, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        StreamFeed(feed_id=feed_id, symbol="NVDA")
