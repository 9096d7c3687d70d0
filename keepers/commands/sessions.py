"""`bellkeeper sessions`: when the underlying of each market opens and closes, in the coming days."""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from config.calendars import CALENDARS_DIRECTORY, Calendar, calendar_of, load_calendars, midnight
from config.calendars import local_time as local
from config.markets import MARKETS_DIRECTORY, load_market
from keepers.commands.reporting import add_json_argument, columns, write_report
from risk.sessions import Boundary, Session
from runtime.clock import SystemClock
from runtime.errors import OperatorError

DEFAULT_DAYS: Final = 7
MOST_DAYS: Final = 3_660
HEADINGS: Final = ("local time", "UTC", "from then on", "note")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--from", dest="first", metavar="DATE", help="first local day, such as 2026-11-25 (today)"
    )
    parser.add_argument(
        "--to", dest="last", metavar="DATE", help=f"last local day (the {DEFAULT_DAYS}th)"
    )
    parser.add_argument(
        "--calendars",
        type=Path,
        default=CALENDARS_DIRECTORY,
        metavar="DIR",
        help="calendar files (those that are shipped)",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the boundaries of every calendar that a market follows."""
    today = datetime.fromtimestamp(SystemClock().now(), tz=UTC).date()
    first = _date(arguments.first, "--from", today)
    last = _date(arguments.last, "--to", first + timedelta(days=DEFAULT_DAYS - 1))
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise OperatorError(
            f"expected --to on or after --from and at most {MOST_DAYS} days later, found {first} to"
            f" {last}: correct one of them"
        )
    calendars = load_calendars(arguments.calendars)
    if not calendars:
        raise OperatorError(
            f"expected calendar files in {arguments.calendars}, found none: name their folder"
        )
    followers = _followers(calendars)
    text: list[str] = []
    report: dict[str, object] = {"from_date": str(first), "to_date": str(last)}
    for calendar in calendars:
        boundaries = _boundaries(calendar, first, last)
        symbols = followers.get(calendar.name, [])
        text += [*_table(calendar, symbols, boundaries), ""]
        report[calendar.name] = _rows(calendar, symbols, boundaries)
    without = followers.get("", [])
    report["markets_without_calendar"] = without
    if without:
        text.append(f"{', '.join(without)}: no calendar, so the session is unknown: restricted")
    write_report(arguments, report, text)
    return 0


def _date(text: str | None, option: str, default: date) -> date:
    if text is None:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OperatorError(
            f'expected {option} as a date such as 2026-11-25, found "{text}": correct it'
        ) from None


def _followers(calendars: tuple[Calendar, ...]) -> dict[str, list[str]]:
    """Give the symbols of all markets by the name of their calendar; "" for those without."""
    followers: dict[str, list[str]] = {}
    for path in sorted(MARKETS_DIRECTORY.glob("*.toml")):
        market = load_market(path.stem.upper())
        calendar = calendar_of(market.symbol, market.asset_class, calendars)
        name = "" if calendar is None else calendar.name
        followers.setdefault(name, []).append(market.symbol)
    return followers


def _boundaries(calendar: Calendar, first: date, last: date) -> tuple[Boundary, ...]:
    """Give the session at the beginning, then every boundary up to the end of the last day."""
    start = midnight(first, calendar.zone)
    stop = midnight(last + timedelta(days=1), calendar.zone)
    opening = Boundary(start=start, session=calendar.timeline.session_at(start))
    later = calendar.timeline.between(start, stop)
    return later if later and later[0].start == start else (opening, *later)


def _table(calendar: Calendar, symbols: Sequence[str], boundaries: Sequence[Boundary]) -> list[str]:
    rows = []
    for each in boundaries:
        there = local(each.start, calendar.zone)
        utc = datetime.fromtimestamp(each.start, tz=UTC)
        rows.append(
            (
                f"{there:%a %Y-%m-%d %H:%M %z}",
                f"{utc:%a %H:%M}",
                each.session.value,
                _note(calendar, each),
            )
        )
    who = ", ".join(symbols) or "no market follows it"
    return [
        f"{calendar.name} ({calendar.file.timezone}): {who}",
        *(line.rstrip() for line in columns([HEADINGS, *rows])),
    ]


def _note(calendar: Calendar, boundary: Boundary) -> str:
    """Name the holiday or early close that a boundary is about; the evening is the next day's."""
    if boundary.session is Session.UNKNOWN:
        return "not covered by the calendar: restricted"
    there = local(boundary.start, calendar.zone)
    if boundary.session is Session.HOLIDAY and not calendar.note(there.date()):
        return calendar.note(there.date() + timedelta(days=1))
    is_special = boundary.session in {Session.HOLIDAY, Session.POST}
    return calendar.note(there.date()) if is_special else ""


def _rows(
    calendar: Calendar, symbols: Sequence[str], boundaries: Sequence[Boundary]
) -> dict[str, object]:
    return {
        "timezone": calendar.file.timezone,
        "markets": list(symbols),
        "boundaries": [
            {
                "start_seconds": each.start,
                "local_time": local(each.start, calendar.zone).isoformat(),
                "session": each.session.value,
                "note": _note(calendar, each),
            }
            for each in boundaries
        ],
    }
