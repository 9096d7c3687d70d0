"""Read the calendars that are published for everybody into rows of events.

The operator downloads the files; nothing here goes near a network. Each reader takes what it needs
and refuses a file of another shape, such as the page that a server sends instead of one:

- `bls-ics`: the release calendar of the Bureau of Labor Statistics (consumer prices);
- `bea-ics`, `bea-json`: that of the Bureau of Economic Analysis (personal income and outlays);
- `fed-json`: the calendar of the Federal Reserve Board (meetings of the FOMC);
- `nasdaq-json`: one day of Nasdaq's earnings calendar;
- `alpha-vantage-csv`: Alpha Vantage's EARNINGS_CALENDAR.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from config.event_ics import read_ics
from config.schema.events import EventRow, Part

EASTERN_NAME: Final = "America/New_York"
EASTERN: Final = ZoneInfo(EASTERN_NAME)
"""Where all of these publishers' times are local."""

_NASDAQ_PARTS: Final[Mapping[str, Part]] = {
    "time-pre-market": "before_open",
    "time-after-hours": "after_close",
    "time-not-supplied": "all_day",
}
_ALPHA_VANTAGE_PARTS: Final[Mapping[str, Part]] = {
    "pre-market": "before_open",
    "post-market": "after_close",
    "": "all_day",
}
_CLOCK: Final = re.compile(
    r"(1[0-2]|0?[1-9]):([0-5][0-9])\s*([ap])\.?m\.?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What one file says, and for which days it speaks: what it leaves out there is gone."""

    rows: tuple[EventRow, ...]
    first: date
    last: date | None = None
    """None: it speaks for all days from the first on."""


Reader = Callable[[str, frozenset[str]], Published]


def read_published(name: str, text: str, symbols: frozenset[str]) -> Published:
    """Read a file's text; of earnings only those of `symbols`.

    Raises ValueError with what was expected and found.
    """
    try:
        return READERS[name](text.removeprefix("\ufeff"), symbols)
    except (csv.Error, OverflowError, RecursionError) as error:
        raise ValueError(f"expected a table or times of our age, found other ({error})") from None


def _bls_ics(text: str, _symbols: frozenset[str]) -> Published:
    return _from_ics(text, "cpi", "Consumer Price Index", str.startswith)


def _bea_ics(text: str, _symbols: frozenset[str]) -> Published:
    return _from_ics(text, "pce", "Personal Income and Outlays", str.__contains__)


def _from_ics(text: str, kind: str, title: str, matches: Callable[[str, str], bool]) -> Published:
    days: list[date] = []
    rows: list[EventRow] = []
    for event in read_ics(text, EASTERN):
        start = event.start
        moment = start.astimezone(EASTERN) if isinstance(start, datetime) else None
        days.append(start if moment is None else moment.date())
        if matches(event.summary, title):
            rows.append(_row(kind, days[-1], moment, event.summary))
    return _published(rows, days, title)


def _bea_json(text: str, _symbols: frozenset[str]) -> Published:
    title = "Personal Income and Outlays"
    document = _json(text)
    days: list[date] = []
    rows: list[EventRow] = []
    for release, entry in document.items():
        if not isinstance(entry, dict):
            continue  # the time of the file's last change
        moved = (
            _strings(entry, "to_be_rescheduled", release) if "to_be_rescheduled" in entry else []
        )
        # The publisher lists some dates twice.
        for found in dict.fromkeys(_strings(entry, "release_dates", release)):
            moment = _moment(found)
            days.append(moment.date())
            if release == title and found not in moved:
                rows.append(_row("pce", moment.date(), moment, title))
    return _published(rows, days, title)


def _moment(found: str) -> datetime:
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"expected a time such as 2026-12-23T13:30:00+00:00, found {found[:40]!r}")
    return moment.astimezone(EASTERN)


def _fed_json(text: str, _symbols: frozenset[str]) -> Published:
    events = _json(text).get("events")
    if not isinstance(events, list) or not all(isinstance(each, dict) for each in events):
        raise ValueError('expected a list of "events", found none')
    days: list[date] = []
    rows: list[EventRow] = []
    for entry in events:
        title = str(entry.get("title", "")).strip()
        if title.casefold() != "fomc meeting":
            continue
        day = _last_day(str(entry.get("month", "")), str(entry.get("days", "")))
        days.append(day)
        moment = _clock(day, str(entry.get("time", "")).strip())
        rows.append(_row("fomc", day, moment, "FOMC statement"))
    return _published(rows, days, "FOMC Meeting")


