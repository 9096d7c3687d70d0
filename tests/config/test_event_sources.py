"""Published calendars in their own shapes, written by hand here, and files that are none of them."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.event_sources import READERS, Published, read_published
from tests.config.calendars_by_hand import BAD_CALENDARS, FED, JOBS, WINTER, ics

OURS = frozenset({"AAPL", "NVDA"})


def read(form: str, text: str) -> Published:
    return read_published(form, text, OURS)


def listed(published: Published) -> list[tuple[str, ...]]:
    return [
        (row.kind, row.day.isoformat(), row.time or row.part or "", row.symbol or "")
        for row in published.rows
    ]


@pytest.mark.parametrize(
    ("event", "day", "time"),
    [
        pytest.param(WINTER, "2026-12-10", "08:30", id="a zone by the publisher's name"),
        pytest.param(
            "SUMMARY:Consumer Price Index for June 2026\nDTSTART:20260714T123000Z",
            "2026-07-14",
            "08:30",
            id="UTC in summer",
        ),
        pytest.param(
            "SUMMARY:Consumer Price Index\nDTSTART:20261210T133000Z",
            "2026-12-10",
            "08:30",
            id="UTC in winter",
        ),
        pytest.param(
            'SUMMARY;LANGUAGE="en":Consumer Price Index\nDTSTART;TZID="America/Chicago":20261210T073000',
            "2026-12-10",
            "08:30",
            id="another zone, and parameters in quotes",
        ),
        pytest.param(
            "SUMMARY:Consumer Price Index\nDTSTART:20261210T083000",
            "2026-12-10",
            "08:30",
            id="no zone: the publisher's",
        ),
        pytest.param(
            "SUMMARY:Consumer Price Index\nDTSTART;VALUE=DATE:20261210",
            "2026-12-10",
            "all_day",
            id="a whole day",
        ),
        pytest.param(
            "SUMMARY:Consumer Price Index\nDTSTART:20261210T083000\nBEGIN:VALARM\n"
            "SUMMARY:ring\nTRIGGER:-PT15M\nEND:VALARM",
            "2026-12-10",
            "08:30",
            id="an alarm inside",
        ),
    ],
)
def test_reads_the_consumer_prices_of_an_ical_calendar(event: str, day: str, time: str) -> None:
    published = read("bls-ics", ics(JOBS, event))
    assert listed(published) == [("cpi", day, time, "")]
    assert published.first == min(date(2026, 12, 4), date.fromisoformat(day))
    assert published.last is None


def test_joins_folded_lines_and_reads_escaped_words() -> None:
    event = (
        "SUMMARY:GDP (Third Estimate)\\, Corporate Profits\\, and Personal Inc\n"
        " ome and Outlays\\, 3rd Quarter 2026\nDTSTART:20261223T133000Z"
    )
    (row,) = read("bea-ics", ics(event)).rows
    assert (row.kind, row.day, row.time) == ("pce", date(2026, 12, 23), "08:30")
    assert row.name.endswith("Corporate Profits, and Personal Income and Outlays, 3rd Qu")


def test_a_cancelled_release_is_left_out() -> None:
    cancelled = WINTER.replace("1210", "1211") + "\nSTATUS:CANCELLED"
    assert listed(read("bls-ics", ics(WINTER, cancelled))) == [("cpi", "2026-12-10", "08:30", "")]


BEA = {
    "file_last_updated": "2026-11-20T14:00:00",
    "Gross Domestic Product": {"release_dates": ["2026-11-25T13:30:00+00:00"]},
    "Personal Income and Outlays": {
        "release_dates": [
            "2026-12-23T13:30:00+00:00",
            "2026-12-23T13:30:00+00:00",
            "2026-07-30T12:30:00+00:00",
            "2026-12-30T15:00:00+00:00",
        ],
        "to_be_rescheduled": ["2026-12-30T15:00:00+00:00"],
    },
}


def test_reads_income_and_outlays_once_each_and_not_what_is_to_be_moved() -> None:
    published = read("bea-json", json.dumps(BEA))
    assert listed(published) == [
        ("pce", "2026-12-23", "08:30", ""),
        ("pce", "2026-07-30", "08:30", ""),
    ]
    assert published.first == date(2026, 7, 30)


def test_reads_the_day_of_the_decision_behind_a_byte_order_mark() -> None:
    assert listed(read("fed-json", "\ufeff" + json.dumps({"events": FED}))) == [
        ("fomc", "2026-12-09", "14:00", ""),
        ("fomc", "2027-01-27", "14:00", ""),
        ("fomc", "2028-05-01", "all_day", ""),
    ]


NASDAQ = {
    "data": {
        "asOf": "Thu, Dec 10, 2026",
        "rows": [
            {"symbol": "NVDA", "time": "time-after-hours"},
            {"symbol": "AAPL", "time": "time-not-supplied"},
            {"symbol": "ZZZZ", "time": "time-pre-market"},
        ],
    },
}


def test_reads_one_day_of_earnings_of_our_markets() -> None:
    published = read("nasdaq-json", json.dumps(NASDAQ))
    assert listed(published) == [
        ("earnings", "2026-12-10", "after_close", "NVDA"),
        ("earnings", "2026-12-10", "all_day", "AAPL"),
    ]
    assert (published.first, published.last) == (date(2026, 12, 10), date(2026, 12, 10))


def test_a_day_without_earnings_is_a_day_all_the_same() -> None:
    text = json.dumps({"data": {"asOf": "Thu, Dec 10, 2026", "rows": None}})
    assert read("nasdaq-json", text) == Published(
        rows=(), first=date(2026, 12, 10), last=date(2026, 12, 10)
    )


@pytest.mark.parametrize(
    ("heading", "line", "part"),
    [
        ("symbol,name,reportDate,fiscalDateEnding,estimate,currency", "", "all_day"),
        (
            "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay",
            ",post-market",
            "after_close",
        ),
        (
            "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay",
            ",pre-market",
            "before_open",
        ),
        (
            "symbol,name,reportDate,fiscalDateEnding,estimate,currency,timeOfTheDay",
            ",at some time",
            "all_day",
        ),
    ],
)
def test_reads_a_table_of_earnings_of_our_markets(heading: str, line: str, part: str) -> None:
    text = (
        f"{heading}\r\nZZZZ,Other,2026-11-30,2026-10-31,0.1,USD{line}\r\n"
        f'NVDA,"Maker of, chips",2026-12-10,2026-10-31,0.6,USD{line}\r\n'
    )
    published = read("alpha-vantage-csv", text)
    assert listed(published) == [("earnings", "2026-12-10", part, "NVDA")]
    assert (published.first, published.last) == (date(2026, 11, 30), None)


@pytest.mark.parametrize(("form", "text", "sentence"), BAD_CALENDARS.values(), ids=BAD_CALENDARS)
def test_a_file_of_another_shape_is_refused(form: str, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^expected ") as caught:
        read(form, text)
    assert sentence in str(caught.value)


WHOLE = {
    "bls-ics": ics(WINTER, JOBS),
    "bea-ics": ics("SUMMARY:Personal Income and Outlays\nDTSTART:20261223T133000Z"),
    "bea-json": json.dumps(BEA),
    "fed-json": json.dumps({"events": FED}),
    "nasdaq-json": json.dumps(NASDAQ),
    "alpha-vantage-csv": "symbol,name,reportDate\nNVDA,Chips,2026-12-10\n",
}


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_a_damaged_file_is_read_or_refused_but_never_a_bug(form: str, data: st.DataObject) -> None:
    text = WHOLE[form]
    place = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(place, min(len(text), place + 20)))
    damaged = text[:place] + data.draw(st.text(max_size=20)) + text[end:]
    try:
        published = read(form, damaged)
    except ValueError:
        return
    assert all(published.first <= row.day for row in published.rows)


def test_every_format_has_a_whole_example_that_is_read() -> None:
    assert sorted(WHOLE) == sorted(READERS)
    for form, text in WHOLE.items():
        assert read(form, text).rows
