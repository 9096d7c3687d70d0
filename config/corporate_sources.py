"""Read corporate actions as they are published for everybody into rows of our own.

The operator downloads the files; nothing here goes near a network. Each reader takes what it needs, and
refuses a file of another shape or one that is only the first page of several: a missing split is worse
than no file. What it cannot turn into a row is named, never dropped in silence.

- `alpaca`: market data API v1, `/v1/corporate-actions`; days are `ex_date` or, where there is none,
  `effective_date` or `process_date` (`payable_date` may lie before the ex-date and is not used);
- `polygon`: splits or dividends of Polygon.io, now Massive: v3 `reference/splits|dividends` and the newer
  `stocks/v1/splits|dividends`;
- `pyth`: the list of symbols of Pyth Pro, with `corporate_actions` by feed.
"""

import json
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from pydantic import ValidationError

from config.schema.corporate_actions import ActionRow
from risk.corporate_values import LARGEST_PART


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What one file says about our markets."""

    rows: tuple[ActionRow, ...]
    left_out: tuple[str, ...]
    """What is about our markets and could not become a row, in words."""


_MOST_DIGITS: Final = 30
"""Before or after the point: 1e999999999 is written in a few characters and fills the memory."""
Found = Iterator[ActionRow | str]
Entry = Mapping[str, Any]


def read_published(form: str, text: str, symbols: frozenset[str]) -> Published:
    """Read a file's text, of `symbols` only; raises ValueError with what was expected and found."""
    try:
        document = json.loads(text.removeprefix("\ufeff"), parse_float=Decimal)
    except (ValueError, RecursionError):
        raise ValueError(f"expected JSON, found {text[:60]!r}") from None
    found = list(READERS[form](document, symbols))
    return Published(
        rows=tuple(each for each in found if isinstance(each, ActionRow)),
        left_out=tuple(each for each in found if isinstance(each, str)),
    )


def _alpaca(document: object, symbols: frozenset[str]) -> Found:
    table = document.get("corporate_actions") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(table, dict):
        raise ValueError('expected "corporate_actions" in an object, found other')  # noqa: TRY004 - of the file
    _refuse_more_pages(document.get("next_page_token"), "next_page_token")
    for group, entries in table.items():
        for entry in _entries(entries, group):
            symbol = _first(entry, "symbol", "acquiree_symbol", "source_symbol", "old_symbol")
            if symbol not in symbols:
                continue
            row = _ALPACA.get(group)
            if row is None:
                yield f"{symbol}: {group}, which there is no rule for: write it by hand"
            else:
                yield _row(symbol, group, entry, row)


def _polygon(document: object, symbols: frozenset[str]) -> Found:
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(document, dict) or results is None:
        raise ValueError('expected an object with "results", found other')
    _refuse_more_pages(document.get("next_url"), "next_url")
    for entry in _entries(results, "results"):
        if _first(entry, "ticker") not in symbols:
            continue
        symbol = str(entry["ticker"])
        if "split_from" in entry:
            yield _row(symbol, "split", entry, _polygon_split)
        elif entry.get("currency", "USD") != "USD":
            yield f"{symbol}: a dividend in {entry['currency']}: write its worth in USD by hand"
        else:
            yield _row(symbol, "dividend", entry, _polygon_dividend)


def _pyth(document: object, symbols: frozenset[str]) -> Found:
    for feed in _entries(document, "symbols"):
        symbol = _pyth_symbol(feed)
        if symbol not in symbols:
            continue
        for entry in _entries(feed.get("corporate_actions") or [], "corporate_actions"):
            kind = str(entry.get("event_type", ""))
            if kind.upper() != "SPLIT":
                yield f"{symbol}: {kind or 'an event without a type'}, which there is no rule for"
            else:
                yield _row(symbol, "split", entry, _pyth_split)


def _pyth_symbol(feed: Entry) -> str:
    """Give the ticker of a feed that speaks of a US share, or an empty text."""
    name = str(feed.get("symbol", ""))
    if not name.startswith("Equity.US."):
        return ""
    return str(feed.get("nasdaq_symbol") or name.removeprefix("Equity.US.").partition("/")[0])


def _alpaca_split(entry: Entry) -> Mapping[str, object]:
    return _split(_number(entry, "new_rate"), _number(entry, "old_rate"))


def _alpaca_stock_dividend(entry: Entry) -> Mapping[str, object]:
    return _split(1 + _number(entry, "rate"), Decimal(1))


def _alpaca_dividend(entry: Entry) -> Mapping[str, object]:
    special = entry.get("special") is True
    return {"kind": "cash_dividend", "amount": _number(entry, "rate"), "is_special": special}


def _alpaca_cash_merger(entry: Entry) -> Mapping[str, object]:
    return {"kind": "cash_merger", "amount": _number(entry, "rate")}


