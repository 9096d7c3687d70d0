"""Many accounts valued at once in exact integers: equity, margin, notional, position by position.

int64 throughout. A product of two int64 is divided by a constant without a wider type: float64
guesses the quotient, and the remainder, computed in wrapping int64, corrects it. The guess is off by
less than |quotient| · 2^-50 + 1: for a quotient below 2^61 the true remainder is below 2^12 divisors,
which fits 64 bits, so the result is exact. What does not stay below 2^61 is refused with an OverflowError, and whoever
asked goes the slow way, `risk.margin`, which is also the oracle of the tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from risk.account_book import AccountBook
from risk.columns import Int64Column
from risk.margin import margin_state
from risk.market import Market, Tier
from risk.position_slots import SlotColumn
from risk.units import FUNDING_SCALE, NOTIONAL_SCALE, PPM_SCALE, MarketId, Seconds

BoolColumn: TypeAlias = NDArray[np.bool_]

_SAFE: Final = 2.0**61
"""Below this a value and a sum of values are far from the end of int64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactValues:
    """Some accounts, by their place among the rows asked for; money in atoms.

    `slots`, `owners` as `AccountBook.slots_of` gives them; `unrealised` is by slot: value + quote −
    funding owed, a position's part of equity.
    """

    equity: Int64Column
    maintenance_margin: Int64Column
    notional: Int64Column
    is_priced: BoolColumn
    slots: SlotColumn
    owners: SlotColumn
    unrealised: Int64Column


def exact_values(
    book: AccountBook, markets: Mapping[MarketId, Market], rows: Int64Column, now: Seconds
) -> ExactValues:
    """Value accounts as `margin_state` does, to the atom; the slow way when int64 is too narrow."""
    try:
        return fast_values(book, markets, rows, now)
    except OverflowError:
        return slow_values(book, markets, rows, now)


def fast_values(
    book: AccountBook, markets: Mapping[MarketId, Market], rows: Int64Column, now: Seconds
) -> ExactValues:
    """Value accounts in int64 columns; OverflowError when a value could leave them."""
    slots, owners = book.slots_of(rows)
    facts = _MarketFacts(markets, now)
    held = book.slots
    market = held.market[slots].astype(np.intp)
    size = held.size[slots]
    mark = facts.mark[market]
    value = floor_product(size, mark, NOTIONAL_SCALE)
    # A short's value rounded down is its notional rounded up.
    notional = np.where(size < 0, -value, -floor_product(-size, mark, NOTIONAL_SCALE))
    since = facts.funding[market] - held.funding[slots]
    # −ceil(a / b) is floor(−a / b).
    unrealised = value + held.quote[slots] + floor_product(-size, since, FUNDING_SCALE)
    required = facts.maintenance(market, notional)
    count = len(rows)
    collateral = book.rows.collateral[rows]
    largest = np.abs(notional.astype(np.float64)) + np.abs(unrealised.astype(np.float64))
    gross = np.bincount(owners, weights=largest, minlength=count)
    _refuse_wide(np.abs(collateral.astype(np.float64)) + gross)
    is_priced = np.ones(count, dtype=np.bool_)
    is_priced[owners[facts.is_stale[market]]] = False
    return ExactValues(
        equity=collateral + _total(unrealised, owners, count),
        maintenance_margin=_total(required, owners, count),
        notional=_total(notional, owners, count),
        is_priced=is_priced,
        slots=slots,
        owners=owners,
        unrealised=unrealised,
    )


def slow_values(
    book: AccountBook, markets: Mapping[MarketId, Market], rows: Int64Column, now: Seconds
) -> ExactValues:
    """Value accounts one by one in Python integers: the clear twin; columns of objects."""
    slots, owners = book.slots_of(rows)
    states = [margin_state(book.account(book.id_at(row)), markets, now) for row in rows.tolist()]
    parts = [
        {held.position.market: held.unrealised for held in state.positions} for state in states
    ]
    numbers = book.slots.market[slots].tolist()
    unrealised = [
        parts[owner][MarketId(number)]
        for owner, number in zip(owners.tolist(), numbers, strict=True)
    ]
    return ExactValues(
        equity=_objects([state.equity for state in states]),
        maintenance_margin=_objects([state.maintenance_margin for state in states]),
        notional=_objects([state.notional for state in states]),
        is_priced=np.array([state.is_priced for state in states], dtype=np.bool_),
        slots=slots,
        owners=owners,
        unrealised=_objects(unrealised),
    )


def floor_product(left: Int64Column, right: Int64Column, divisor: int) -> Int64Column:
    """Give floor(left · right / divisor) exactly; OverflowError where that passes 2^61.

    The divisor is at most 1e14: 2^12 of them, the worst of guesses, stay below 2^63.
    """
    guess: NDArray[np.float64] = left.astype(np.float64) * right.astype(np.float64) / divisor
    _refuse_wide(guess)
    quotient = np.floor(guess).astype(np.int64)
    rest = left * right - quotient * divisor  # wraps on both sides alike
    return cast("Int64Column", quotient + np.floor_divide(rest, divisor))


class _MarketFacts:
    """Marks, funding and tiers of every market at one moment, by market number."""

    def __init__(self, markets: Mapping[MarketId, Market], now: Seconds) -> None:
        size = max(markets, default=-1) + 1
        self.mark: Int64Column = np.zeros(size, dtype=np.int64)
        self.funding: Int64Column = np.zeros(size, dtype=np.int64)
        self.is_stale: BoolColumn = np.zeros(size, dtype=np.bool_)
        self.tiers: dict[int, tuple[Tier, ...]] = {}
        for number, market in markets.items():
            self.mark[number] = market.mark
            self.funding[number] = market.funding_index(now)
            self.is_stale[number] = market.is_stale(now)
            self.tiers[number] = () if market.is_settled else market.tiers

    def maintenance(self, market: NDArray[np.intp], notional: Int64Column) -> Int64Column:
        """Give what each position must keep, rounded up."""
        depth = max((len(tiers) for tiers in self.tiers.values()), default=0)
        required = np.zeros(len(market), dtype=np.int64)
        for level in range(depth):
            bound, rate, deduction = self._level(level)
            reached = notional >= bound[market]
            margin = -floor_product(-notional, rate[market], PPM_SCALE) - deduction[market]
            required = np.where(reached, margin, required)
        return required

    def _level(self, level: int) -> tuple[Int64Column, Int64Column, Int64Column]:
        size = len(self.mark)
        bound = np.full(size, np.iinfo(np.int64).max, dtype=np.int64)
        rate = np.zeros(size, dtype=np.int64)
        deduction = np.zeros(size, dtype=np.int64)
        for number, tiers in self.tiers.items():
            if level < len(tiers):
                bound[number] = tiers[level].lower_bound
                rate[number] = tiers[level].rate
                deduction[number] = tiers[level].deduction
        return bound, rate, deduction


def _total(column: Int64Column, owners: SlotColumn, count: int) -> Int64Column:
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, owners, column)
    return sums


def _refuse_wide(column: NDArray[np.float64]) -> None:
    if len(column) and float(np.abs(column).max()) >= _SAFE:
        raise OverflowError("expected values below 2**61 atoms, found a larger one")


def _objects(numbers: list[Any]) -> Int64Column:
    column = np.empty(len(numbers), dtype=object)
    column[:] = numbers
    return cast("Int64Column", column)
