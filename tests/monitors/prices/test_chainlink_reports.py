"""Reports of Data Streams are decoded as each schema says; the judge refuses what they warn of."""

from dataclasses import asdict, dataclass, replace

import orjson
import pytest
from eth_abi.abi import encode

from monitors.prices.chainlink_reports import (
    StreamFeed,
    decode_full_report,
    parse_stream,
    price_report,
)
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.source_validity import FRESH_MEMORY, SourceRules, Validity, judge_report
from risk.units import PriceE8, Seconds

V8_KEY = bytes.fromhex("0008" + "5a" * 30)
V11_KEY = bytes.fromhex("000b" + "a5" * 30)
V8_FEED = StreamFeed(feed_id=V8_KEY.hex(), symbol="SPY")
V11_FEED = StreamFeed(feed_id=V11_KEY.hex(), symbol="NVDA")
FEEDS = {V8_KEY: V8_FEED, V11_KEY: V11_FEED}

COMMON = ["bytes32", "uint32", "uint32", "uint192", "uint192", "uint32"]
TYPES = {
    8: [*COMMON, "uint64", "int192", "uint32"],
    11: [*COMMON, "int192", "uint64", *["int192"] * 5, "uint32"],
}
ENVELOPE = ["bytes32[3]", "bytes", "bytes32[]", "bytes32[]", "bytes32"]
NOW = 1_788_883_200
E18 = 10**18


@dataclass(frozen=True, kw_only=True)
class V8:
    key: bytes = V8_KEY
    valid_from: int = NOW
    observations: int = NOW
    native_fee: int = 7
    link_fee: int = 9
    expires_at: int = NOW + 86_400
    seen: int = NOW * 10**9 - 250_000_000
    mid: int = 631 * E18
    status: int = 2


@dataclass(frozen=True, kw_only=True)
class V11:
    key: bytes = V11_KEY
    valid_from: int = NOW
    observations: int = NOW
    native_fee: int = 7
    link_fee: int = 9
    expires_at: int = NOW + 86_400
    mid: int = 178 * E18
    seen: int = NOW * 10**9 - 250_000_000
    bid: int = 178 * E18 - 10**16
    bid_volume: int = 100 * E18
    ask: int = 178 * E18 + 10**16
    ask_volume: int = 100 * E18
    last_traded: int = 177 * E18
    status: int = 2


def blob_of(fields: V8 | V11) -> bytes:
    return encode(TYPES[8 if isinstance(fields, V8) else 11], list(asdict(fields).values()))


def full_report(blob: bytes, *, signatures: int = 6) -> bytes:
    words = [bytes([index]) * 32 for index in range(signatures)]
    return encode(ENVELOPE, [[b"\x01" * 32] * 3, blob, words, words, b"\x02" * 32])


def message(fields: V8 | V11, **facts: object) -> bytes:
    """Write one answer of REST, which is one message of the socket too."""
    report = {
        "feedID": "0x" + fields.key.hex(),
        "validFromTimestamp": fields.valid_from,
        "observationsTimestamp": fields.observations,
        "fullReport": "0x" + full_report(blob_of(fields)).hex(),
    }
    return orjson.dumps({"report": report | facts})


def parse(payload: bytes) -> PriceReport | None:
    found = parse_stream(payload, source="streams", feeds=FEEDS)
    return None if found is None else found[1]


def reported(fields: V8 | V11, feed: StreamFeed | None = None) -> PriceReport:
    decoded = decode_full_report(full_report(blob_of(fields)))
    return price_report(decoded, feed or FEEDS[fields.key], source="streams")


def judged(report: PriceReport, *, session: Session = Session.REGULAR) -> Validity:
    rules = SourceRules(max_age=Seconds(10))
    return judge_report(report, FRESH_MEMORY, session=session, now=Seconds(NOW), rules=rules)[0]


def test_reads_v11_with_half_its_spread_as_confidence() -> None:
    # 178.00 between 177.98 and 178.02 and a third of the last digit: rounded up.
    told = V11(bid=178 * E18 - 2 * 10**16, ask=178 * E18 + 2 * 10**16 + 10**9)
    assert parse(message(told)) == PriceReport(
        source="streams",
        symbol="NVDA",
        price=PriceE8(178 * 10**8),
        confidence=PriceE8(2_000_001),
        observed_at=Seconds(NOW - 1),
        order=Micros(NOW * 10**6),
        session=Session.REGULAR,
    )


def test_reads_v8() -> None:
    assert parse(message(V8())) == PriceReport(
        source="streams",
        symbol="SPY",
        price=PriceE8(631 * 10**8),
        observed_at=Seconds(NOW - 1),
        order=Micros(NOW * 10**6),
        session=None,
    )


