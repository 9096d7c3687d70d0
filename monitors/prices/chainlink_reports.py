"""Reports of Chainlink Data Streams, schemas v8 and v11, decoded from their signed bytes.

The first two bytes of a feed's id name its schema, and each schema has its own market statuses:
1 is closed in v8 and pre-market in v11. Prices have 18 decimals and are rounded down to 1e-8.
The signatures and `expiresAt` are not checked here: the network's signatures are verified on
chain, where a report is used to pay; we believe TLS and the judge. A price is as old as the feed
says that it is (`observed_at`), never as young as the report that repeats it (`order`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monitors.prices.chainlink_words import WORD, signed_at, unsigned_at, word_at
from monitors.prices.decimals import price_from_mantissa, read_time, width_from_mantissa
from monitors.prices.http import load_json, member
from monitors.prices.port import WrongShapeError
from risk.price_report import Micros, PriceReport
from risk.sessions import EXTERNAL_SESSIONS, Session
from risk.units import PriceE8, Seconds, div_floor

V8: Final = 8
"""Schema "RWA Standard": one price."""
V11: Final = 11
"""Schema "RWA Advanced": mid, bid and ask, and which session trades."""
BLOB_WORDS: Final[Mapping[int, int]] = {V8: 9, V11: 14}

CLOSED: Final = Session.WEEKEND
"""Chainlink does not say why a market is closed; what matters is that no outside market leads."""
V8_SESSIONS: Final[Mapping[int, Session | None]] = {
    0: Session.UNKNOWN,
    1: CLOSED,
    # Open says that some session trades, not which: we claim none, and the calendar says it.
    2: None,
}
V11_SESSIONS: Final[Mapping[int, Session]] = {
    0: Session.UNKNOWN,
    1: Session.PRE,
    2: Session.REGULAR,
    3: Session.POST,
    4: Session.OVERNIGHT,
    5: CLOSED,
}

SECONDS_TO_MICROS: Final = 10**6
NANOS_PER_SECOND: Final = 10**9
PRICE_EXPONENT: Final = -18
_OFFSET_OF_BLOB: Final = 3 * WORD
"""Behind the report context, three words that stand in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFeed:
    """One stream and the market that it prices; ValueError for an id that we cannot decode."""

    feed_id: str
    """64 hex digits, with or without 0x."""
    symbol: str
    sessions: frozenset[Session] = EXTERNAL_SESSIONS
    """The sessions whose market a v11 stream prices: a name has a stream for regular hours, one
    for extended hours and one for the night, and each of them repeats its last price in the
    sessions of the others. For a feed with standard hours, the regular session alone."""

    def __post_init__(self) -> None:
        if schema_of(self.key) not in BLOB_WORDS:
            raise ValueError(
                f"expected a stream of schema v8 (0x0008…) or v11 (0x000b…), found {self.feed_id}"
            )

    @property
    def key(self) -> bytes:
        """The id as bytes; ValueError unless it is one."""
        try:
            key = bytes.fromhex(self.feed_id.removeprefix("0x"))
        except ValueError:
            key = b""
        if len(key) != WORD:
            raise ValueError(f"expected a feed id of 64 hex digits, found {self.feed_id!r}")
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """What a report says, in its own units: prices in 1e-18 USD."""

    key: bytes
    """The feed's id."""
    observations_second: int
    """When the network made the report."""
    seen_nanos: int
    """When the mid price was last updated; it may go back from one report to the next."""
    mid: int
    bid: int = 0
    """0 where there is none, as in all of v8."""
    ask: int = 0
    status: int
    """Market status in the words of the schema."""


def schema_of(key: bytes) -> int:
    """Give the schema that a feed's id names."""
    return int.from_bytes(key[:2], "big")


def decode_full_report(raw: bytes) -> StreamReport:
    """Decode abi.encode(bytes32[3] context, bytes blob, bytes32[] rs, bytes32[] ss, bytes32 vs).

    Raises WrongShapeError for bytes that are none, and for any schema but v8 and v11.
    """
    place = unsigned_at(raw, _OFFSET_OF_BLOB, 32, "the offset of the blob")
    size = unsigned_at(raw, place, 32, "the length of the blob")
    blob = raw[place + WORD : place + WORD + size]
    if len(blob) != size:
        raise WrongShapeError(f"expected a blob of {size} bytes, found {len(blob)}")
    schema = schema_of(word_at(blob, 0, "feedId"))
    if schema not in BLOB_WORDS:
        raise WrongShapeError(f"expected a report of schema v8 or v11, found v{schema}")
    if size != BLOB_WORDS[schema] * WORD:
        raise WrongShapeError(
            f"expected a blob of {BLOB_WORDS[schema] * WORD} bytes for schema v{schema},"
            f" found {size}"
        )
    return _decode_v8(blob) if schema == V8 else _decode_v11(blob)


