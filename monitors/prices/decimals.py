"""Numbers as providers write them, into our units, exactly: no float on the way.

What is finer than 1e-8 is rounded: prices down, widths up, so that a doubt is never made smaller.
Everything that cannot be a price (NaN, infinities, numbers of absurd length) is a
`WrongShapeError`; zero, negative and merely strange prices pass, for the judge to say.
"""

import re
from typing import Final

from monitors.prices.port import WrongShapeError
from risk.units import PriceE8, div_ceil, div_floor

MOST_PRICE_E8: Final = 10**48
"""No larger |price|: every int192 with 18 decimals fits, and nothing grows without bounds."""
MOST_DIGITS: Final = 80
"""An int256 has 78; longer numbers are an attack or an accident."""
MOST_EXPONENT: Final = 64
LAST_SECOND: Final = 10**11
"""No later time (year 5138): a time in milliseconds read as seconds lies beyond."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,80}", re.ASCII)
_DECIMAL: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]{1,80})(?:\.(?P<part>[0-9]{1,80}))?(?:[eE](?P<exp>[+-]?[0-9]{1,3}))?",
    re.ASCII,
)


def read_integer(value: object, what: str) -> int:
    """Read an integer that came as a JSON number or as decimal text; `what` names it in errors."""
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < 10**MOST_DIGITS:
            return value
    elif isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise WrongShapeError(f"expected {what} to be an integer, found {_shown(value)}")


def read_time(value: object, what: str, *, per_second: int = 1) -> int:
    """Read a Unix time in 1/`per_second` of a second; what no clock shows is refused."""
    time = read_integer(value, what)
    if not 0 <= time < LAST_SECOND * per_second:
        raise WrongShapeError(f"expected {what} to be a time since 1970, found {_shown(value)}")
    return time


def price_from_mantissa(mantissa: object, exponent: object, what: str = "price") -> PriceE8:
    """Give `mantissa` · 10^`exponent` USD as a price, rounded down to 1e-8."""
    return _scaled(*_parts(mantissa, exponent, what), what)


def width_from_mantissa(mantissa: object, exponent: object, what: str = "confidence") -> PriceE8:
    """Give `mantissa` · 10^`exponent` USD as a width, rounded up to 1e-8; negative is refused."""
    return _width(*_parts(mantissa, exponent, what), what)


def price_from_decimal(value: object, what: str = "price", *, exponent: int = 0) -> PriceE8:
    """Give decimal text such as `"211.3450"` or `"2e2"`, or an integer, as a price.

    The number is multiplied by 10^`exponent`, then rounded down to 1e-8.
    """
    mantissa, own = read_decimal(value, what)
    return _scaled(mantissa, own + exponent, what)


def width_from_decimal(value: object, what: str = "confidence", *, exponent: int = 0) -> PriceE8:
    """Give decimal text or an integer as a width, rounded up to 1e-8; negative is refused."""
    mantissa, own = read_decimal(value, what)
    return _width(mantissa, own + exponent, what)


def read_decimal(value: object, what: str) -> tuple[int, int]:
    """Read decimal text, or an integer, as mantissa and exponent of ten: exactly as written."""
    if isinstance(value, int):
        return read_integer(value, what), 0
    match = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise WrongShapeError(f"expected {what} to be a decimal number, found {_shown(value)}")
    part = match["part"] or ""
    mantissa = int(match["sign"] + match["whole"] + part)
    return mantissa, int(match["exp"] or 0) - len(part)


def _parts(mantissa: object, exponent: object, what: str) -> tuple[int, int]:
    return read_integer(mantissa, what), read_integer(exponent, f"exponent of {what}")


def _width(mantissa: int, exponent: int, what: str) -> PriceE8:
    if mantissa < 0:
        raise WrongShapeError(f"expected {what} to be at least 0, found a negative number")
    return _scaled(mantissa, exponent, what, round_up=True)


def _scaled(mantissa: int, exponent: int, what: str, *, round_up: bool = False) -> PriceE8:
    """Scale to 1e-8 USD; the exponent is bounded first, because 10^exponent is computed."""
    if abs(exponent) > 2 * MOST_DIGITS + MOST_EXPONENT:
        raise WrongShapeError(f"expected {what} to be of a usual size, found exponent {exponent}")
    shift = exponent + 8
    divide = div_ceil if round_up else div_floor
    scaled = mantissa * 10**shift if shift >= 0 else divide(mantissa, 10**-shift)
    if abs(scaled) > MOST_PRICE_E8:
        raise WrongShapeError(f"expected {what} to be below 1e40 USD, found a larger one")
    return PriceE8(scaled)


def _shown(value: object) -> str:
    """Show what was found if it is short: it comes from outside, and a cut secret is no secret."""
    if isinstance(value, str | float):
        return repr(value) if len(repr(value)) <= 40 else f"a text of {len(repr(value))} characters"
    if isinstance(value, int):
        return repr(value) if abs(value) < 10**40 else "a huge number"
    return f"a {type(value).__name__}"
