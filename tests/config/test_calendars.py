"""The calendar of US equities, a year line by line, and every way in which a file can be wrong."""

import csv
import itertools
from datetime import date, datetime
from pathlib import Path

import pytest

from config.calendars import (
    CALENDARS_DIRECTORY,
    Calendar,
    calendar_of,
    load_calendar,
    load_calendars,
    local_time,
    midnight,
)
from config.markets import MARKETS_DIRECTORY, load_market
from risk.sessions import Session
from risk.units import Seconds
from runtime.errors import OperatorError
from tests.config.golden.write_us_equities_2026 import GOLDEN, rows

SHIPPED = CALENDARS_DIRECTORY / "us_equities.toml"
XNYS = Path(__file__).parent / "golden" / "xnys_regular_sessions.csv"
"""Opens and closes of the New York Stock Exchange as exchange_calendars 4.13.2 has them."""


@pytest.fixture(scope="module")
def us_equities() -> Calendar:
    return load_calendar(SHIPPED)


def at(calendar: Calendar, text: str) -> Session:
    moment = datetime.fromisoformat(text).replace(tzinfo=calendar.zone)
    return calendar.timeline.session_at(Seconds(int(moment.timestamp())))


def test_a_year_of_boundaries_is_as_somebody_last_read_it(us_equities: Calendar) -> None:
    assert GOLDEN.read_text().splitlines()[1:] == rows(us_equities)


def test_regular_sessions_are_those_of_an_independent_calendar(us_equities: Calendar) -> None:
    with XNYS.open() as file:
        theirs = {
            row["date"]: (int(row["open_seconds"]), int(row["close_seconds"]))
            for row in csv.DictReader(file)
        }
    stop = midnight(date.fromisoformat(max(theirs)), us_equities.zone) + 86_400
    every = us_equities.timeline.between(Seconds(0), Seconds(stop))
    ours = {
        local_time(each.start, us_equities.zone).date().isoformat(): (each.start, after.start)
        for each, after in itertools.pairwise(every)
        if each.session is Session.REGULAR
    }
    assert len(theirs) == 728
    assert ours == theirs


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2026-11-23 00:00", Session.OVERNIGHT),
        ("2026-11-23 03:59", Session.OVERNIGHT),
        ("2026-11-23 04:00", Session.PRE),
        ("2026-11-23 09:29", Session.PRE),
        ("2026-11-23 09:30", Session.REGULAR),
        ("2026-11-23 16:00", Session.POST),
        ("2026-11-23 20:00", Session.OVERNIGHT),
        ("2026-11-20 19:59", Session.POST),
        ("2026-11-20 20:00", Session.WEEKEND),
        ("2026-11-22 19:59", Session.WEEKEND),
        ("2026-11-22 20:00", Session.OVERNIGHT),
        # The evening before a holiday does not run; that of the holiday does.
        ("2026-11-25 20:00", Session.HOLIDAY),
        ("2026-11-26 12:00", Session.HOLIDAY),
        ("2026-11-26 20:00", Session.OVERNIGHT),
        # Half a day.
        ("2026-11-27 12:59", Session.REGULAR),
        ("2026-11-27 13:00", Session.POST),
        ("2026-11-27 17:00", Session.HOLIDAY),
        ("2026-11-27 20:00", Session.WEEKEND),
        # A holiday on a Monday: the Sunday evening before it does not run.
        ("2026-05-24 20:00", Session.HOLIDAY),
        ("2026-05-25 20:00", Session.OVERNIGHT),
        # An unscheduled day of mourning.
        ("2025-01-09 10:00", Session.HOLIDAY),
        ("2028-01-03 10:00", Session.UNKNOWN),
        ("2024-12-30 10:00", Session.UNKNOWN),
    ],
)
def test_knows_the_session(us_equities: Calendar, moment: str, session: Session) -> None:
    assert at(us_equities, moment) is session


@pytest.mark.parametrize(
    ("friday", "monday", "utc_friday", "utc_monday"),
    [
        # Clocks go forward on 8 March 2026 and back on 1 November 2026.
        ("2026-03-06", "2026-03-09", "14:30", "13:30"),
        ("2026-10-30", "2026-11-02", "13:30", "14:30"),
    ],
)
def test_opens_at_the_same_wall_time_after_the_clocks_change(
    us_equities: Calendar, friday: str, monday: str, utc_friday: str, utc_monday: str
) -> None:
    for day, utc in ((friday, utc_friday), (monday, utc_monday)):
        opening = datetime.fromisoformat(f"{day}T{utc}:00+00:00").timestamp()
        timeline = us_equities.timeline
        assert timeline.session_at(Seconds(int(opening) - 1)) is Session.PRE
        assert timeline.session_at(Seconds(int(opening))) is Session.REGULAR


@pytest.mark.parametrize(
    ("friday", "hours"), [("2026-03-06", 47), ("2026-10-30", 49), ("2026-03-13", 48)]
)
def test_a_weekend_is_an_hour_shorter_or_longer_when_the_clocks_change(
    us_equities: Calendar, friday: str, hours: int
) -> None:
    evening = midnight(date.fromisoformat(friday), us_equities.zone) + 20 * 3_600
    begin = us_equities.timeline.last_boundary(Seconds(evening))
    end = us_equities.timeline.next_boundary(Seconds(evening))
    assert begin is not None
    assert end is not None
    assert (begin.session, end.session) == (Session.WEEKEND, Session.OVERNIGHT)
    assert end.start - begin.start == hours * 3_600