@pytest.mark.parametrize(
    ("status", "v8", "v11"),
    [
        (0, Session.UNKNOWN, Session.UNKNOWN),
        (1, Session.WEEKEND, Session.PRE),
        (2, None, Session.REGULAR),
        (3, Session.UNKNOWN, Session.POST),
        (4, Session.UNKNOWN, Session.OVERNIGHT),
        (5, Session.UNKNOWN, Session.WEEKEND),
        (6, Session.UNKNOWN, Session.UNKNOWN),
        (2**32 - 1, Session.UNKNOWN, Session.UNKNOWN),
    ],
)
def test_the_same_status_means_another_session_in_each_schema(
    status: int, v8: Session | None, v11: Session
) -> None:
    assert reported(V8(status=status)).session is v8
    assert reported(V11(status=status)).session is v11


@pytest.mark.parametrize("report", [reported(V8(status=0)), reported(V11(status=0))])
def test_the_judge_refuses_a_status_that_nobody_knows(report: PriceReport) -> None:
    assert judged(report) is Validity.WRONG_SESSION


def test_the_judge_takes_an_open_v8_market_in_the_session_of_the_calendar() -> None:
    assert judged(reported(V8(status=2)), session=Session.PRE) is Validity.VALID
    assert judged(reported(V8(status=1)), session=Session.PRE) is Validity.WRONG_SESSION


@pytest.mark.parametrize(
    ("status", "session"),
    [
        (0, Session.UNKNOWN),
        (1, Session.PRE),
        (2, Session.WEEKEND),
        (3, Session.POST),
        (4, Session.WEEKEND),
        (5, Session.WEEKEND),
    ],
)
def test_a_stream_is_closed_in_the_sessions_of_the_others(status: int, session: Session) -> None:
    extended = replace(V11_FEED, sessions=frozenset({Session.PRE, Session.POST}))
    assert reported(V11(status=status), extended).session is session


def test_a_standard_hours_stream_is_closed_when_its_status_is_1() -> None:
    standard = replace(V11_FEED, sessions=frozenset({Session.REGULAR}))
    assert judged(reported(V11(status=1), standard)) is Validity.WRONG_SESSION
    assert judged(reported(V11(status=2), standard)) is Validity.VALID


def test_a_zero_mid_with_a_fresh_time_is_passed_and_the_judge_refuses_it() -> None:
    report = reported(V11(mid=0, bid=0, ask=0, status=4))
    assert (report.price, report.observed_at) == (0, NOW - 1)
    assert judged(report, session=Session.OVERNIGHT) is Validity.NON_POSITIVE


def test_a_time_seen_that_goes_back_makes_the_price_older_not_out_of_order() -> None:
    rules = SourceRules(max_age=Seconds(10))
    first = reported(V11())
    back = reported(V11(observations=NOW + 1, seen=(NOW - 60) * 10**9))
    assert back.order > first.order
    assert back.observed_at < first.observed_at
    _, memory = judge_report(
        first, FRESH_MEMORY, session=Session.REGULAR, now=Seconds(NOW), rules=rules
    )
    validity, _ = judge_report(
        back, memory, session=Session.REGULAR, now=Seconds(NOW + 1), rules=rules
    )
    assert validity is Validity.STALE


def test_an_old_close_repeated_in_a_young_report_is_stale() -> None:
    assert judged(reported(V11(seen=(NOW - 63_000) * 10**9))) is Validity.STALE


@pytest.mark.parametrize(
    ("bid", "ask", "width"),
    [
        (178 * E18, 179 * E18, 5 * 10**7),
        (178 * E18, 178 * E18, 0),
        (178 * E18, 178 * E18 + 2 * 10**10, 1),
        (178 * E18, 178 * E18 + 2 * 10**10 + 1, 2),
        (178 * E18, 178 * E18 + 1, 1),
        (179 * E18, 178 * E18, 0),
        (0, 178 * E18, 0),
        (178 * E18, 0, 0),
        (-1, 178 * E18, 0),
        (1, 2**191 - 1, -(-(2**191 - 2) // (2 * 10**10))),
    ],
)
def test_the_confidence_is_half_of_the_spread_rounded_up(bid: int, ask: int, width: int) -> None:
    assert reported(V11(bid=bid, ask=ask)).confidence == width


@pytest.mark.parametrize(
    ("mid", "price"),
    [
        (10**10, 1),
        (10**10 - 1, 0),
        (-1, -1),
        (-178 * E18, -178 * 10**8),
        (2**191 - 1, (2**191 - 1) // 10**10),
        (-(2**191), -(2**191) // 10**10),
    ],
)
def test_the_price_is_rounded_down_and_strange_ones_pass(mid: int, price: int) -> None:
    assert reported(V8(mid=mid)).price == price
    assert reported(V11(mid=mid)).price == price
