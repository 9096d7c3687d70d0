"""Who stands opposite a bankrupt account, in which order, and how much of each is taken.

A counterparty holds the opposite side, is in profit as the exchange counts it, has equity, fresh
prices, and is not under margin itself (that is liquidation's business). Two policies:

PROFIT_LEVERAGE: highest score first, each closed whole, the last one in part. Score = profit ratio
× effective leverage. Profit ratio is what the position has gained over what it cost: a short that
sold 100 and stands at 80 has gained 20 % as a long from 100 to 120 has. Effective leverage is the
account's notional over its equity, all markets together: in cross margin there is no other.

PRO_RATA: everybody in proportion to the size held. By size and not by profit, because all pay the
same price for a share: each gives up the same part of its position, it cannot be dodged by closing
and opening again to reset an entry price, and a share is never larger than what is held. Rounded
by largest remainder, so that sizes add up to the unit.

Orders are total and exact: integers of a stated scale, ties by account number.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.deleverage_columns import exact_values
from risk.market import Market
from risk.units import AccountId, MarketId, Seconds, div_floor

SCORE_SCALE: Final = 10**12
"""Turns a score into an integer, rounded down: 1.5 is 1_500_000_000_000."""

_FLOAT_DOUBT: Final = 1e-13
"""A score takes fewer than ten roundings of 2^-53; scores further apart than this are in order."""


class RankPolicy(StrEnum):
    """How the counterparties are chosen."""

    PROFIT_LEVERAGE = "profit_leverage"
    PRO_RATA = "pro_rata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterparty:
    """One position opposite: unsigned size in 1e-8 share, money in atoms."""

    account: AccountId
    size: int
    profit: int
    cost: int
    equity: int
    notional: int

    @property
    def score(self) -> int:
        """Give profit / cost · notional / equity, in `SCORE_SCALE`; a cost of 0 counts as an atom."""
        gained = self.profit * self.notional * SCORE_SCALE
        return div_floor(gained, max(1, self.cost) * self.equity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterparties:
    """All who may be taken on one side of a market, as columns of equal length."""

    book: AccountBook
    row: Int64Column
    size: Int64Column
    profit: Int64Column
    cost: Int64Column
    equity: Int64Column
    notional: Int64Column

    def __len__(self) -> int:
        return len(self.row)

    def at(self, place: int) -> Counterparty:
        """Give one of them as a value."""
        return Counterparty(
            account=self.book.id_at(int(self.row[place])),
            size=int(self.size[place]),
            profit=int(self.profit[place]),
            cost=int(self.cost[place]),
            equity=int(self.equity[place]),
            notional=int(self.notional[place]),
        )

    def chosen(self, places: NDArray[np.intp]) -> "Counterparties":
        """Keep some of them, in the given order."""
        return Counterparties(
            book=self.book,
            row=self.row[places],
            size=self.size[places],
            profit=self.profit[places],
            cost=self.cost[places],
            equity=self.equity[places],
            notional=self.notional[places],
        )


def counterparties(
    book: AccountBook,
    market: MarketId,
    now: Seconds,
    *,
    is_long: bool,
    without: Collection[AccountId] = (),
    markets: Mapping[MarketId, Market] | None = None,
) -> Counterparties:
    """Find everybody on one side of a market who may be taken; `without`: the backstop, the busy."""
    facts = book.markets if markets is None else markets
    slots = book.slots.in_market(market)
    sizes = book.slots.size[slots]
    slots = slots[sizes > 0 if is_long else sizes < 0]
    rows = book.slots.owner[slots].astype(np.int64)
    valued = exact_values(book, facts, rows, now)
    is_here = book.slots.market[valued.slots] == market
    owners = valued.owners[is_here]
    here: Int64Column = np.empty(len(rows), dtype=valued.slots.dtype)
    here[owners] = valued.slots[is_here]
    profit = np.empty(len(rows), dtype=valued.unrealised.dtype)
    profit[owners] = valued.unrealised[is_here]
    is_good = valued.is_priced & (profit > 0) & (valued.equity > 0)
    is_good &= valued.equity >= valued.maintenance_margin
    busy = [row for row in map(book.row, without) if row is not None]
    is_good &= ~np.isin(rows, np.array(busy, dtype=np.int64))
    kept = np.flatnonzero(is_good)
    return Counterparties(
        book=book,
        row=rows[kept],
        size=np.abs(book.slots.size[here[kept]]),
        profit=profit[kept],
        cost=np.abs(book.slots.quote[here[kept]]),
        equity=valued.equity[kept],
        notional=valued.notional[kept],
    )


def in_order(parties: Counterparties, policy: RankPolicy) -> Counterparties:
    """Put them in the order in which they are taken: by score, or by size; then by number."""
    guess, doubt = _guess(parties, policy)
    places = np.argsort(-guess, kind="stable")
    guess, doubt = guess[places], doubt[places]
    # Neighbours whose floats cannot tell them apart form a run, to be put in order exactly.
    is_apart = guess[:-1] - guess[1:] > doubt[:-1]
    starts = [0, *(np.flatnonzero(is_apart) + 1).tolist()]
    for start, end in itertools.pairwise([*starts, len(places)]):
        if end - start > 1:
            run = places[start:end].tolist()
            run.sort(key=lambda place: _exact_key(parties.at(place), policy))
            places[start:end] = run
    return parties.chosen(places)


def in_order_slowly(parties: Sequence[Counterparty], policy: RankPolicy) -> list[Counterparty]:
    """Order values by the exact keys alone: the clear twin of `in_order`."""
    return sorted(parties, key=lambda party: _exact_key(party, policy))


def pro_rata(sizes: Sequence[int], total: int) -> list[int]:
    """Share a total among sizes in proportion; the shares add up to min(total, Σ sizes).

    Each share is rounded down, and the units left over go one each to the largest remainders, ties
    to the earlier. No share is larger than its size.
    """
    whole = sum(sizes)
    if total >= whole:
        return list(sizes)
    parts = [divmod(size * total, whole) for size in sizes]
    shares = [share for share, _ in parts]
    missing = total - sum(shares)
    if missing:
        order = sorted(range(len(parts)), key=lambda place: -parts[place][1])
        for place in order[:missing]:
            shares[place] += 1
    return shares


def sharers(sizes: Sequence[int], total: int, smallest: int) -> int:
    """Give how many of the largest share a total, so that no share is under `smallest`.

    Sizes from large to small. As many as are needed to hold the total, and then as many as leave
    the smallest share at least `smallest`: crumbs cost more gas than they spread.
    """
    count = 0
    for held, size in zip(itertools.accumulate(sizes), sizes, strict=True):
        if held - size >= total and total * size < smallest * held:
            break
        count += 1
    return count


def _guess(
    parties: Counterparties, policy: RankPolicy
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the key as floats, and how far apart two must be for their order to be certain."""
    if policy is RankPolicy.PRO_RATA:
        size = parties.size.astype(np.float64)
        return size, _FLOAT_DOUBT * size
    gained = parties.profit.astype(np.float64) * parties.notional.astype(np.float64)
    cost = np.maximum(parties.cost.astype(np.float64), 1.0)
    score = gained / cost / parties.equity.astype(np.float64) * SCORE_SCALE
    return score, 2 + _FLOAT_DOUBT * score


def _exact_key(party: Counterparty, policy: RankPolicy) -> tuple[int, AccountId]:
    key = party.size if policy is RankPolicy.PRO_RATA else party.score
    return -key, party.account
