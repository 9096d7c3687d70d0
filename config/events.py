"""Load the dated events of `events/*.toml`, the operator's own before what was imported.

An event is known by its kind, symbol and day. Where an operator's file speaks of one, every import
is silent about it; where two imports differ, both hold, and the stricter effect of the moment wins.
Local days and times become seconds of the venue's clock here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from config.calendars import midnight
from config.loader import CONFIG_DIRECTORY
from config.problems import problem_sentence
from config.schema.calendars import time_of
from config.schema.events import EventRow, EventsFile
from config.toml import read_toml
from risk.incentive_events import Event, EventKind
from risk.units import Seconds
from runtime.errors import OperatorError

EVENTS_DIRECTORY: Final = CONFIG_DIRECTORY / "events"
PART_HOURS: Final = {"before_open": (time(4), time(9, 30)), "after_close": (time(16), time(20))}
"""When news before the open or after the close comes: the pre and post sessions of US equities."""

Key = tuple[str, str, date]
"""Kind, symbol ("" for all) and local day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedEvent:
    """An event with where it was read."""

    row: EventRow
    zone: ZoneInfo
    file: Path
    is_imported: bool

    @property
    def key(self) -> Key:
        """Give what makes two rows speak of the same event."""
        return key_of(self.row)

    @property
    def event(self) -> Event:
        """Give the event on the venue's clock."""
        start, stop = _window(self.row, self.zone)
        return Event(
            kind=EventKind(self.row.kind),
            start=start,
            stop=stop,
            symbol=self.row.symbol or "",
            name=self.row.name,
        )


def load_events(directory: Path = EVENTS_DIRECTORY) -> tuple[DatedEvent, ...]:
    """Load every event that holds, in order of its start; raises OperatorError with one sentence."""
    dated = [each for path in sorted(directory.glob("*.toml")) for each in load_event_file(path)]
    own = _own(each for each in dated if not each.is_imported)
    imported = {
        (each.key, _window(each.row, each.zone)): each
        for each in dated
        if each.is_imported and not each.row.is_cancelled and each.key not in own
    }
    holding = [*imported.values(), *(each for each in own.values() if not each.row.is_cancelled)]
    return tuple(sorted(holding, key=lambda each: (each.event.start, each.key)))


def load_event_file(path: Path) -> tuple[DatedEvent, ...]:
    """Load the events of one file; raises OperatorError with one sentence."""
    file = read_events_file(path)
    zone = ZoneInfo(file.timezone)
    return tuple(
        DatedEvent(row=row, zone=zone, file=path, is_imported=file.imported_from is not None)
        for row in file.event
    )


def read_events_file(path: Path) -> EventsFile:
    """Read one file as its schema has it; raises OperatorError with one sentence."""
    try:
        return EventsFile.model_validate(read_toml(path))
    except ValidationError as error:
        page = "config/events/fomc.toml is an example"
        sentence = problem_sentence(error, EventsFile, lambda _key: str(path), page=page)
        raise OperatorError(sentence) from None


def key_of(row: EventRow) -> Key:
    """Give what makes two rows speak of the same event."""
    return row.kind, row.symbol or "", row.day


def _own(dated: Iterable[DatedEvent]) -> dict[Key, DatedEvent]:
    """Give the operator's events by key; two that differ are a mistake that only he can mend."""
    own: dict[Key, DatedEvent] = {}
    for each in dated:
        other = own.setdefault(each.key, each)
        if other.row != each.row:
            kind, symbol, day = each.key
            raise OperatorError(
                f"expected one word on {kind} {symbol or 'for all'} of {day}, found two that differ, in"
                f" {other.file} and {each.file}: remove one"
            )
    return own


def _window(row: EventRow, zone: ZoneInfo) -> tuple[Seconds, Seconds]:
    """Give when the news may come: a moment, a part of the day, or all of it."""
    if row.time is not None:
        moment = _seconds(row.day, time_of(row.time), zone)
        return moment, moment
    if row.part in PART_HOURS:
        begin, end = PART_HOURS[row.part]
        return _seconds(row.day, begin, zone), _seconds(row.day, end, zone)
    return midnight(row.day, zone), midnight(row.day + timedelta(days=1), zone)


def _seconds(day: date, moment: time, zone: ZoneInfo) -> Seconds:
    # The hour that a day has twice counts as its first: an hour early is the strict side.
    return Seconds(int(datetime.combine(day, moment).replace(tzinfo=zone).timestamp()))
