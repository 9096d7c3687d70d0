"""Decode pages of accounts with numpy: thousands of rows in one cut.

Every number of a page but the account's own fits 64 bits, so a column is the low eight bytes of
its words. That is only true if the upper bytes are nothing but the sign: this is checked for all
words at once, and a page where it fails is refused whole, with a sentence. Nothing is ever wrapped.
"""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from risk.columns import AccountColumns, Int64Column, PositionColumns
from risk.units import AccountId, Seconds
from venues.exchange.abi import WORD
from venues.exchange.slicers import Defect, UndecodableError

_Words: TypeAlias = NDArray[Any]
_LANES: Final = 4
"""64-bit lanes of a word."""
_HEADER_WORDS: Final = 6
_ACCOUNT_WORDS: Final = 3
_POSITION_WORDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page as the chain gave it: at which block it was taken, where the next one starts."""

    block_number: int
    timestamp: Seconds
    next: int
    accounts: AccountColumns


def from_hex(text: object) -> bytes:
    """Turn `0x…` text into bytes; raises UndecodableError for anything else."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise UndecodableError(f"expected hex text from the node, found {reprlib.repr(text)}")
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise UndecodableError(f"expected whole bytes in hex, found {text!r:.80}") from error


def decode_page(raw: bytes) -> Page:
    """Decode what `accounts_page` and `account_rows` return; raises UndecodableError."""
    if len(raw) % WORD or len(raw) < (_HEADER_WORDS + 2) * WORD:
        raise UndecodableError(f"expected a page in whole words, found {len(raw)} bytes")
    header = [
        int.from_bytes(raw[place * WORD : place * WORD + WORD], "big")
        for place in range(_HEADER_WORDS)
    ]
    start, number, timestamp, following, accounts_at, positions_at = header
    if start != WORD:
        raise UndecodableError(f"expected a page at offset {WORD}, found {start}")
    words = np.frombuffer(raw, dtype=">i8").reshape(-1, _LANES)
    accounts = _rows(raw, words, WORD + accounts_at, _ACCOUNT_WORDS)
    positions = _rows(raw, words, WORD + positions_at, _POSITION_WORDS)
    columns = _columns(raw, WORD + accounts_at, accounts, positions)
    return Page(block_number=number, timestamp=Seconds(timestamp), next=following, accounts=columns)


def _rows(raw: bytes, words: _Words, offset: int, width: int) -> _Words:
    """Give the rows of a dynamic array as (row, field, lane)."""
    count = int.from_bytes(raw[offset : offset + WORD], "big")
    first = offset // WORD + 1
    last = first + count * width
    if offset % WORD or offset >= len(raw) or last > len(words):
        raise UndecodableError(f"expected {count} rows of {width} words, found {len(raw)} bytes")
    return words[first:last].reshape(count, width, _LANES)


def _columns(raw: bytes, offset: int, accounts: _Words, positions: _Words) -> AccountColumns:
    first = offset + WORD
    step = _ACCOUNT_WORDS * WORD
    ids = tuple(
        AccountId(int.from_bytes(raw[place : place + WORD], "big"))
        for place in range(first, first + len(accounts) * step, step)
    )
    collateral, count = _narrow(accounts[:, 1:], ("collateral", "position_count"), (1,))
    market, size, quote, funding, slice_time = _narrow(
        positions, ("market", "size", "quote", "funding", "slice_time"), (0, 4)
    )
    if int(count.sum()) != len(positions):
        raise UndecodableError(f"expected {int(count.sum())} positions, found {len(positions)}")
    return AccountColumns(
        ids=ids,
        collateral=collateral,
        position_count=count,
        positions=PositionColumns(
            market=market, size=size, quote=quote, funding=funding, slice_time=slice_time
        ),
    )


def _narrow(rows: _Words, names: tuple[str, ...], unsigned: tuple[int, ...]) -> list[Int64Column]:
    """Cut words to 64 bits, having checked that nothing but the sign is cut off."""
    low = rows[:, :, _LANES - 1].astype(np.int64)
    fits = (rows[:, :, : _LANES - 1] == (low >> 63)[:, :, None]).all(axis=(0, 2))
    for place in unsigned:
        fits[place] &= bool((low[:, place] >= 0).all())
    if not fits.all():
        name = names[int(np.argmin(fits))]
        raise UndecodableError(
            f"expected 64-bit numbers in the column {name}, found a larger one", Defect.BAD_VALUE
        )
    return list(np.ascontiguousarray(low.T))


def select_accounts(columns: AccountColumns, keep: Sequence[bool]) -> AccountColumns:
    """Give only some rows of a page, with their positions."""
    rows = np.array(keep, dtype=bool)
    held = np.repeat(rows, columns.position_count)
    positions = columns.positions
    return AccountColumns(
        ids=tuple(account for account, kept in zip(columns.ids, keep, strict=True) if kept),
        collateral=columns.collateral[rows],
        position_count=columns.position_count[rows],
        positions=PositionColumns(
            market=positions.market[held],
            size=positions.size[held],
            quote=positions.quote[held],
            funding=positions.funding[held],
            slice_time=positions.slice_time[held],
        ),
    )
