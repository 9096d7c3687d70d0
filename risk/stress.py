"""What a move of the marks would do to a whole book before anybody could act: to the atom.

A shock moves the marks of some markets by a share, all at once; nobody is liquidated, pays in or closes on
the way, and funding stands still, since it accrues on the index. Who ends below maintenance margin would be
liquidated; who ends below zero has lost money that is not his: it falls on the insurance fund, then on the
backstop, which holds positions of its own and is valued at the same marks. Marks are rounded away from where
they were, equity down, requirements up. Whether a mark is fresh is not asked: a doubt never hides a risk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from risk.columns import Int64Column
from risk.exact_columns import exact_sum
from risk.margin import margin_state
from risk.market import Market
from risk.solvency_valuation import Valuation
from risk.units import PPM_SCALE, MarketId, PriceE8, QuoteAtoms, div_ceil, div_floor

NOBODY: Final = -1
"""The row of a backstop that is not among the accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """Moves of marks in signed ppm; a market that is left out stands still."""

    name: str
    moves: Mapping[MarketId, int]

    def __post_init__(self) -> None:
        lowest = min(self.moves.values(), default=0)
        if lowest < -PPM_SCALE:
            raise ValueError(f"expected moves of -10^6 ppm or more, found {lowest} in {self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What a shock does to some accounts, the backstop left out. Money in atoms, at the moved marks."""

    liquidatable_accounts: int = 0
    liquidatable_notional: QuoteAtoms = QuoteAtoms(0)
    """All positions of the accounts that end below maintenance margin."""
    bankrupt_accounts: int = 0
    bad_debt: QuoteAtoms = QuoteAtoms(0)
    """Σ max(−equity, 0)."""

    def plus(self, other: "Toll") -> "Toll":
        """Add what it does to other accounts."""
        return Toll(
            liquidatable_accounts=self.liquidatable_accounts + other.liquidatable_accounts,
            liquidatable_notional=QuoteAtoms(
                self.liquidatable_notional + other.liquidatable_notional
            ),
            bankrupt_accounts=self.bankrupt_accounts + other.bankrupt_accounts,
            bad_debt=QuoteAtoms(self.bad_debt + other.bad_debt),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StressOutcome:
    """A shock's toll, and what it would leave of those who pay for it."""

    name: str
    toll: Toll
    insurance_left: QuoteAtoms
    backstop_left: QuoteAtoms
    """What the backstop could still lose and meet its own initial margin."""
    uncovered: QuoteAtoms
    """Bad debt that neither could pay: what winners would be deleveraged for."""

    @property
    def exhausts_fund(self) -> bool:
        """Say whether the bad debt would take the whole insurance fund."""
        return self.toll.bad_debt > 0 and self.insurance_left == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What every account of a valuation has and must keep, in atoms, row by row."""

    equity: Int64Column
    maintenance_margin: Int64Column
    notional: Int64Column

    def toll(self, without: int = NOBODY) -> Toll:
        """Count and add up; `without` is the backstop's row: nobody liquidates it."""
        is_under = self.equity < self.maintenance_margin
        losses = self.losses(without)
        if without != NOBODY:
            is_under[without] = False
        return Toll(
            liquidatable_accounts=int(is_under.sum()),
            liquidatable_notional=QuoteAtoms(exact_sum(self.notional[is_under])),
            bankrupt_accounts=int((losses > 0).sum()),
            bad_debt=QuoteAtoms(exact_sum(losses)),
        )

    def losses(self, without: int = NOBODY) -> Int64Column:
        """Give what each account would owe beyond what it has; the backstop's row owes nothing."""
        losses: Int64Column = -np.minimum(self.equity, 0)
        if without != NOBODY:
            losses[without] = 0
        return losses


class StressedBook:
    """A valuation that is shocked again and again: only what a shock moves is valued anew."""

    def __init__(self, valued: Valuation) -> None:
        """Add up every account once; raises ValueError for two positions of one in a market."""
        self._valued = valued
        owners = valued.owners()
        self._owners = [owners[rows] for rows in valued.rows]
        for number, held in enumerate(self._owners):
            if (np.diff(held) <= 0).any():
                raise ValueError(f"expected one position an account in market {number}, found two")
        self.now = Standing(
            equity=valued.equities(),
            maintenance_margin=valued.per_account(valued.maintenance),
            notional=valued.per_account(valued.notional),
        )

    def at(self, marks: Mapping[MarketId, PriceE8]) -> Standing:
        """Give where every account would stand at these marks; amounts of any size."""
        try:
            return self._at(marks)
        except OverflowError:
            # What fits at the marks may not after a move: go the slow way for this one.
            return StressedBook(self._valued.in_python_ints())._at(marks)  # noqa: SLF001 - one of us

    def _at(self, marks: Mapping[MarketId, PriceE8]) -> Standing:
        valued, now = self._valued, self.now
        equity, maintenance = now.equity.copy(), now.maintenance_margin.copy()
        notional = now.notional.copy()
        for number, mark in marks.items():
            rows = valued.rows[number]
            if mark == valued.markets[number].mark or not len(rows):
                continue
            moved, owners = valued.at(number, mark), self._owners[number]
            equity[owners] += moved.value - valued.value[rows]
            maintenance[owners] += moved.maintenance - valued.maintenance[rows]
            notional[owners] += moved.notional - valued.notional[rows]
        return Standing(equity=equity, maintenance_margin=maintenance, notional=notional)

    def headroom(self, row: int, marks: Mapping[MarketId, PriceE8]) -> QuoteAtoms:
        """Give what the account in a row, the backstop, could still lose at these marks."""
        return headroom(self._valued, row, marks)


def shocked(
    markets: Mapping[MarketId, Market], moves: Mapping[MarketId, int]
) -> dict[MarketId, PriceE8]:
    """Move marks by ppm, rounded away from where they were; a settled market stays.

    Markets that stand still are left out, moves of unknown markets are ignored.
    """
    marks = {}
    for number, move in moves.items():
        market = markets.get(number)
        if market is None or market.is_settled or not move:
            continue
        divide = div_ceil if move > 0 else div_floor
        marks[number] = PriceE8(divide(market.mark * (PPM_SCALE + move), PPM_SCALE))
    return marks


def headroom(valued: Valuation, row: int, marks: Mapping[MarketId, PriceE8]) -> QuoteAtoms:
    """Give what an account could lose at these marks and still meet its initial margin."""
    markets = {
        number: replace(market, mark=marks.get(number, market.mark))
        for number, market in valued.markets.items()
    }
    state = margin_state(valued.account(row), markets, valued.now)
    return QuoteAtoms(max(0, state.equity - state.initial_margin))


def outcome(
    name: str, toll: Toll, *, insurance_fund: QuoteAtoms, backstop_headroom: QuoteAtoms
) -> StressOutcome:
    """Let the insurance fund pay first, then the backstop; what neither can is uncovered."""
    fund = max(0, insurance_fund)
    rest = max(0, toll.bad_debt - fund)
    return StressOutcome(
        name=name,
        toll=toll,
        insurance_left=QuoteAtoms(max(0, fund - toll.bad_debt)),
        backstop_left=QuoteAtoms(max(0, backstop_headroom - rest)),
        uncovered=QuoteAtoms(max(0, rest - backstop_headroom)),
    )
