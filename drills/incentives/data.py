"""Recorded outside prices for the incentive drill: a CSV of `time,price`, checked line by line.

The first line names the columns; others than these two are ignored. A time is ISO 8601 with its offset
from UTC (`2026-11-20T15:00:00-05:00`) or whole seconds since 1970; times rise. A price is in USD. The
first line must lie in a session in which outside markets trade, before the close, and the last one after
the reopening. What is missing while they are closed is expected to be: nobody trades then.
"""

import csv
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from risk.units import PriceE8, Seconds
from runtime.errors import OperatorError

PRICE_SCALE: Final = 10**8
HIGHEST: Final = 10**7
"""USD; what the exchange settles at most."""
COLUMNS: Final = ("time", "price")


def load_recorded(path: Path) -> list[tuple[Seconds, PriceE8]]:
    """Read a file; raises OperatorError with one sentence for what cannot be used."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise OperatorError(
            f"expected recorded prices at {path}, but {error.strerror}: name a CSV with time,price"
        ) from error
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"expected text in {path}, found bytes that are none: save it as CSV in UTF-8"
        ) from error
    return parse(text.splitlines(), name=str(path))


def parse(lines: Iterable[str], *, name: str) -> list[tuple[Seconds, PriceE8]]:
    """Read lines of CSV; raises OperatorError for the first that cannot be read."""
    reader = csv.DictReader(lines)
    columns = {column.strip().lower(): column for column in reader.fieldnames or () if column}
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise OperatorError(
            f"expected the columns time and price in {name}, found no {' and no '.join(missing)}:"
            " name them in the first line"
        )
    found: list[tuple[Seconds, PriceE8]] = []
    for row in reader:
        where = f"line {reader.line_num} of {name}"
        moment = _time(row[columns["time"]], where)
        if found and moment <= found[-1][0]:
            raise OperatorError(
                f"expected a time after the one before in {where}, found {moment} after"
                f" {found[-1][0]} s: put the lines in order, each time once"
            )
        found.append((moment, _price(row[columns["price"]], where)))
    if not found:
        raise OperatorError(f"expected prices in {name}, found none: give a line for each")
    return found


def _time(text: str | None, where: str) -> Seconds:
    said = (text or "").strip()
    if said.isascii() and said.isdigit():
        return Seconds(int(said))
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise OperatorError(
            "expected a time like 2026-11-20T15:00:00-05:00, or seconds since 1970, in"
            f" {where}, found {text!r}: write it with its offset from UTC"
        )
    return Seconds(int(moment.timestamp()))


def _price(text: str | None, where: str) -> PriceE8:
    try:
        price = Decimal((text or "").strip())
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or not 0 < price < HIGHEST or int(price * PRICE_SCALE) == 0:
        raise OperatorError(
            f"expected a price in USD from 1e-8 to below {HIGHEST} in {where}, found {text!r}:"
            " mend that line"
        )
    return PriceE8(int(price * PRICE_SCALE))
