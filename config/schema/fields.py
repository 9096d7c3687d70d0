"""The kinds of value a configuration holds, and the base of every section.

Strict: `"8"` is no integer, `true` is no number and `0.5` is no amount of money. Amounts of money are
integers or strings of decimals, converted exactly. Messages are the middle of a sentence ("must be
..."), because `config.problems` puts the file and the key before them.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from eth_hash.auto import keccak
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

ATOMS_PER_USD: Final = 10**6
PRICE_UNITS_PER_USD: Final = 10**8
LARGEST_PRICE: Final = 10**15
LARGEST_INT: Final = 2**63 - 1
_LARGEST_EXPONENT: Final = 60


class Section(BaseModel):
    """A table of the configuration: frozen, strict, and closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
    )


def checksum_address(address: bytes) -> str:
    """Write a 20-byte address with the capitals of EIP-55."""
    digits = address.hex()
    digest = keccak(digits.encode()).hex()
    marked = (
        digit.upper() if int(weight, 16) >= 8 else digit
        for digit, weight in zip(digits, digest, strict=False)
    )
    return "0x" + "".join(marked)


def address_bytes(address: str) -> bytes:
    """Give the 20 bytes of an address that the schema has checked."""
    return bytes.fromhex(address[2:])


def _check_address(value: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        raise ValueError("an address of 0x and 40 hexadecimal digits")
    address = bytes.fromhex(value[2:])
    if not any(address):
        raise ValueError("an address other than zero")
    written = checksum_address(address)
    if value[2:] not in (value[2:].lower(), value[2:].upper(), written[2:]):
        raise ValueError(
            "an address whose capitals match its checksum (a digit is wrong, or write it in lower case)"
        )
    return written


def _check_bits(value: int) -> int:
    if value > LARGEST_INT:
        raise ValueError("an integer of at most 63 bits")
    return value


def _url_check(*schemes: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        wanted = "a URL like " + " or ".join(f"{scheme}://host:port/path" for scheme in schemes)
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError(f"{wanted}, with a port from 1 to 65535") from None
        if parts.scheme not in schemes or not parts.hostname or re.search(r"\s", value):
            raise ValueError(wanted)
        if port == 0:
            raise ValueError(f"{wanted}, with a port from 1 to 65535")
        return value

    return check


def _check_listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 0xFFFF:
        raise ValueError("host:port with a port from 0 (any free one) to 65535")
    return value


def _to_path(value: object) -> object:
    if isinstance(value, str):
        if not value:
            raise ValueError("the path of a file")
        return Path(value)
    return value


def exact_decimal(value: object) -> Decimal:
    """Read an amount from an integer or a string of decimals; a float has already lost digits."""
    wanted = 'an integer or a string of decimals like "0.25"'
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(wanted)  # noqa: TRY004 - pydantic turns ValueErrors into problems
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError(wanted) from None
    if not amount.is_finite():
        raise ValueError(wanted)
    return amount


def exact_units(amount: Decimal, units_per_usd: int) -> int:
    """Turn an amount in USD into whole units; what does not fit is refused, never rounded."""
    # Integers all the way: Decimal's own arithmetic rounds silently beyond its context's digits.
    sign, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or abs(exponent) > _LARGEST_EXPONENT:
        raise ValueError("an amount of sensible size")
    number = int("".join(map(str, digits))) * units_per_usd
    power: int = 10 ** abs(exponent)
    units, rest = (number * power, 0) if exponent >= 0 else divmod(number, power)
    if rest:
        raise ValueError(f"an amount with at most {len(str(units_per_usd)) - 1} decimals")
    return -units if sign else units


def _check_usd(amount: Decimal) -> Decimal:
    if amount < 0:
        raise ValueError("an amount that is not negative")
    if exact_units(amount, ATOMS_PER_USD) > LARGEST_INT:
        raise ValueError("an amount that fits 63 bits in atoms")
    return amount


def _check_positive_usd(amount: Decimal) -> Decimal:
    if _check_usd(amount) == 0:
        raise ValueError("an amount greater than 0")
    return amount


def _check_price(amount: Decimal) -> Decimal:
    if not 0 < exact_units(amount, PRICE_UNITS_PER_USD) <= LARGEST_PRICE:
        raise ValueError("a price greater than 0 and at most 10000000")
    return amount


_as_plain_text = PlainSerializer(lambda amount: f"{amount:f}", return_type=str)

Address: TypeAlias = Annotated[str, AfterValidator(_check_address)]
HttpUrl: TypeAlias = Annotated[str, AfterValidator(_url_check("http", "https"))]
WebSocketUrl: TypeAlias = Annotated[str, AfterValidator(_url_check("ws", "wss"))]
Listen: TypeAlias = Annotated[str, AfterValidator(_check_listen)]
FilePath: TypeAlias = Annotated[Path, BeforeValidator(_to_path)]
Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
# Not `le=`: a field that sets its own upper bound would silently keep this one.
PositiveInt: TypeAlias = Annotated[int, Field(gt=0), AfterValidator(_check_bits)]
NaturalInt: TypeAlias = Annotated[int, Field(ge=0), AfterValidator(_check_bits)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
WholeSeconds: TypeAlias = Annotated[int, Field(gt=0, le=31_536_000)]
Rate: TypeAlias = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Usd: TypeAlias = Annotated[
    Decimal, BeforeValidator(exact_decimal), AfterValidator(_check_usd), _as_plain_text
]
PositiveUsd: TypeAlias = Annotated[
    Decimal, BeforeValidator(exact_decimal), AfterValidator(_check_positive_usd), _as_plain_text
]
PriceUsd: TypeAlias = Annotated[
    Decimal, BeforeValidator(exact_decimal), AfterValidator(_check_price), _as_plain_text
]
