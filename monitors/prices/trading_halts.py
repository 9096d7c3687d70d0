"""Trading halts of the underlying, as Nasdaq Trader's RSS of all US listing markets tells them.

A halted stock keeps its last price and its session: no price feed says so, so this is read beside
them. While a symbol is halted its outside price is frozen. Times in the feed are Eastern; here they
are Unix seconds. What cannot be read as a time counts as "not resumed": a doubt keeps the halt.
"""

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from risk.units import Seconds

EASTERN: Final = ZoneInfo("America/New_York")
LARGEST_PAGE: Final = 4_000_000
"""Bytes; a busy day's page is some hundred kilobytes."""


class HaltPageError(ValueError):
    """The page is not the halts' RSS; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingHalt:
    """One halt of one symbol."""

    symbol: str
    reason: str
    """The exchange's code: LUDP (volatility), T1 (news), MWC1-3 (market-wide) and so on."""
    halted_at: Seconds
    resumes_at: Seconds | None
    """When trades resume; None while the exchange has not said so."""

    def is_on(self, now: Seconds) -> bool:
        """Say whether the symbol is halted at `now`; the instant of resumption is not."""
        return self.halted_at <= now and (self.resumes_at is None or now < self.resumes_at)


def halted_symbols(halts: Iterable[TradingHalt], now: Seconds) -> dict[str, TradingHalt]:
    """Give the halts that are on at `now`, by symbol; of several the one that began last."""
    on = sorted((halt for halt in halts if halt.is_on(now)), key=lambda halt: halt.halted_at)
    return {halt.symbol: halt for halt in on}


def parse_halts(page: bytes) -> list[TradingHalt]:
    """Read the RSS page; a page without items is a quiet day.

    Raises HaltPageError for a page that is no such RSS (an HTML error page, half a page), and for an
    item without a symbol or a halt time: to skip it would hide a halt.
    """
    if len(page) > LARGEST_PAGE:
        raise HaltPageError(f"expected at most {LARGEST_PAGE} bytes of RSS, found {len(page)}")
    if b"<!DOCTYPE" in page or b"<!ENTITY" in page or b"\0" in page:
        # A NUL means UTF-16, in which a declaration would go unseen.
        raise HaltPageError("expected plain RSS in UTF-8, found a declaration or a NUL byte")
    try:
        root = ET.fromstring(page)  # noqa: S314 - bounded, and declarations are refused
    except (ET.ParseError, ValueError, LookupError) as error:
        raise HaltPageError(f"expected RSS, found what is no XML: {error}") from error
    channel = root.find("channel")
    if root.tag != "rss" or channel is None:
        raise HaltPageError(f"expected RSS with a channel, found <{root.tag[:40]}>")
    return [_halt(_fields(item)) for item in channel.iter("item")]


def _fields(item: ET.Element) -> dict[str, str]:
    # By local name: the namespace's address has changed before.
    return {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in item}


def _halt(fields: dict[str, str]) -> TradingHalt:
    symbol = fields.get("IssueSymbol") or fields.get("title", "")
    halted_at = _eastern(fields.get("HaltDate", ""), fields.get("HaltTime", ""))
    if not symbol or halted_at is None:
        raise HaltPageError(
            "expected a halt with IssueSymbol, HaltDate and HaltTime, found"
            f" {reprlib.repr(sorted(fields))} with symbol {symbol!r:.40}"
        )
    return TradingHalt(
        symbol=symbol,
        reason=fields.get("ReasonCode", ""),
        halted_at=halted_at,
        resumes_at=_eastern(
            fields.get("ResumptionDate", ""), fields.get("ResumptionTradeTime", "")
        ),
    )


def _eastern(date: str, time: str) -> Seconds | None:
    """Read a date and time of New York, or give None where there is none; fractions round down."""
    try:
        moment = datetime.strptime(  # noqa: DTZ007 - its zone is set in the next line
            f"{date} {time.partition('.')[0]}", "%m/%d/%Y %H:%M:%S"
        )
        return Seconds(int(moment.replace(tzinfo=EASTERN).timestamp()))
    except (ValueError, OverflowError):
        return None
