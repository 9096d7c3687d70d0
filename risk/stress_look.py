"""One look at a copied book: every shock of all markets, and every move of each market alone.

It runs in a thread of its own, on nothing that anybody else changes. Page by page, so that what it needs
beside the copy does not grow with the book. Money in atoms; a copy's ids are its rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from risk.book_copy import PAGE, BookCopy
from risk.columns import AccountColumns
from risk.market import Market
from risk.solvency_valuation import Valuation
from risk.stress import NOBODY, Shock, StressedBook, StressOutcome, Toll, outcome, shocked
from risk.units import MarketId, QuoteAtoms, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StressMoment:
    """What a copy is valued at; `backstop` is its row, `NOBODY` if it is not in the book."""

    markets: Mapping[MarketId, Market]
    insurance_fund: QuoteAtoms
    backstop: int
    now: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class StressLook:
    """What was found at one moment; `by_market` by symbol and move in ppm."""

    at: Seconds
    accounts: int
    insurance_fund: QuoteAtoms
    outcomes: Mapping[str, StressOutcome]
    by_market: Mapping[tuple[str, int], StressOutcome]


def look_at(
    copy: BookCopy,
    moment: StressMoment,
    shocks: Sequence[Shock],
    moves: Sequence[int],
    is_stopped: Callable[[], bool],
    *,
    page_accounts: int = PAGE,
) -> StressLook | None:
    """Play `shocks`, and each live market's `moves` alone.

    None if it was stopped on the way, or if the copy holds a market that `moment` does not know.
    """
    alone = [
        ((market.symbol, move), Shock(name=market.symbol, moves={number: move}))
        for number, market in moment.markets.items()
        if not market.is_settled
        for move in moves
    ]
    played = [*shocks, *(shock for _, shock in alone)]
    marks = [shocked(moment.markets, shock.moves) for shock in played]
    tolls, rooms = [Toll()] * len(played), [QuoteAtoms(0)] * len(played)
    accounts = 0
    for first, page in copy.pages(page_accounts):
        book = _valued(page, moment)
        if book is None:
            return None
        accounts += len(page.ids)
        pool = moment.backstop - first
        if not 0 <= pool < len(page.ids):
            pool = NOBODY
        for place, moved in enumerate(marks):
            if is_stopped():
                return None
            tolls[place] = tolls[place].plus(book.at(moved).toll(pool))
            if pool != NOBODY:
                rooms[place] = book.headroom(pool, moved)
    found = [
        outcome(shock.name, toll, insurance_fund=moment.insurance_fund, backstop_headroom=room)
        for shock, toll, room in zip(played, tolls, rooms, strict=True)
    ]
    of_all, of_one = found[: len(shocks)], found[len(shocks) :]
    return StressLook(
        at=moment.now,
        accounts=accounts,
        insurance_fund=moment.insurance_fund,
        outcomes={each.name: each for each in of_all},
        by_market={key: each for (key, _), each in zip(alone, of_one, strict=True)},
    )


def _valued(page: AccountColumns, moment: StressMoment) -> StressedBook | None:
    try:
        return StressedBook(Valuation([page], moment.markets, moment.now))
    except KeyError:
        # Listed while the pieces were copied: the next look knows it.
        return None
