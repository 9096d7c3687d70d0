"""Figures as the report writes them: in words, in local time, and such that a small loss is never shown as none."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from keepers.page.figures import cents, short_dollars, span
from risk.amounts import decimal_text
from risk.units import ATOMS_PER_USD, PPM_SCALE, MarketStatus, div_ceil, div_trunc

LONG_MILLISECONDS: Final = 10_000
STATUS_WORDS: Final = {
    MarketStatus.OPEN: "open",
    MarketStatus.LIMIT: "limit",
    MarketStatus.REDUCE_ONLY: "reduce-only",
    MarketStatus.HALTED: "halted",
    MarketStatus.SETTLED: "settled",
}


def money(atoms: int) -> str:
    """Write money as `12.3M USD`, rounded toward zero; less than a dollar is said, not rounded away."""
    if 0 < abs(atoms) < ATOMS_PER_USD:
        return "less than 1 USD" if atoms > 0 else "−less than 1 USD"
    return f"{'−' if atoms < 0 else ''}{short_dollars(abs(atoms))} USD"


def price(price_e8: int) -> str:
    """Write a price in dollars and cents, rounded down."""
    return f"{cents(price_e8)} USD"


def percent(part: int, whole: int) -> str:
    """Write a part as a percentage with one decimal, rounded toward zero; what is less is not called none."""
    if whole == 0:
        return "–"
    tenths = div_trunc(part * 1_000, whole)
    if part and not tenths:
        return "less than 0.1 %"
    return f"{'−' if tenths < 0 else ''}{decimal_text(abs(tenths), 10, least=1)} %"


def ratio(ppm: int) -> str:
    """Write how many times, exactly: 1.00 is the least possible for a haircut over need, 1.000001 is more."""
    return decimal_text(ppm, PPM_SCALE, least=2)


def clock(at: int, zone: str) -> str:
    """Write a time as `Fri 17:15`."""
    return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%a %H:%M}"


def exact(at: int, zone: str) -> str:
    """Write a time as `Fri 10 Oct 17:15:04`."""
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %H:%M:%S}"


def dated(at: int, zone: str) -> str:
    """Write a time with its year, as `Fri 10 Oct 2025 17:15`."""
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y %H:%M}"


def lasted(seconds: int) -> str:
    """Write a span; its smaller unit is left out when it is zero."""
    text = span(seconds)
    for empty in (" 0 s", " 0 min", " 0 h"):
        text = text.removesuffix(empty)
    return text


def took(milliseconds: int) -> str:
    """Write a latency: in milliseconds below ten seconds, as a span above, rounded up."""
    if milliseconds < LONG_MILLISECONDS:
        return f"{milliseconds:,} ms"
    return lasted(div_ceil(milliseconds, 1_000))


def many(count: int, one: str, several: str = "") -> str:
    """Write `1 account`, `1,620,000 accounts`, `no account`."""
    if count == 0:
        return f"no {one}"
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """Write `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "none"


def begun(sentence: str) -> str:
    """Begin with a capital letter."""
    return sentence[:1].upper() + sentence[1:]
