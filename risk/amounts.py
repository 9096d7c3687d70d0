"""Amounts as people read them: exact decimal strings, made from integers, never through a float."""

from risk.units import ATOMS_PER_USD, div_floor


def decimal_text(amount: int, scale: int, *, least: int = 0) -> str:
    """Write `amount / scale` exactly; scale a power of ten, at least `least` decimals."""
    digits = len(str(scale)) - 1
    whole, part = div_floor(abs(amount), scale), abs(amount) % scale
    tail = str(part).zfill(digits).rstrip("0").ljust(least, "0") if digits else ""
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{tail}" if tail else f"{sign}{whole}"


def money_text(atoms: int) -> str:
    """Write money in USD, with at least cents."""
    return decimal_text(atoms, ATOMS_PER_USD, least=2)


def price_text(price: int) -> str:
    """Write a price in USD, with at least cents."""
    return decimal_text(price, 10**8, least=2)


def size_text(size: int) -> str:
    """Write a size in shares."""
    return decimal_text(size, 10**8)


def percent_text(ppm: int) -> str:
    """Write parts per million in percent."""
    return decimal_text(ppm, 10**4)
