"""Daily prices of one market: open, high, low, close, read from files and checked line by line.

Prices are integers of 1e-8, read from decimal text. Where a file has an adjusted close, the whole day is
scaled by it: a split or a dividend is no gap, for the venue carries both through. A file without opens
is read as one whose days open where the day before closed and trade at both closes.
Nothing is imported from the packages that carry the files.
"""

import csv
import gzip
import io
import itertools
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from risk.units import PriceE8
from runtime.errors import OperatorError

PRICE_SCALE: Final = 10**8
HIGHEST: Final = Decimal(10**7)
"""Dearer than any share or index; a price above it is a slip."""
OWN_FORMAT: Final = "%Y-%m-%d"
_UNQUOTED: Final = frozenset({"", "."})
"""How a file says that nothing was quoted on a day; only where it has closes alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of trade, adjusted for splits and dividends."""

    date: date
    open: PriceE8
    high: PriceE8
    low: PriceE8
    close: PriceE8


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is written."""

    date_format: str = OWN_FORMAT
    close_column: str = "close"
    """In lower case."""
    closes_only: bool = False
    only_rows: tuple[str, str] | None = None
    """A column and the value that its rows must have."""


def load_file(path: Path, layout: Layout) -> list[Day]:
    """Read a file of CSV, plain, gzipped or alone in a tar; raises OperatorError in one sentence."""
    return parse(_lines(path), name=str(path), layout=layout)


def parse(lines: Iterable[str], *, name: str, layout: Layout) -> list[Day]:
    """Read days; raises OperatorError for the first line that cannot be used."""
    reader = csv.DictReader(lines)
    columns = {column.strip().lower(): column for column in reader.fieldnames or () if column}
    _require_columns(columns, name, layout)
    days: list[Day] = []
    for row in reader:
        values = {key: row[column] for key, column in columns.items()}
        if layout.only_rows is not None and values.get(layout.only_rows[0]) != layout.only_rows[1]:
            continue
        where = f"line {reader.line_num} of {name}"
        on = _date(values["date"], layout.date_format, where)
        if days and on <= days[-1].date:
            raise OperatorError(
                f"expected a date after {days[-1].date} in {where}, found {on}:"
                " put the days in order, each once"
            )
        if layout.closes_only:
            if (values[layout.close_column] or "").strip() not in _UNQUOTED:
                close = _scaled(_price(values[layout.close_column], where), where)
                days.append(_closing_day(on, close, days))
        else:
            days.append(_day(on, values, where))
    if not days:
        raise OperatorError(f"expected days of trade in {name}, found none: give a line for each")
    return days


def is_stale(days: Sequence[Day], *, most: float) -> dict[int, bool]:
    """Say of each year whether more than the share `most` of its opens equal the close before.

    Such opens are no opens: an index computed from prices of the day before, or a file whose maker
    had none.
    """
    found: dict[int, list[bool]] = {}
    for before, after in itertools.pairwise(days):
        found.setdefault(after.date.year, []).append(after.open == before.close)
    return {year: sum(equal) > most * len(equal) for year, equal in found.items()}


def _closing_day(on: date, close: PriceE8, days: Sequence[Day]) -> Day:
    opened = days[-1].close if days else close
    return Day(date=on, open=opened, high=max(opened, close), low=min(opened, close), close=close)


def _day(on: date, values: Mapping[str, str | None], where: str) -> Day:
    close = _price(values["close"], where)
    adjusted = values.get("adj close") or values.get("adjclose")
    scale = _price(adjusted, where) / close if adjusted else Decimal(1)
    opened, high, low = (
        _scaled(_price(values[key], where) * scale, where) for key in ("open", "high", "low")
    )
    closed = _scaled(close * scale, where)
    if not low <= min(opened, closed) <= max(opened, closed) <= high:
        raise OperatorError(
            f"expected low <= open and close <= high in {where}, found open {values['open']}, high"
            f" {values['high']}, low {values['low']}, close {values['close']}: mend that line"
        )
    return Day(date=on, open=opened, high=high, low=low, close=closed)


def _require_columns(columns: Mapping[str, str], name: str, layout: Layout) -> None:
    wanted = ["date", layout.close_column]
    if not layout.closes_only:
        wanted = ["date", "open", "high", "low", layout.close_column]
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise OperatorError(
            f"expected the columns {', '.join(wanted)} in {name}, found no {' and no '.join(missing)}:"
            " name them in the first line"
        )


def _lines(path: Path) -> Iterator[str]:
    try:
        raw = path.read_bytes()
        if path.name.endswith(".tar.gz"):
            raw = _only_member(raw, path)
        elif path.suffix == ".gz":
            raw = gzip.decompress(raw)
        return iter(raw.decode("utf-8-sig").splitlines())
    except (OSError, EOFError, tarfile.TarError) as error:
        why = getattr(error, "strerror", None) or error
        raise OperatorError(
            f"expected a series to read at {path}, but {why}: name a CSV file with date, open,"
            " high, low and close"
        ) from error
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"expected text in {path}, found bytes that are none: save it as CSV in UTF-8"
        ) from error


def _only_member(raw: bytes, path: Path) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in archive:
            if member.isfile() and (content := archive.extractfile(member)) is not None:
                return content.read()
    raise OperatorError(f"expected a file inside {path}, found none: is it the right archive?")


def _date(text: str | None, date_format: str, where: str) -> date:
    try:
        # Only the calendar day matters; the time zone is the exchange's.
        return datetime.strptime((text or "").strip(), date_format).date()  # noqa: DTZ007
    except ValueError as error:
        raise OperatorError(
            f"expected a date like {date(2018, 12, 31).strftime(date_format)} in {where},"
            f" found {text!r}: mend that line"
        ) from error


def _price(text: str | None, where: str) -> Decimal:
    try:
        price = Decimal((text or "").strip())
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or not 0 < price < HIGHEST:
        raise OperatorError(
            f"expected a price above 0 and below {HIGHEST} in {where}, found {text!r}:"
            " mend that line"
        )
    return price


def _scaled(price: Decimal, where: str) -> PriceE8:
    scaled = int(price * PRICE_SCALE)
    if scaled == 0:
        raise OperatorError(
            f"expected a price of at least 1e-8 in {where}, found {price}: mend that line"
        )
    return PriceE8(scaled)
