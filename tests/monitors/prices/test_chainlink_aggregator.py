"""An aggregator on chain is read as it is, with its bounds, and its refusals are told apart."""

import contextlib
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from monitors.prices.chainlink_aggregator import (
    DECIMALS,
    LATEST_ROUND_DATA,
    AggregatorSettings,
    ChainlinkAggregator,
    EthCall,
    parse_decimals,
    parse_round,
)
from monitors.prices.port import FaultKind, SourceFault, WrongShapeError
from risk.price_report import Micros, PriceReport
from risk.sessions import Session
from risk.source_validity import FRESH_MEMORY, SourceRules, Validity, judge_report
from risk.units import PriceE8, Seconds
from runtime.rpc.errors import (
    ExecutionReverted,
    MethodMissing,
    RateLimited,
    RpcError,
    RpcTransient,
)
from tests.monitors.prices.servers import FAST, KEY, FakeClock, Recorder, running

ADDRESS = bytes.fromhex("ab" * 20)
SETTINGS = AggregatorSettings(
    name="aggregator",
    symbol="NVDA",
    address=ADDRESS,
    poll_seconds=0.01,
    lowest=PriceE8(10_700_000),
    highest=PriceE8(10_000 * 10**8),
)
ROUND = ["uint80", "int256", "uint256", "uint256", "uint80"]
UPDATED = 1_788_883_200
EIGHT = encode(["uint8"], [8])
REPORT = PriceReport(
    source="aggregator",
    symbol="NVDA",
    price=PriceE8(178_12345678),
    observed_at=Seconds(UPDATED),
    order=Micros(UPDATED * 10**6),
    lowest=PriceE8(10_700_000),
    highest=PriceE8(10_000 * 10**8),
)


def round_data(answer: int = 178_12345678, updated: int = UPDATED) -> bytes:
    return encode(ROUND, [2**64 + 7, answer, updated, updated, 2**64 + 7])


def parse(raw: bytes, *, decimals: int = 8) -> PriceReport:
    return parse_round(raw, SETTINGS, decimals=decimals)


def judged(report: PriceReport) -> Validity:
    rules = SourceRules(max_age=Seconds(60))
    now = Seconds(UPDATED + 5)
    return judge_report(report, FRESH_MEMORY, session=Session.REGULAR, now=now, rules=rules)[0]


Answer = bytes | RpcError


class Chain:
    """Answers calls in turn with what a test scripts; the last answer is repeated."""

    def __init__(self, *answers: Answer, decimals: Answer = EIGHT) -> None:
        self.answers = list(answers)
        self.decimals = decimals
        self.calls: list[bytes] = []

    async def __call__(self, address: bytes, calldata: bytes) -> bytes:
        assert address == ADDRESS
        self.calls.append(calldata)
        answer = self.decimals
        if calldata == LATEST_ROUND_DATA:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, RpcError):
            raise answer
        return answer


def source(
    call: EthCall, settings: AggregatorSettings = SETTINGS
) -> contextlib.AbstractAsyncContextManager[Recorder]:
    def make(_session: object) -> ChainlinkAggregator:
        return ChainlinkAggregator(settings, call, clock=FakeClock(), random=Random(7), rules=FAST)

    return running(make)


# --- parsing -----------------------------------------------------------------------------------


def test_the_selectors_are_those_of_the_interface() -> None:
    assert keccak(b"decimals()")[:4] == DECIMALS
    assert keccak(b"latestRoundData()")[:4] == LATEST_ROUND_DATA


def test_reads_a_round() -> None:
    assert parse(round_data()) == REPORT


@pytest.mark.parametrize(
    ("answer", "decimals", "price"),
    [
        (178, 0, 178 * 10**8),
        (17_812, 2, 178_12000000),
        (178_12345678, 8, 178_12345678),
        (178_123456789, 9, 178_12345678),
        (178_123456781 * 10**9, 18, 178_12345678),
        (10**10 - 1, 18, 0),
        (-1, 18, -1),
    ],
)
def test_scales_by_the_decimals_and_rounds_down(answer: int, decimals: int, price: int) -> None:
    assert parse(round_data(answer), decimals=decimals).price == price


@given(
    st.tuples(
        st.integers(0, 2**80 - 1),
        st.integers(-(10**40), 10**40),
        st.integers(0, 2**256 - 1),
        st.integers(1, 10**11 - 1),
        st.integers(0, 2**80 - 1),
    ),
    st.integers(2, 36),
)
def test_reads_what_an_independent_decoder_reads(values: tuple[int, ...], decimals: int) -> None:
    raw = encode(ROUND, values)
    twin: Any = decode(ROUND, raw)
    report = parse(raw, decimals=decimals)
    scaled = twin[1] * 10**8
    assert report.price * 10**decimals <= scaled < (report.price + 1) * 10**decimals
    assert report.observed_at == twin[3]
    assert report.order == twin[3] * 10**6


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_the_wrong_shape_error(raw: bytes) -> None:
    for payload in (raw, raw[:160].rjust(160, b"\0")):
        with contextlib.suppress(WrongShapeError):
            parse(payload)
    with contextlib.suppress(WrongShapeError):
        parse_decimals(raw)


