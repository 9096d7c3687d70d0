"""Figures as the page writes them: short enough for a phone, and never through a float."""

from datetime import UTC, datetime
from typing import Final

from risk.amounts import decimal_text
from risk.units import ATOMS_PER_USD, div_floor

PRICE_SCALE: Final = 10**8
_STEPS: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def price(price_e8: int) -> str:
    """Write a price with four decimals, rounded down."""
    return decimal_text(div_floor(price_e8, 10**4), 10**4, least=4)


def cents(price_e8: int) -> str:
    """Write a price with two decimals, rounded down."""
    return decimal_text(div_floor(price_e8, 10**6), 10**2, least=2)


def dollars(atoms: int) -> str:
    """Write money in whole dollars with thousands set apart, rounded toward minus infinity."""
    return f"{div_floor(atoms, ATOMS_PER_USD):,}"


def short_dollars(atoms: int) -> str:
    """Write money in three digits or so: `12.3M`; rounded down, for cells of a heat map."""
    amount = div_floor(atoms, ATOMS_PER_USD)
    for step, name in _STEPS:
        if amount >= step:
            tenths = div_floor(amount * 10, step)
            is_long = tenths >= 1_000
            whole = str(div_floor(tenths, 10))
            return f"{whole}{name}" if is_long else f"{decimal_text(tenths, 10)}{name}"
    return str(amount)


def moment(seconds: float) -> str:
    """Write a time as `Fri 20:59:30`, UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%a %H:%M:%S}"


def minute(seconds: float) -> str:
    """Write a time as `Fri 20:59`, UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%a %H:%M}"


def whole_moment(seconds: float) -> str:
    """Write a date and time, UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%a %Y-%m-%d %H:%M:%S} UTC"


def span(seconds: int) -> str:
    """Write a span in its two largest units."""
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{div_floor(seconds, _MINUTE)} min {seconds % _MINUTE} s"
    if seconds < _DAY:
        return f"{div_floor(seconds, _HOUR)} h {div_floor(seconds % _HOUR, _MINUTE)} min"
    return f"{div_floor(seconds, _DAY)} d {div_floor(seconds % _DAY, _HOUR)} h"


def milliseconds(seconds: float | None) -> str:
    """Write the edge of a bucket of latencies."""
    if seconds is None:
        return "none yet"
    if seconds == float("inf"):
        return "over 10 s"
    return f"≤ {seconds * 1_000:g} ms"
