"""The calendar of WTI futures: a year line by line, and against a calendar that somebody else keeps."""

import csv
import itertools
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from config.calendars import CALENDARS_DIRECTORY, Calendar, load_calendar, local_time, midnight
from risk.sessions import Session
from risk.units import Seconds
from runtime.errors import OperatorError
from tests.config.golden.write_cme_energy_2026 import GOLDEN
from tests.config.golden.write_us_equities_2026 import rows

SHIPPED = CALENDARS_DIRECTORY / "cme_energy.toml"
CMES = Path(__file__).parent / "golden" / "cmes_sessions.csv"
"""Trading days of CMES, 2025 to 2027, as exchange_calendars 4.13.2 has them."""
HOUR = 3_600
JUNETEENTHS = {"2025-06-19", "2026-06-19", "2027-06-18"}
"""Early closes that CMES does not know: it has them as whole days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """One trading day in seconds: from the evening before to its close."""

    opens: int
    closes: int
    is_early: bool


@pytest.fixture(scope="module")
def cme_energy() -> Calendar:
    return load_calendar(SHIPPED)


@pytest.fixture(scope="module")
def ours(cme_energy: Calendar) -> dict[str, TradingDay]:
    every = cme_energy.timeline.between(Seconds(0), Seconds(cme_energy.timeline.end + 1))
    return {
        local_time(after.start, cme_energy.zone).date().isoformat(): TradingDay(
            opens=before.start,
            closes=after.start,
            is_early=local_time(after.start, cme_energy.zone).hour != 17,
        )
        for before, after in itertools.pairwise(every)
        if before.session is Session.REGULAR
    }


@pytest.fixture(scope="module")
def theirs() -> dict[str, TradingDay]:
    with CMES.open() as file:
        return {
            row["date"]: TradingDay(
                opens=int(row["open_seconds"]),
                closes=int(row["close_seconds"]),
                is_early=row["is_early_close"] == "1",
            )
            for row in csv.DictReader(file)
        }


def at(calendar: Calendar, text: str) -> Session:
    moment = datetime.fromisoformat(text).replace(tzinfo=calendar.zone)
    return calendar.timeline.session_at(Seconds(int(moment.timestamp())))


def test_a_year_of_boundaries_is_as_somebody_last_read_it(cme_energy: Calendar) -> None:
    assert GOLDEN.read_text().splitlines()[1:] == rows(cme_energy)


def test_trades_on_the_days_of_an_independent_calendar(
    ours: dict[str, TradingDay], theirs: dict[str, TradingDay]
) -> None:
    assert len(theirs) == 773
    assert list(ours) == list(theirs)


def test_opens_when_an_independent_calendar_does(
    ours: dict[str, TradingDay], theirs: dict[str, TradingDay]
) -> None:
    assert {day: each.opens for day, each in ours.items()} == {
        day: each.opens for day, each in theirs.items()
    }


def test_closes_early_when_an_independent_calendar_does(
    ours: dict[str, TradingDay], theirs: dict[str, TradingDay]
) -> None:
    early = {day: each.closes for day, each in ours.items() if each.is_early}
    juneteenths = {day: closes for day, closes in early.items() if day in JUNETEENTHS}
    assert {day: closes for day, closes in early.items() if day not in JUNETEENTHS} == {
        day: each.closes for day, each in theirs.items() if each.is_early
    }
    # They know no Juneteenth: there we close five hours before what they have as a whole day.
    assert {theirs[day].closes - closes for day, closes in juneteenths.items()} == {5 * HOUR}
    assert set(juneteenths) == JUNETEENTHS


def test_on_other_days_it_differs_from_an_independent_calendar_by_the_daily_pause_alone(
    ours: dict[str, TradingDay], theirs: dict[str, TradingDay]
) -> None:
    # They let a day end where the next begins, without the pause that CME publishes.
    pauses = {theirs[day].closes - each.closes for day, each in ours.items() if not each.is_early}
    assert pauses == {HOUR}


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2026-11-22 17:59", Session.WEEKEND),
        ("2026-11-22 18:00", Session.REGULAR),
        ("2026-11-23 03:00", Session.REGULAR),
        ("2026-11-23 16:59", Session.REGULAR),
        ("2026-11-23 17:00", Session.HALTED),
        ("2026-11-23 17:59", Session.HALTED),
        ("2026-11-23 18:00", Session.REGULAR),
        # The weekend begins at once, not after the pause of other days.
        ("2026-11-20 16:59", Session.REGULAR),
        ("2026-11-20 17:00", Session.WEEKEND),
        ("2026-11-20 18:00", Session.WEEKEND),
        # A holiday for US equities: oil trades until early afternoon, and again in the evening.
        ("2026-11-25 20:00", Session.REGULAR),
        ("2026-11-26 12:59", Session.REGULAR),
        ("2026-11-26 13:00", Session.HOLIDAY),
        ("2026-11-26 18:00", Session.REGULAR),
        ("2026-11-27 13:00", Session.HOLIDAY),
        ("2026-11-27 18:00", Session.WEEKEND),
        # An early close before a holiday.
        ("2026-12-24 12:59", Session.REGULAR),
        ("2026-12-24 13:00", Session.HOLIDAY),
        ("2026-12-24 19:00", Session.HOLIDAY),
        ("2026-12-25 18:00", Session.WEEKEND),
        # The evening before a holiday does not run, that of the holiday does.
        ("2025-12-31 17:00", Session.HOLIDAY),
        ("2026-01-01 17:59", Session.HOLIDAY),
        ("2026-01-01 18:00", Session.REGULAR),
        ("2027-12-31 16:59", Session.REGULAR),
        ("2027-12-31 17:00", Session.UNKNOWN),
        ("2024-12-31 17:59", Session.UNKNOWN),
    ],
)
def test_knows_the_session(cme_energy: Calendar, moment: str, session: Session) -> None:
    assert at(cme_energy, moment) is session


@pytest.mark.parametrize(
    ("friday", "hours"), [("2026-03-06", 48), ("2026-10-30", 50), ("2026-03-13", 49)]
)
def test_a_weekend_is_an_hour_shorter_or_longer_when_the_clocks_change(
    cme_energy: Calendar, friday: str, hours: int
) -> None:
    close = Seconds(midnight(date.fromisoformat(friday), cme_energy.zone) + 17 * HOUR)
    end = cme_energy.timeline.next_boundary(close)
    assert end is not None
    assert (cme_energy.timeline.session_at(close), end.session) == (
        Session.WEEKEND,
        Session.REGULAR,
    )
    assert end.start - close == hours * HOUR


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            '"Memorial Day", closes',
            '"Memorial Day", post_from = "12:00", closes',
            "must have post_from exactly on days with a post session, found 12:00 on 2025-05-26",
        ),
        (
            '"Memorial Day", closes = "13:00"',
            '"Memorial Day", closes = "17:00"',
            "before 17:00, found 17:00 on 2025-05-26: correct closes",
        ),
        (
            'session = "regular", from = "18:00"',
            'session = "regular", from = "16:00"',
            "must not begin the next day at 16:00, before this one closes at 17:00",
        ),
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
    assert "\n" not in str(error.value)
