"""Where an account stands in the queue of those who would be deleveraged, in fifths.

For people: the account's owner sees how near to the front it is, the operator how many stand where.
Bucket 5 is taken first, 1 last, 0 not at all while things stand (not in profit, under margin, or
with a stale price). The order is that of PROFIT_LEVERAGE; pro rata there is no queue. Nothing here
names an account but the one that was asked for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.deleverage_rank import RankPolicy, counterparties, in_order
from risk.units import AccountId, MarketId, Seconds, div_ceil, div_floor

BUCKETS: Final = 5
_SAFE: Final = 2.0**61


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePosition:
    """One position's place: `rank` from 0 of `count`, None where it is in no danger (bucket 0)."""

    market: MarketId
    is_long: bool
    bucket: int
    rank: int | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSide:
    """One side of a market: accounts and sizes by bucket, bucket 0 first (sizes 1e-8 share)."""

    market: MarketId
    is_long: bool
    counts: tuple[int, ...]
    sizes: tuple[int, ...]


def queue(
    book: AccountBook, market: MarketId, now: Seconds, *, without: Collection[AccountId] = ()
) -> tuple[QueueSide, QueueSide]:
    """Count the queue of longs and of shorts; `without`: the backstop, which is never taken."""
    long_side = queue_side(book, market, now, is_long=True, without=without)
    return long_side, queue_side(book, market, now, is_long=False, without=without)


def queue_position(
    book: AccountBook,
    account: AccountId,
    market: MarketId,
    now: Seconds,
    *,
    without: Collection[AccountId] = (),
) -> QueuePosition | None:
    """Find an account's place in its side's queue; None when it holds nothing in the market."""
    row = book.row(account)
    held = None if row is None else book.account(account).position(market)
    if held is None:
        return None
    is_long = held.size > 0
    found = counterparties(book, market, now, is_long=is_long, without=without)
    line = in_order(found, RankPolicy.PROFIT_LEVERAGE)
    places = np.flatnonzero(line.row == row).tolist()
    rank = places[0] if places else None
    return QueuePosition(
        market=market,
        is_long=is_long,
        bucket=0 if rank is None else bucket_of(rank, len(line)),
        rank=rank,
        count=len(line),
    )


def bucket_of(rank: int, count: int) -> int:
    """Give the fifth of a rank: 5 for the first of them; a single one stands at the front."""
    return BUCKETS - div_floor(rank * BUCKETS, count)


def queue_side(
    book: AccountBook,
    market: MarketId,
    now: Seconds,
    *,
    is_long: bool,
    without: Collection[AccountId] = (),
) -> QueueSide:
    """Count the queue of one side."""
    found = counterparties(book, market, now, is_long=is_long, without=without)
    line = in_order(found, RankPolicy.PROFIT_LEVERAGE)
    counts, sizes = [0] * (BUCKETS + 1), [0] * (BUCKETS + 1)
    for fifth in range(BUCKETS):
        first, last = _first_rank(fifth, len(line)), _first_rank(fifth + 1, len(line))
        counts[BUCKETS - fifth] = last - first
        sizes[BUCKETS - fifth] = _exact_sum(line.size[first:last])
    held = book.slots.size[book.slots.in_market(market)]
    everyone = np.abs(held[held > 0 if is_long else held < 0])
    excluded = [
        abs(position.size)
        for account in set(without)
        if book.row(account) is not None
        and (position := book.account(account).position(market)) is not None
        and (position.size > 0) is is_long
    ]
    counts[0] = len(everyone) - len(excluded) - sum(counts)
    sizes[0] = _exact_sum(everyone) - sum(excluded) - sum(sizes)
    return QueueSide(market=market, is_long=is_long, counts=tuple(counts), sizes=tuple(sizes))


def _first_rank(fifth: int, count: int) -> int:
    """Give the first rank of a fifth, counted from the front, as `bucket_of` has it."""
    return div_ceil(fifth * count, BUCKETS)


def _exact_sum(column: Int64Column) -> int:
    """Sum a column; one by one where int64 could be too narrow."""
    if float(np.abs(column).astype(np.float64).sum()) < _SAFE:
        return int(column.sum())
    return sum(column.tolist())