# Both begin: feedId, validFromTimestamp, observationsTimestamp, nativeFee, linkFee, expiresAt.
# v8 goes on: lastUpdateTimestamp, midPrice, marketStatus.
# v11 goes on: mid, lastSeenTimestampNs, bid, bidVolume, ask, askVolume, lastTradedPrice,
# marketStatus. The documents give times 32 bits, Chainlink's own clients 64: the wider is read.


def _decode_v8(blob: bytes) -> StreamReport:
    return StreamReport(
        key=blob[:WORD],
        observations_second=unsigned_at(blob, 2 * WORD, 64, "observationsTimestamp"),
        seen_nanos=unsigned_at(blob, 6 * WORD, 64, "lastUpdateTimestamp"),
        mid=signed_at(blob, 7 * WORD, 192, "midPrice"),
        status=unsigned_at(blob, 8 * WORD, 32, "marketStatus"),
    )


def _decode_v11(blob: bytes) -> StreamReport:
    return StreamReport(
        key=blob[:WORD],
        observations_second=unsigned_at(blob, 2 * WORD, 64, "observationsTimestamp"),
        mid=signed_at(blob, 6 * WORD, 192, "mid"),
        seen_nanos=unsigned_at(blob, 7 * WORD, 64, "lastSeenTimestampNs"),
        bid=signed_at(blob, 8 * WORD, 192, "bid"),
        ask=signed_at(blob, 10 * WORD, 192, "ask"),
        status=unsigned_at(blob, 13 * WORD, 32, "marketStatus"),
    )


def price_report(report: StreamReport, feed: StreamFeed, *, source: str) -> PriceReport:
    """Say a stream's report in our words; raises WrongShapeError for a time that is none."""
    seen = read_time(report.seen_nanos, "the time of the mid", per_second=NANOS_PER_SECOND)
    made = read_time(report.observations_second, "observationsTimestamp")
    return PriceReport(
        source=source,
        symbol=feed.symbol,
        price=price_from_mantissa(report.mid, PRICE_EXPONENT),
        confidence=_half_spread(report),
        observed_at=Seconds(div_floor(seen, NANOS_PER_SECOND)),
        order=Micros(made * SECONDS_TO_MICROS),
        session=_session(report, feed),
    )


def _half_spread(report: StreamReport) -> PriceE8:
    """Give half of ask − bid, rounded up once; 0, which is none told, unless both are there."""
    if report.bid <= 0 or report.ask < report.bid:
        return PriceE8(0)
    # Half of it is five tenths, so that the only rounding is the last one.
    return width_from_mantissa((report.ask - report.bid) * 5, PRICE_EXPONENT - 1)


def _session(report: StreamReport, feed: StreamFeed) -> Session | None:
    """Give the session told; a status that we do not know is UNKNOWN, never open.

    In a session that is not the stream's own its market is closed, and its price is an old one.
    """
    if schema_of(report.key) == V8:
        return V8_SESSIONS.get(report.status, Session.UNKNOWN)
    told = V11_SESSIONS.get(report.status, Session.UNKNOWN)
    return CLOSED if told in EXTERNAL_SESSIONS - feed.sessions else told


def parse_stream(
    payload: bytes, *, source: str, feeds: Mapping[bytes, StreamFeed]
) -> tuple[StreamFeed, PriceReport] | None:
    """Read one answer or one message of the socket, `{"report": {…}}`; `feeds` are by their key.

    Gives None for a feed that nobody asked for. Raises WrongShapeError.
    """
    message = member(load_json(payload), "report", dict, "the message")
    told = _from_hex(member(message, "feedID", str, "the report"), "feedID")
    feed = feeds.get(told)
    if feed is None:
        return None
    full = _from_hex(member(message, "fullReport", str, "the report"), "fullReport")
    report = decode_full_report(full)
    if report.key != told:
        # Only the signed bytes count, and they are another feed's.
        raise WrongShapeError(f"expected a report of {feed.symbol}, found another feed's inside")
    return feed, price_report(report, feed, source=source)


def _from_hex(text: str, what: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise WrongShapeError(f"expected {what} in hex, found other text") from error