def test_names_the_day(us_equities: Calendar) -> None:
    assert us_equities.note(date(2026, 11, 26)) == "Thanksgiving Day"
    assert us_equities.note(date(2026, 11, 27)) == "Day after Thanksgiving"
    assert us_equities.note(date(2026, 11, 30)) == ""


def test_a_market_follows_the_calendar_of_its_class_or_symbol() -> None:
    cme_energy, us_equities = load_calendars()
    calendars = (cme_energy, us_equities)
    assert calendar_of("NVDA", "stock", calendars) is us_equities
    assert calendar_of("GLD", "commodity", calendars) is us_equities
    assert calendar_of("WTI", "commodity", calendars) is cme_energy
    assert calendar_of("CORN", "commodity", calendars) is None


def test_each_market_that_is_shipped_has_a_calendar() -> None:
    calendars = load_calendars()
    markets = [load_market(path.stem.upper()) for path in sorted(MARKETS_DIRECTORY.glob("*.toml"))]
    followed = {
        market.symbol: getattr(
            calendar_of(market.symbol, market.asset_class, calendars), "name", ""
        )
        for market in markets
    }
    assert followed.pop("WTI") == "cme_energy"
    assert {"AAPL", "ETHA", "GLD", "IBIT", "QQQ", "SPY", "TBILL"} <= set(followed)
    assert set(followed.values()) == {"us_equities"}


def test_two_calendars_for_one_market_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(SHIPPED.read_text())
    with pytest.raises(OperatorError, match="expected one calendar for NVDA, found a and b"):
        calendar_of("NVDA", "stock", load_calendars(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("America/New_York", "America/Old_York", "timezone must be the name of a time zone"),
        ('closes = "20:00"', 'closes = "8pm"', 'must be a time of day such as "09:30", found'),
        ('"pre", from', '"lunch", from', "session must be"),
        ("effective_to = 2028-01-01", "effective_to = 2025-01-01", "must begin before it ends"),
        ("effective_to = 2028-01-01", "effective_to = 2027-01-01", "found 2027-01-01: correct"),
        ("2026-12-25 = ", "2026-13-25 = ", 'a table of dates such as 2026-12-25, without "2026-13'),
        ("2026-12-25 = ", "2026-12-26 = ", "found 2026-12-26 on a weekend"),
        ("2026-12-25 = ", "2026-12-24 = ", "found 2026-12-24 as both"),
        ('from = "09:30"', 'from = "03:30"', "must list its hours in order"),
        (
            'session = "overnight", from = "20:00"',
            'session = "overnight", from = "19:00"',
            "before",
        ),
        ("[holidays]", "[hollidays]", "hollidays"),
        ("asset_classes", "#", "asset_classes is missing"),
        (
            'after Thanksgiving", post_from = "13:00"',
            'after Thanksgiving"',
            "must have post_from exactly on days with a post session, found none on 2025-11-28",
        ),
        (
            'Eve", post_from = "13:00"',
            'Eve", post_from = "17:00"',
            "after post_from and before 20:00, found 17:00 on 2025-12-24: correct closes",
        ),
        ('closes = "17:00" }', 'closes = "20:00" }', "before 20:00, found 20:00 on 2025-07-03"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = SHIPPED.read_text()
    assert old in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(OperatorError) as error:
        load_calendar(path)
    assert sentence in str(error.value)
    assert "wrong.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_time_that_a_day_does_not_have_is_refused(tmp_path: Path) -> None:
    # Egypt's clocks go forward on a Friday, at midnight.
    text = SHIPPED.read_text().replace("America/New_York", "Africa/Cairo")
    path = tmp_path / "cairo.toml"
    path.write_text(text.replace('"pre", from = "04:00"', '"pre", from = "00:30"'))
    with pytest.raises(OperatorError, match="found 00:30 on 2025-04-25, when the clocks change"):
        load_calendar(path)


def test_a_trade_pause_within_the_day_is_a_halt(tmp_path: Path) -> None:
    text = SHIPPED.read_text().replace('closes = "20:00"', 'closes = "19:00"')
    path = tmp_path / "pause.toml"
    path.write_text(text)
    pausing = load_calendar(path)
    assert at(pausing, "2026-11-23 19:30") is Session.HALTED
    # Before days without trading there is no pause: they begin at the close.
    assert at(pausing, "2026-11-20 19:30") is Session.WEEKEND
    assert at(pausing, "2026-11-25 19:30") is Session.HOLIDAY


def test_schedules_follow_on_each_other(tmp_path: Path) -> None:
    second = (
        "[[schedule]]\neffective_from = {begin}\neffective_to = 2029-01-01\n"
        'hours = [{{ session = "regular", from = "20:00" }}]\ncloses = "20:00"\n\n[holidays]'
    )
    path = tmp_path / "later.toml"
    later = SHIPPED.read_text().replace("[holidays]", second.format(begin="2028-01-01"))
    # An early close is of its own day's schedule: this one has no post session.
    path.write_text(f'{later}2028-01-05 = {{ name = "Half a day", closes = "13:00" }}\n')
    calendar = load_calendar(path)
    assert at(calendar, "2028-01-04 03:00") is Session.REGULAR
    assert at(calendar, "2028-01-05 13:00") is Session.HOLIDAY
    path.write_text(SHIPPED.read_text().replace("[holidays]", second.format(begin="2028-02-01")))
    with pytest.raises(OperatorError, match="close the gap"):
        load_calendar(path)