def _last_day(month: str, days: str) -> date:
    """Give the day of the decision: the last of "27-28", or of "30-1" in the next month."""
    numbers = [int(each) for each in re.findall(r"[0-9]{1,2}", days, re.ASCII)]
    try:
        first = date.fromisoformat(f"{month}-01")
        if numbers[-1] < numbers[0]:
            first = (first + timedelta(days=31)).replace(day=1)
        return first.replace(day=numbers[-1])
    except (ValueError, IndexError):
        raise ValueError(
            f'expected a meeting\'s "month" as 2026-12 and its "days" as 8-9, found {month[:20]!r} and'
            f" {days[:20]!r}"
        ) from None


def _clock(day: date, text: str) -> datetime | None:
    if not text:
        return None
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a time such as 2:00 p.m., found {text[:40]!r}")
    hour = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0)
    return datetime(day.year, day.month, day.day, hour, int(match[2]), tzinfo=EASTERN)


def _nasdaq_json(text: str, symbols: frozenset[str]) -> Published:
    data = _json(text).get("data")
    if not isinstance(data, dict) or "rows" not in data:
        raise ValueError('expected "data" with "rows" and "asOf", found none')
    day = _written_day(str(data.get("asOf", "")))
    rows = data["rows"] if data["rows"] is not None else []
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise ValueError('expected "rows" to be a list of tables, found other')
    found = _earnings(
        ((str(each.get("symbol", "")), day, str(each.get("time", ""))) for each in rows),
        symbols,
        _NASDAQ_PARTS,
    )
    return Published(rows=tuple(found), first=day, last=day)


def _written_day(text: str) -> date:
    try:
        return datetime.strptime(text, "%a, %b %d, %Y").replace(tzinfo=EASTERN).date()
    except ValueError:
        raise ValueError(
            f'expected "asOf" such as Mon, Jul 27, 2026, found {text[:40]!r}'
        ) from None


def _alpha_vantage_csv(text: str, symbols: frozenset[str]) -> Published:
    table = csv.DictReader(io.StringIO(text))
    if not {"symbol", "reportDate"} <= set(table.fieldnames or ()):
        raise ValueError(
            f"expected a first line with symbol and reportDate, found {text[:60]!r} (without a key, or"
            " beyond its limit, the service answers with a note instead)"
        )
    entries = [
        (each["symbol"] or "", _iso_day(each["reportDate"]), each.get("timeOfTheDay") or "")
        for each in table
    ]
    if not entries:
        raise ValueError("expected lines of companies below the first, found none")
    found = _earnings(entries, symbols, _ALPHA_VANTAGE_PARTS)
    return Published(rows=tuple(found), first=min(day for _, day, _ in entries))


def _iso_day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        raise ValueError(f"expected reportDate as 2026-12-10, found {str(text)[:40]!r}") from None


def _earnings(
    entries: Iterable[tuple[str, date, str]], symbols: frozenset[str], parts: Mapping[str, Part]
) -> Iterator[EventRow]:
    for symbol, day, when in entries:
        ticker = symbol.strip().upper()
        if ticker in symbols:
            # A word that we do not know is no time: the whole day, which is the strict side.
            part = parts.get(when.strip().lower(), "all_day")
            name = f"{ticker} earnings"
            yield EventRow(kind="earnings", day=day, part=part, symbol=ticker, name=name)


def _row(kind: str, day: date, moment: datetime | None, name: str) -> EventRow:
    words = " ".join("".join(each if each.isprintable() else " " for each in name).split())
    when = {"part": "all_day"} if moment is None else {"time": f"{moment:%H:%M}"}
    return EventRow.model_validate({"kind": kind, "day": day, "name": words[:80], **when})


def _published(rows: list[EventRow], days: list[date], title: str) -> Published:
    if not rows:
        raise ValueError(f"expected at least one {title!r}, found none among {len(days)} entries")
    return Published(rows=tuple(rows), first=min(days))


def _strings(entry: Mapping[str, Any], key: str, of: str) -> list[str]:
    found = entry.get(key)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"expected {key} of {of[:60]!r} to be a list of times, found other")
    return found


def _json(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        raise ValueError(f"expected JSON, found {text[:60]!r}") from None
    if not isinstance(document, dict):
        raise ValueError("expected a JSON object, found other")  # noqa: TRY004 - of the file, no type
    return document


READERS: Final[Mapping[str, Reader]] = {
    "bls-ics": _bls_ics,
    "bea-ics": _bea_ics,
    "bea-json": _bea_json,
    "fed-json": _fed_json,
    "nasdaq-json": _nasdaq_json,
    "alpha-vantage-csv": _alpha_vantage_csv,
}