@pytest.mark.parametrize("price", [SETTINGS.lowest, SETTINGS.highest])
def test_a_price_at_a_bound_is_passed_and_the_judge_refuses_it(price: int) -> None:
    report = parse(round_data(price))
    assert report == replace(REPORT, price=PriceE8(price))
    assert judged(report) is Validity.AT_BOUND
    assert judged(REPORT) is Validity.VALID


@pytest.mark.parametrize("bound", [123_456_789_012_345_678, 2 * 10**18])
def test_a_bound_finer_than_our_unit_is_still_met(bound: int) -> None:
    floored = PriceE8(bound // 10**10)
    for settings in (
        replace(SETTINGS, lowest=floored),
        replace(SETTINGS, lowest=PriceE8(0), highest=floored),
    ):
        report = parse_round(round_data(bound), settings, decimals=18)
        assert judged(report) is Validity.AT_BOUND


@pytest.mark.parametrize("answer", [0, -1, -(10**12)])
def test_a_price_that_is_none_is_passed_and_the_judge_refuses_it(answer: int) -> None:
    report = parse(round_data(answer))
    assert report.price == answer
    assert judged(report) is Validity.NON_POSITIVE


def test_a_round_that_is_not_complete_is_no_price() -> None:
    with pytest.raises(WrongShapeError, match="expected a complete round"):
        parse(round_data(updated=0))


@pytest.mark.parametrize(
    "raw",
    [
        round_data()[:-1],
        round_data()[:32],
        round_data() + b"\0",
        round_data(updated=10**11),
        round_data(updated=2**256 - 1),
        round_data(answer=2**255 - 1),
    ],
)
def test_refuses_a_malformed_round(raw: bytes) -> None:
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        parse(raw)


@pytest.mark.parametrize("raw", [bytes(31), bytes(64), encode(["uint256"], [256])])
def test_refuses_malformed_decimals(raw: bytes) -> None:
    with pytest.raises(WrongShapeError, match=r"^expected .*, found "):
        parse_decimals(raw)


@pytest.mark.parametrize(
    "facts",
    [
        {"address": ADDRESS[:-1]},
        {"lowest": PriceE8(-1)},
        {"highest": PriceE8(-1)},
        {"lowest": PriceE8(5), "highest": PriceE8(5)},
    ],
)
def test_refuses_settings_that_cannot_be_meant(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^expected .*, found "):
        replace(SETTINGS, **facts)


# --- the source --------------------------------------------------------------------------------


async def test_asks_for_the_decimals_once_and_for_each_round() -> None:
    chain = Chain(round_data(), round_data(179_00000000, UPDATED + 1))
    async with source(chain) as sink:
        await sink.until(reports=4)
    assert sink.reports[0] == REPORT
    assert [report.price for report in sink.reports[1:3]] == [179_00000000] * 2
    assert chain.calls[0] == DECIMALS
    assert set(chain.calls[1:]) == {LATEST_ROUND_DATA}
    assert not sink.faults


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", FaultKind.UNKNOWN_FEED),
        (round_data()[:64], FaultKind.WRONG_SHAPE),
        (round_data(updated=0), FaultKind.WRONG_SHAPE),
        (RpcTransient("timed out", endpoint="node"), FaultKind.UNREACHABLE),
        (RpcError(-32000, f"upstream https://rpc/{KEY}"), FaultKind.UNREACHABLE),
        (MethodMissing(-32601, "no eth_call"), FaultKind.UNREACHABLE),
        (RateLimited("slow down", retry_after_seconds=0.01), FaultKind.RATE_LIMITED),
        (RateLimited("slow down"), FaultKind.RATE_LIMITED),
        (ExecutionReverted(3, "execution reverted"), FaultKind.REFUSED),
    ],
)
async def test_a_fault_is_told_and_the_next_round_is_read(answer: Answer, kind: FaultKind) -> None:
    async with source(Chain(answer, round_data())) as sink:
        await sink.until(reports=1, faults=1)
    assert sink.kinds == [kind]
    assert sink.faults[0][1].startswith("expected ")
    assert KEY not in repr(sink.faults)
    assert sink.reports[0] == REPORT


@pytest.mark.parametrize(("told", "pause"), [(7.5, 7.5), (None, FAST.rate_limit_seconds)])
async def test_stays_away_as_long_as_the_endpoint_asks(told: float | None, pause: float) -> None:
    chain = Chain(RateLimited("slow down", retry_after_seconds=told))
    made = ChainlinkAggregator(SETTINGS, chain, clock=FakeClock(), random=Random(7), rules=FAST)
    with pytest.raises(SourceFault) as raised:
        await made._read()
    assert raised.value.retry_after_seconds == pause


async def test_says_which_address_has_no_code() -> None:
    async with source(Chain(round_data(), decimals=b"")) as sink:
        await sink.until(faults=2)
    assert set(sink.kinds) == {FaultKind.UNKNOWN_FEED}
    assert f"0x{ADDRESS.hex()}" in sink.faults[0][1]
    assert not sink.reports
