"""Words of Chainlink's ABI-encoded bytes, cut at fixed places.

Both the aggregator on chain and the reports of Data Streams are rows of 32-byte words; a number
whose padding is not what its type demands is refused, never masked.
"""

from typing import Final

from monitors.prices.port import WrongShapeError

WORD: Final = 32
"""Bytes of one ABI word."""


def word_at(raw: bytes, place: int, what: str) -> bytes:
    """Give the word that begins at byte `place`; raises WrongShapeError if it is not all there."""
    word = raw[place : place + WORD]
    if len(word) != WORD:
        raise WrongShapeError(
            f"expected {what} at bytes {place} to {place + WORD}, found {len(raw)} bytes in all"
        )
    return word


def unsigned_at(raw: bytes, place: int, bits: int, what: str) -> int:
    """Give the number of at most `bits` bits at byte `place`; else WrongShapeError."""
    number = int.from_bytes(word_at(raw, place, what), "big")
    if number >> bits:
        raise WrongShapeError(f"expected {what} to be a uint{bits}, found a larger number")
    return number


def signed_at(raw: bytes, place: int, bits: int, what: str) -> int:
    """Give the signed number of at most `bits` bits at byte `place`; else WrongShapeError."""
    number = int.from_bytes(word_at(raw, place, what), "big", signed=True)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise WrongShapeError(f"expected {what} to be an int{bits}, found a number out of range")
    return number
