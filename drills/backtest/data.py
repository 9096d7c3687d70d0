"""Daily opens and closes of one market, and the weekends among them.

A weekend is a close and the next open at least three calendar days later: a Friday and its Monday,
or longer around a holiday. A hole of more than seven days is missing data, not a weekend.
Prices are integers of 1e-8, read from decimal text. Two series come with the package `arch`, whose
files are found and read without importing it; any other is a file `date,open,close`.
"""

import csv
import gzip
import importlib.util
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from risk.units import PriceE8, Seconds
from runtime.errors import OperatorError

SHIPPED: Final = {"sp500": "data/sp500/sp500.csv.gz", "nasdaq": "data/nasdaq/nasdaq.csv.gz"}
"""The series of `arch`, by our name for them."""
SHORTEST_GAP_DAYS: Final = 3
LONGEST_GAP_DAYS: Final = 7
"""The market's longest closure in living memory: 11 to 16 September 2001, with both ends seven days apart."""
HISTORY: Final = 60
"""Closed nights over which the volatility is measured."""
SHORTEST_HISTORY: Final = 20
"""Closed nights without which a weekend is not played."""
_CLOSED_ONE_NIGHT: Final = 63_000
"""From 16:00 to 09:30, in seconds."""
_DAY: Final = 86_400
_PRICE_SCALE: Final = 10**8
_HIGHEST: Final = Decimal(10**7)
"""Dearer than any share or index; a price above it is a slip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of trade."""

    date: date
    open: PriceE8
    close: PriceE8


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekend:
    """A closure: the close before, the open after, and how much such nights moved before it."""

    closed_on: date
    reopened_on: date
    close: PriceE8
    open: PriceE8
    volatility: float
    """Root mean square of the latest log moves from close to open, none of them later than this close."""

    @property
    def length(self) -> Seconds:
        """Give the time from the close at 16:00 to the open at 09:30; clock changes are left out."""
        nights = (self.reopened_on - self.closed_on).days
        return Seconds((nights - 1) * _DAY + _CLOSED_ONE_NIGHT)


def load(series: str) -> list[Day]:
    """Read a series by name, or a file of one; raises OperatorError for what cannot be read."""
    if series in SHIPPED:
        return _read(_shipped(series), "%m/%d/%Y")
    return _read(Path(series), "%Y-%m-%d")


def weekends(days: Sequence[Day]) -> list[Weekend]:
    """Give the weekends with enough nights before them to measure how much such nights move."""
    found: list[Weekend] = []
    squares: list[float] = []
    for before, after in itertools.pairwise(days):
        if len(squares) >= SHORTEST_HISTORY and is_weekend(before, after):
            latest = squares[-HISTORY:]
            found.append(
                Weekend(
                    closed_on=before.date,
                    reopened_on=after.date,
                    close=before.close,
                    open=after.open,
                    volatility=math.sqrt(math.fsum(latest) / len(latest)),
                )
            )
        squares.append(math.log(after.open / before.close) ** 2)
    return found


def is_weekend(before: Day, after: Day) -> bool:
    """Say whether the market was closed for a weekend between two days of trade."""
    return SHORTEST_GAP_DAYS <= (after.date - before.date).days <= LONGEST_GAP_DAYS


def _shipped(series: str) -> Path:
    spec = importlib.util.find_spec("arch")
    places = (spec.submodule_search_locations if spec else None) or []
    for place in places:
        path = Path(place) / SHIPPED[series]
        if path.is_file():
            return path
    raise OperatorError(
        f"expected the package arch, whose files hold the series {series}, found none: run"
        " `make backtest`, which installs it, or name a file with --series FILE.csv"
    )


def _read(path: Path, date_format: str) -> list[Day]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise OperatorError(
            f"expected a series to read at {path}, but {getattr(error, 'strerror', None) or error}:"
            f" name {', '.join(SHIPPED)} or a CSV file with date, open and close"
        ) from error
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"expected text in {path}, found bytes that are none: save it as CSV in UTF-8"
        ) from error
    return parse(text.splitlines(), name=str(path), date_format=date_format)


def parse(lines: Iterable[str], *, name: str, date_format: str = "%Y-%m-%d") -> list[Day]:
    """Read days from lines of CSV with the columns date, open and close (others are ignored).

    Raises OperatorError for a missing column, a value that cannot be read, or dates that do not rise.
    """
    reader = csv.DictReader(lines)
    columns = {column.strip().lower(): column for column in reader.fieldnames or () if column}
    missing = [column for column in ("date", "open", "close") if column not in columns]
    if missing:
        raise OperatorError(
            f"expected the columns date, open and close in {name}, found no {', '.join(missing)}:"
            " name them in the first line"
        )
    days: list[Day] = []
    for row in reader:
        where = f"line {reader.line_num} of {name}"
        day = Day(
            date=_date(row[columns["date"]], date_format, where),
            open=_price(row[columns["open"]], where),
            close=_price(row[columns["close"]], where),
        )
        if days and day.date <= days[-1].date:
            raise OperatorError(
                f"expected a date after {days[-1].date} in {where}, found {day.date}:"
                " put the days in order, each once"
            )
        days.append(day)
    return days


def _date(text: str | None, date_format: str, where: str) -> date:
    try:
        # Only the calendar day matters; the time zone is the exchange's.
        return datetime.strptime(text or "", date_format).date()  # noqa: DTZ007
    except ValueError as error:
        raise OperatorError(
            f"expected a date like {date(2018, 12, 31).strftime(date_format)} in {where},"
            f" found {text!r}: mend that line"
        ) from error


def _price(text: str | None, where: str) -> PriceE8:
    try:
        price = Decimal((text or "").strip())
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or not 0 < price < _HIGHEST:
        raise OperatorError(
            f"expected a price above 0 and below {_HIGHEST} in {where}, found {text!r}:"
            " mend that line"
        )
    scaled = int(price * _PRICE_SCALE)
    if scaled == 0:
        raise OperatorError(
            f"expected a price of at least 1e-8 in {where}, found {text!r}: mend that line"
        )
    return PriceE8(scaled)
