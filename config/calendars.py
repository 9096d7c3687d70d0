"""Compile calendar files into timelines of sessions, in seconds of the venue's clock.

Local wall time becomes seconds here and nowhere else, by the time zone's own rules for the day in
question: a day of 23 or 25 hours is nobody's special case. The evening belongs to the trading day
that it precedes, so no overnight session runs into a holiday.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.problems import problem_sentence
from config.schema.calendars import CalendarFile, EarlyClose, Schedule, time_of
from config.toml import read_toml
from risk.sessions import Boundary, Session, SessionTimeline
from risk.units import Seconds
from runtime.errors import OperatorError

CALENDARS_DIRECTORY: Final = Path(__file__).parent / "calendars"
SATURDAY: Final = 5
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar file with its timeline."""

    name: str
    zone: ZoneInfo
    file: CalendarFile
    timeline: SessionTimeline

    def note(self, day: date) -> str:
        """Say what is special about a day: the name of a holiday or early close, or nothing."""
        key = day.isoformat()
        early = self.file.early_closes.get(key)
        return early.name if early is not None else self.file.holidays.get(key, "")

    def is_for(self, symbol: str, asset_class: str) -> bool:
        """Say whether a market follows this calendar."""
        return symbol in self.file.symbols or asset_class in self.file.asset_classes


def load_calendars(directory: Path = CALENDARS_DIRECTORY) -> tuple[Calendar, ...]:
    """Load every calendar; raises OperatorError with one sentence."""
    return tuple(load_calendar(path) for path in sorted(directory.glob("*.toml")))


def calendar_of(symbol: str, asset_class: str, calendars: tuple[Calendar, ...]) -> Calendar | None:
    """Give the calendar that a market follows, or None: then its session is UNKNOWN.

    One that names the symbol goes before one for its class. Raises OperatorError when two of equal
    rank claim it.
    """
    named = [each for each in calendars if symbol in each.file.symbols]
    claims = named or [each for each in calendars if each.is_for(symbol, asset_class)]
    if len(claims) > 1:
        names = " and ".join(each.name for each in claims)
        raise OperatorError(
            f"expected one calendar for {symbol}, found {names}: name the symbol in one of them"
        )
    return claims[0] if claims else None


def load_calendar(path: Path) -> Calendar:
    """Load one calendar; raises OperatorError with one sentence."""
    try:
        file = CalendarFile.model_validate(read_toml(path))
    except ValidationError as error:
        page = "config/calendars/us_equities.toml is an example"
        sentence = problem_sentence(error, CalendarFile, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None
    try:
        timeline = compile_timeline(file)
    except ValueError as error:
        raise OperatorError(f"{path}: {error}") from None
    return Calendar(name=path.stem, zone=ZoneInfo(file.timezone), file=file, timeline=timeline)


def compile_timeline(file: CalendarFile) -> SessionTimeline:
    """Lay out the sessions of every day; raises ValueError for a time that a day does not have."""
    zone = ZoneInfo(file.timezone)
    boundaries: list[Boundary] = []
    for schedule in file.schedule:
        day = schedule.effective_from
        while day < schedule.effective_to:
            for moment, session in _day(file, schedule, day):
                start = _seconds(moment, zone)
                if not boundaries or boundaries[-1].session is not session:
                    boundaries.append(Boundary(start=start, session=session))
            day += DAY
    last = file.schedule[-1]
    end = _seconds(datetime.combine(last.effective_to - DAY, time_of(last.closes)), zone)
    covered = tuple(each for each in boundaries if each.start < end)
    return SessionTimeline(boundaries=covered, end=end)


def _day(file: CalendarFile, schedule: Schedule, day: date) -> Iterator[tuple[datetime, Session]]:
    """Give what begins when on one day, its evening before included."""
    evening, *others = schedule.hours
    begin = datetime.combine(day - DAY, time_of(evening.begins))
    closed = _closed(file, day)
    if closed is not None:
        yield begin, closed
        return
    early = file.early_closes.get(day.isoformat())
    yield begin, Session(evening.session)
    for hours in others:
        begins = hours.begins
        if early is not None and early.post_from is not None and hours.session == "post":
            begins = early.post_from
        yield datetime.combine(day, time_of(begins)), Session(hours.session)
    yield from _after(file, schedule, early, day)


def _closed(file: CalendarFile, day: date) -> Session | None:
    """Give why a day is without trading, or None for a trading day."""
    if day.weekday() >= SATURDAY:
        return Session.WEEKEND
    return Session.HOLIDAY if day.isoformat() in file.holidays else None


def _after(
    file: CalendarFile, schedule: Schedule, early: EarlyClose | None, day: date
) -> Iterator[tuple[datetime, Session]]:
    """Give the pause between a day's close and the next day's evening, where there is one.

    Before a day without trading it is no pause: the weekend begins when Friday closes.
    """
    if early is not None:
        yield datetime.combine(day, time_of(early.closes)), Session.HOLIDAY
    elif schedule.closes != schedule.hours[0].begins:
        pause = _closed(file, day + DAY) or Session.HALTED
        yield datetime.combine(day, time_of(schedule.closes)), pause


def _seconds(local: datetime, zone: ZoneInfo) -> Seconds:
    first, second = (local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first != second:
        raise ValueError(
            f"expected times that every day has once, found {local:%H:%M} on {local:%Y-%m-%d}, when"
            " the clocks change: choose another time"
        )
    return Seconds(int(first))


def local_time(moment: Seconds, zone: ZoneInfo) -> datetime:
    """Give a time of the venue's clock as the wall clock of a zone."""
    return datetime.fromtimestamp(moment, tz=zone)


def midnight(day: date, zone: ZoneInfo) -> Seconds:
    """Give the first second of a local day."""
    return Seconds(int(datetime.combine(day, time(0)).replace(tzinfo=zone).timestamp()))
