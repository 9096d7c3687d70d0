"""Read the columns of a file of recorded prices; `recorded.py` says what such a file is.

Every problem is an `OperatorError` of one sentence with the line. Prices are read exactly, in 1e-8 USD.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from config.schema.fields import PRICE_UNITS_PER_USD, exact_units
from risk.units import PriceE8, Seconds
from runtime.errors import OperatorError

LARGEST_PRICE: Final = Decimal(10**7)

Rows = dict[str, list[tuple[Seconds, PriceE8]]]
"""By column, in order of time."""


def read_rows(path: Path, zone: ZoneInfo | None) -> Rows:
    """Give the prices of each column; `zone` is that of times without an offset, None: there must be none."""
    return _Reader(path, zone).read()


@dataclass(slots=True)
class _Reader:
    """A file while it is read."""

    path: Path
    zone: ZoneInfo | None
    rows: Rows = field(default_factory=dict)

    def read(self) -> Rows:
        """Give the prices of each column; raises OperatorError with one sentence."""
        lines = csv.reader(self._text().splitlines())
        header = [cell.strip() for cell in next(lines, [])]
        symbols = header[1:]
        if (
            header[:1] != ["time"]
            or not symbols
            or len(set(symbols)) < len(symbols)
            or "" in symbols
        ):
            raise OperatorError(
                f"expected a first line of `time` and one column for each symbol in {self.path}, found"
                f" {','.join(header) or 'nothing'}: name each column once"
            )
        self.rows = {symbol: [] for symbol in symbols}
        before: Seconds | None = None
        for cells in lines:
            before = self._line(cells, symbols, f"line {lines.line_num} of {self.path}", before)
        for symbol, found in self.rows.items():
            if len(found) < 2:
                raise OperatorError(
                    f"expected two prices of {symbol} at least in {self.path}, found {len(found)}: record"
                    " more or leave the column out"
                )
        return self.rows

    def _line(
        self, cells: Sequence[str], symbols: Sequence[str], where: str, before: Seconds | None
    ) -> Seconds | None:
        if not cells:
            return before
        if len(cells) != len(symbols) + 1:
            raise OperatorError(
                f"expected {len(symbols) + 1} cells in {where}, found {len(cells)}: mend that line"
            )
        now = self._time(cells[0].strip(), where)
        if before is not None and now <= before:
            raise OperatorError(
                f"expected a time after the one before in {where}, found {cells[0].strip()}: put the"
                " lines in order, each second once"
            )
        for symbol, cell in zip(symbols, cells[1:], strict=True):
            if cell.strip():
                self.rows[symbol].append((now, _price(cell.strip(), where)))
        return now

    def _time(self, text: str, where: str) -> Seconds:
        if text.isdecimal():
            return Seconds(int(text))
        wanted = "a time in ISO 8601 with its offset from UTC, or whole seconds since 1970"
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise OperatorError(
                f"expected {wanted} in {where}, found {text!r}: mend that line"
            ) from None
        if moment.microsecond:
            raise OperatorError(
                f"expected whole seconds in {where}, found {text}: round when you record"
            )
        if moment.tzinfo is None:
            if self.zone is None:
                raise OperatorError(
                    f"expected {wanted} in {where}, found {text} without an offset: add it, or name the"
                    " time zone of the file"
                )
            return self._local(moment, text, where)
        return Seconds(int(moment.timestamp()))

    def _local(self, moment: datetime, text: str, where: str) -> Seconds:
        first, second = (moment.replace(tzinfo=self.zone, fold=fold).timestamp() for fold in (0, 1))
        if first != second:
            raise OperatorError(
                f"expected a local time that its day has once in {where}, found {text}, when the clocks"
                " change: write it with its offset from UTC"
            )
        return Seconds(int(first))

    def _text(self) -> str:
        try:
            return self.path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            why = (error.strerror or repr(error)).lower()
            raise OperatorError(
                f"expected recorded prices at {self.path}, but the system said: {why} (correct its path"
                " or permissions)"
            ) from None
        except UnicodeDecodeError:
            raise OperatorError(
                f"expected text in {self.path}, found bytes that are none: save it as CSV in UTF-8"
            ) from None


def _price(text: str, where: str) -> PriceE8:
    try:
        amount = Decimal(text)
        units = exact_units(amount, PRICE_UNITS_PER_USD) if amount.is_finite() else 0
    except (InvalidOperation, ValueError):
        units, amount = 0, Decimal(0)
    if units <= 0 or amount > LARGEST_PRICE:
        raise OperatorError(
            f"expected a price in USD above 0, at most {LARGEST_PRICE}, with at most 8 decimals in {where},"
            f" found {text!r}: mend that line"
        )
    return PriceE8(units)
