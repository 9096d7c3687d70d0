"""Units and the three divisions.

Money is `int` in atoms, and each unit has its own type, so that mypy refuses a mix.
Division only through `div_floor`, `div_ceil`, `div_trunc`: Python's `//` floors, the EVM's
truncates, and the direction is a decision that must be read in the code.
Requirements round up and equity rounds down: a doubt never hides a risk.
"""

from enum import IntEnum
from typing import Final, NewType

PriceE8 = NewType("PriceE8", int)
"""Price of one share in 1e-8 USD."""
SizeE8 = NewType("SizeE8", int)
"""Signed amount of shares in 1e-8 share; + is long."""
QuoteAtoms = NewType("QuoteAtoms", int)
"""Signed money in 1e-6 USD, the quote token's own atoms."""
Ppm = NewType("Ppm", int)
"""Parts per million; 25_000 is 2.5 %."""
PpbPerHour = NewType("PpbPerHour", int)
"""Funding rate, parts per billion per hour; positive: longs pay shorts."""
FundingE12 = NewType("FundingE12", int)
"""Cumulative funding of one share in 1e-12 USD."""
AccountId = NewType("AccountId", int)
"""Owner's address << 96 | subaccount number."""
MarketId = NewType("MarketId", int)
"""Number of a market, in order of creation."""
Seconds = NewType("Seconds", int)
"""A time on the venue's clock (Unix seconds of a block), or a span of it."""

NOTIONAL_SCALE: Final = 10**10
PPM_SCALE: Final = 10**6
FUNDING_SCALE: Final = 10**14
FUNDING_NUMERATOR_SCALE: Final = 360_000_000
"""Funding accrues as rate · price · seconds; this turns it into 1e-12 USD a share."""
ATOMS_PER_USD: Final = 10**6
SUBACCOUNT_BITS: Final = 96


class MarketStatus(IntEnum):
    """What our market allows; a larger number is stricter."""

    OPEN = 0
    LIMIT = 1
    REDUCE_ONLY = 2
    HALTED = 3
    SETTLED = 4


def div_floor(numerator: int, denominator: int) -> int:
    """Divide toward minus infinity."""
    return numerator // denominator


def div_ceil(numerator: int, denominator: int) -> int:
    """Divide toward plus infinity."""
    return -(-numerator // denominator)


def div_trunc(numerator: int, denominator: int) -> int:
    """Divide toward zero, as the EVM's SDIV does."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator >= 0) == (denominator >= 0) else -quotient


def signed_value(size: SizeE8, price: PriceE8) -> QuoteAtoms:
    """Value a signed size at a price, rounded down: a long is worth less, a short owes more."""
    return QuoteAtoms(div_floor(size * price, NOTIONAL_SCALE))


def notional(size: SizeE8, price: PriceE8) -> QuoteAtoms:
    """Value a size at a price ignoring its sign, rounded up."""
    return QuoteAtoms(div_ceil(abs(size) * price, NOTIONAL_SCALE))


def account_id(owner: bytes, subaccount: int) -> AccountId:
    """Join an owner's 20-byte address and a subaccount number."""
    if len(owner) != 20:
        raise ValueError(f"expected an address of 20 bytes, found {len(owner)}")
    if not 0 <= subaccount < 1 << SUBACCOUNT_BITS:
        raise ValueError(f"expected a subaccount below 2**96, found {subaccount}")
    return AccountId(int.from_bytes(owner, "big") << SUBACCOUNT_BITS | subaccount)


def account_owner(account: AccountId) -> bytes:
    """Give the 20-byte address of an account's owner."""
    return (account >> SUBACCOUNT_BITS).to_bytes(20, "big")


def account_subaccount(account: AccountId) -> int:
    """Give the subaccount number of an account."""
    return account & ((1 << SUBACCOUNT_BITS) - 1)


def account_label(account: AccountId) -> str:
    """Write an account as people read it: `0xowner/subaccount`."""
    return f"0x{account_owner(account).hex()}/{account_subaccount(account)}"


def parse_account(text: str) -> AccountId:
    """Read an account as `account_label` writes it; `0xowner` alone means subaccount 0.

    Raises ValueError with what was expected and found.
    """
    owner, _, subaccount = text.partition("/")
    try:
        return account_id(bytes.fromhex(owner.removeprefix("0x")), int(subaccount or "0"))
    except ValueError as error:
        raise ValueError(f"expected an account as 0xowner/subaccount, found {text!r}") from error
