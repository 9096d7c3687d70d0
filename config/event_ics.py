"""Read the few properties of an iCalendar file (RFC 5545) that a calendar of releases needs.

Of each VEVENT only SUMMARY, DTSTART and STATUS are read; alarms and time-zone rules are skipped, for
a zone is known by its name. What we do not understand is refused, not guessed: a recurring event, a
time zone that we cannot place, a file that ends in the middle.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

_LOCAL: Final = "%Y%m%dT%H%M%S"
_EASTERN_NAMES: Final = frozenset(
    {"US-Eastern", "US/Eastern", "Eastern Standard Time", "Eastern Time"}
)
_ZONE_NAME: Final = re.compile(r"[A-Za-z_]+(/[A-Za-z_]+)+", re.ASCII)
_CONTENT_LINE: Final = re.compile(
    r'(?P<name>[A-Za-z0-9-]+)(?P<parameters>(;[A-Za-z0-9-]+=("[^"]*"|[^";:,]*)(,("[^"]*"|[^";:,]*))*)*)'
    r":(?P<value>.*)"
)
_ESCAPED: Final = {"n": " ", "N": " "}


@dataclass(frozen=True, slots=True, kw_only=True)
class IcsEvent:
    """One event of the file: `start` is a moment with its zone, or a date where it lasts all day."""

    summary: str
    start: datetime | date


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    parameters: dict[str, str]
    value: str


def read_ics(text: str, zone: ZoneInfo) -> tuple[IcsEvent, ...]:
    """Give all events that are not cancelled; a time without a zone is one of `zone`.

    Raises ValueError with what was expected and found.
    """
    lines = tuple(_lines(text))
    if not lines or _marker(lines[0]) != "BEGIN:VCALENDAR" or _marker(lines[-1]) != "END:VCALENDAR":
        raise ValueError(
            "expected an iCalendar file from BEGIN:VCALENDAR to END:VCALENDAR, found other"
        )
    events = [_event(properties, zone) for properties in _components(lines)]
    return tuple(event for event in events if event is not None)


def _lines(text: str) -> Iterator[_Line]:
    """Join folded lines (a continuation begins with one blank), then take each apart."""
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        if not line.strip():
            continue
        match = _CONTENT_LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"expected a line of iCalendar such as NAME:value, found {line[:60]!r}"
            )
        parameters = {
            key.upper(): value.strip('"')
            for key, _, value in (
                each.partition("=") for each in match["parameters"].split(";")[1:]
            )
        }
        yield _Line(match["name"].upper(), parameters, match["value"])


def _marker(line: _Line) -> str:
    return f"{line.name}:{line.value.strip().upper()}"


def _components(lines: tuple[_Line, ...]) -> Iterator[dict[str, _Line]]:
    """Give the properties of each VEVENT, without those of components inside it."""
    open_components: list[str] = []
    properties: dict[str, _Line] = {}
    for line in lines:
        if line.name == "BEGIN":
            open_components.append(line.value.strip().upper())
            if open_components[-1] == "VEVENT":
                properties = {}
        elif line.name == "END":
            ended = line.value.strip().upper()
            if not open_components or open_components.pop() != ended:
                raise ValueError(f"expected components that end as they began, found END:{ended}")
            if ended == "VEVENT":
                yield properties
        elif open_components[-1:] == ["VEVENT"]:
            properties.setdefault(line.name, line)
    if open_components:
        raise ValueError(f"expected the end of {open_components[-1]}, found the end of the file")


def _event(properties: dict[str, _Line], zone: ZoneInfo) -> IcsEvent | None:
    if "SUMMARY" not in properties or "DTSTART" not in properties:
        raise ValueError("expected SUMMARY and DTSTART in every event, found one without")
    summary = re.sub(
        r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), properties["SUMMARY"].value
    ).strip()
    if "RRULE" in properties or "RDATE" in properties:
        raise ValueError(f"expected single events, found {summary[:60]!r} that recurs")
    status = properties.get("STATUS")
    if status is not None and status.value.strip().upper() == "CANCELLED":
        return None
    return IcsEvent(summary=summary, start=_start(properties["DTSTART"], zone))


def _start(line: _Line, zone: ZoneInfo) -> datetime | date:
    value, name = line.value.strip(), line.parameters.get("TZID")
    try:
        if len(value) == 8:
            return datetime.strptime(value, "%Y%m%d").replace(tzinfo=zone).date()
        if value.endswith("Z"):
            return datetime.strptime(value, f"{_LOCAL}Z").replace(tzinfo=UTC)
        moment = datetime.strptime(value, _LOCAL)  # noqa: DTZ007 - the zone follows
    except ValueError:
        raise ValueError(f"expected DTSTART as 20261210T083000, found {value[:40]!r}") from None
    return moment.replace(tzinfo=zone if name is None else _zone(name))


def _zone(name: str) -> ZoneInfo:
    if name in _EASTERN_NAMES:
        return ZoneInfo("America/New_York")
    try:
        if _ZONE_NAME.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    raise ValueError(f"expected a time zone such as America/New_York, found {name[:40]!r}")