def _alpaca_stock_merger(entry: Entry) -> Mapping[str, object]:
    ratio = _ratio(_number(entry, "acquirer_rate"), _number(entry, "acquiree_rate"))
    symbol = entry.get("acquirer_symbol") or None
    return {"kind": "stock_merger", "ratio": ratio, "new_symbol": symbol}


def _alpaca_spin_off(entry: Entry) -> Mapping[str, object]:
    ratio = _ratio(_number(entry, "new_rate"), _number(entry, "source_rate"))
    return {"kind": "spin_off", "ratio": ratio, "new_symbol": entry.get("new_symbol") or None}


def _alpaca_name_change(entry: Entry) -> Mapping[str, object]:
    return {"kind": "symbol_change", "new_symbol": entry.get("new_symbol")}


def _alpaca_removal(_entry: Entry) -> Mapping[str, object]:
    return {"kind": "delisting"}


_ALPACA: Final[Mapping[str, Callable[[Entry], Mapping[str, object]]]] = {
    "forward_splits": _alpaca_split,
    "reverse_splits": _alpaca_split,
    "stock_dividends": _alpaca_stock_dividend,
    "cash_dividends": _alpaca_dividend,
    "cash_mergers": _alpaca_cash_merger,
    "stock_mergers": _alpaca_stock_merger,
    "spin_offs": _alpaca_spin_off,
    "name_changes": _alpaca_name_change,
    "worthless_removals": _alpaca_removal,
}
_SPECIAL: Final = frozenset({"SC", "special"})
"""A dividend outside the regular ones, in the older words and in the newer."""


def _polygon_split(entry: Entry) -> Mapping[str, object]:
    return _split(_number(entry, "split_to"), _number(entry, "split_from"))


def _polygon_dividend(entry: Entry) -> Mapping[str, object]:
    told = str(entry.get("distribution_type") or entry.get("dividend_type") or "")
    amount = _number(entry, "cash_amount")
    return {"kind": "cash_dividend", "amount": amount, "is_special": told in _SPECIAL}


def _pyth_split(entry: Entry) -> Mapping[str, object]:
    new = _number(entry, "adjustment_factor_numerator")
    return _split(new, _number(entry, "adjustment_factor_denominator"))


def _split(new: Decimal, old: Decimal) -> Mapping[str, object]:
    return {"kind": "split", "ratio": _ratio(new, old)}


def _ratio(new: Decimal, old: Decimal) -> str:
    if min(new, old) <= 0:
        raise ValueError(f"expected a ratio of numbers above 0, found {new}:{old}")
    exact = Fraction(new) / Fraction(old)
    if max(exact.numerator, exact.denominator) > LARGEST_PART:
        raise ValueError(f"expected a ratio of numbers up to {LARGEST_PART}, found {new}:{old}")
    return f"{exact.numerator}:{exact.denominator}"


def _row(
    symbol: str, group: str, entry: Entry, read: Callable[[Entry], Mapping[str, object]]
) -> ActionRow | str:
    """Make a row, or say why there is none."""
    try:
        return ActionRow.model_validate(
            {"symbol": symbol, "ex_date": _day(entry), **read(entry), "name": ""}
        )
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"].lower()
        return f"{symbol}: {group}: {why}: write it by hand"
    except ValueError as error:
        return f"{symbol}: {group}: {error}: write it by hand"


def _day(entry: Entry) -> date:
    activation = entry.get("activation")
    if isinstance(activation, dict):
        days = activation.get("us_equity_ex_date")
        if not isinstance(days, dict):
            raise ValueError("expected us_equity_ex_date with its days, found none")  # noqa: TRY004 - of the file
        entry = days
    names = ("ex_date", "ex_dividend_date", "execution_date", "effective_date", "process_date")
    text = _first(entry, *names)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a day such as 2026-04-06, found {text[:20]!r}") from None


def _number(entry: Entry, name: str) -> Decimal:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"expected a number {name}, found {reprlib.repr(value)}")  # noqa: TRY004 - of the file
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"expected a number {name}, found {value!r:.40}") from None
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"expected a number {name}, found {value!r:.40}")
    return number


def _first(entry: Entry, *names: str) -> str:
    """Give the first of these fields that says something."""
    return next((str(entry[name]).strip() for name in names if entry.get(name)), "")


def _entries(found: object, what: str) -> Iterable[Entry]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"expected {what} to be a list of objects, found other")
    return found


def _refuse_more_pages(token: object, name: str) -> None:
    if token:
        raise ValueError(
            f"expected the whole answer, found {name}: it is one page of several; ask for fewer markets"
            " or a larger limit"
        )


READERS: Final[Mapping[str, Callable[[object, frozenset[str]], Found]]] = {
    "alpaca": _alpaca,
    "polygon": _polygon,
    "pyth": _pyth,
}
