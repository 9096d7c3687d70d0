"""A halt of the underlying is read as the exchange tells it; a doubt keeps the halt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.prices.trading_halts import (
    LARGEST_PAGE,
    HaltPageError,
    TradingHalt,
    halted_symbols,
    parse_halts,
)
from risk.units import Seconds

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<rss version="2.0" xmlns:ndaq="http://www.nasdaqtrader.com/"><channel>'
    "<title>NASDAQTrader.com</title><ndaq:numItems>1</ndaq:numItems>"
)
TAIL = "</channel></rss>"

# 2026-11-25 10:31:07.482 in New York is 15:31:07 UTC.
HALTED_AT = Seconds(1_795_620_667)


def item(
    symbol: str = "NVDA", code: str = "LUDP", time: str = "10:31:07.482", more: str = ""
) -> str:
    return (
        f"<item><title>{symbol}</title><pubDate>Wed, 25 Nov 2026 05:00:00 GMT</pubDate>"
        f"<ndaq:HaltDate>11/25/2026</ndaq:HaltDate><ndaq:HaltTime>{time}</ndaq:HaltTime>"
        f"<ndaq:IssueSymbol>{symbol}</ndaq:IssueSymbol><ndaq:IssueName>NVIDIA</ndaq:IssueName>"
        f"<ndaq:Market>NASDAQ</ndaq:Market><ndaq:ReasonCode>{code}</ndaq:ReasonCode>"
        f"<ndaq:PauseThresholdPrice />{more}</item>"
    )


def resumption(time: str, date: str = "11/25/2026") -> str:
    return (
        f"<ndaq:ResumptionDate>{date}</ndaq:ResumptionDate>"
        f"<ndaq:ResumptionQuoteTime>10:35:00</ndaq:ResumptionQuoteTime>"
        f"<ndaq:ResumptionTradeTime>{time}</ndaq:ResumptionTradeTime>"
    )


def page(*items: str) -> bytes:
    return f"{HEAD}{''.join(items)}{TAIL}".encode()


def test_reads_a_volatility_pause_in_new_york_time() -> None:
    assert parse_halts(page(item(more=resumption("10:36:07")))) == [
        TradingHalt(
            symbol="NVDA",
            reason="LUDP",
            halted_at=HALTED_AT,
            resumes_at=Seconds(HALTED_AT + 300),
        )
    ]


@pytest.mark.parametrize("more", ["", resumption(""), resumption("soon"), resumption("", "")])
def test_a_halt_without_a_readable_resumption_goes_on(more: str) -> None:
    (halt,) = parse_halts(page(item(code="T1", more=more)))
    assert halt.resumes_at is None
    assert halt.is_on(Seconds(HALTED_AT + 10**7))


@pytest.mark.parametrize(
    ("now", "is_on"),
    [(HALTED_AT - 1, False), (HALTED_AT, True), (HALTED_AT + 299, True), (HALTED_AT + 300, False)],
)
def test_a_halt_is_on_from_its_first_second_to_the_resumption(now: int, *, is_on: bool) -> None:
    halts = parse_halts(page(item(more=resumption("10:36:07"))))
    assert ("NVDA" in halted_symbols(halts, Seconds(now))) is is_on


def test_of_several_halts_the_last_counts() -> None:
    halts = parse_halts(
        page(
            item(code="T1", time="11:00:00"),
            item(code="LUDP", more=resumption("10:36:07")),
            item("TSLA", code="MWC1"),
        )
    )
    on = halted_symbols(halts, Seconds(HALTED_AT + 3_600))
    assert {symbol: halt.reason for symbol, halt in on.items()} == {"NVDA": "T1", "TSLA": "MWC1"}


def test_summer_time_is_an_hour_nearer_to_utc() -> None:
    summer = item().replace("11/25/2026", "07/01/2026")
    (halt,) = parse_halts(page(summer))
    # 2026-07-01 14:31:07 UTC.
    assert halt.halted_at == 1_782_916_267


def test_a_quiet_day_has_no_halts() -> None:
    assert parse_halts(page()) == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (b"", "no XML"),
        (b"<html><body>502 Bad Gateway</body></html>", "found <html>"),
        (page(item())[:-20], "no XML"),
        (b"<rss></rss>", "RSS with a channel"),
        (page(item().replace("HaltTime", "Time")), "IssueSymbol, HaltDate and HaltTime"),
        (page(item(symbol="")), "IssueSymbol, HaltDate and HaltTime"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><rss/>", "found a declaration"),
        ("<!DOCTYPE x><rss/>".encode("utf-16"), "found a declaration or a NUL"),
        (b" " * (LARGEST_PAGE + 1), "expected at most"),
    ],
)
def test_a_page_that_is_not_the_halts_is_refused(found: bytes, sentence: str) -> None:
    with pytest.raises(HaltPageError, match=sentence):
        parse_halts(found)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(page)))
def test_no_bytes_do_anything_but_parse_or_be_refused(found: bytes) -> None:
    try:
        halts = parse_halts(found)
    except HaltPageError:
        return
    assert all(isinstance(halt, TradingHalt) for halt in halts)
