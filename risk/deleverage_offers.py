"""What each counterparty of one side is asked for in one step, in the order of the policy.

The line is shared out once for everybody in need on that side, so that a counterparty is asked for
one size, however many bankrupt accounts it is spread over. Those untouched in this round come
first; those touched are asked again only when the others are used up.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from risk.account_book import AccountBook
from risk.deleverage_rank import (
    Counterparties,
    RankPolicy,
    counterparties,
    in_order,
    pro_rata,
    sharers,
)
from risk.units import (
    NOTIONAL_SCALE,
    AccountId,
    MarketId,
    QuoteAtoms,
    Seconds,
    div_ceil,
)


@dataclass(slots=True, kw_only=True)
class Offer:
    """What one counterparty is still asked for; `place` and `score` as the policy ranks it."""

    account: AccountId
    place: int
    score: int
    size: int


class Offers:
    """The line of one side, being used up; lives only as long as one plan is made."""

    def __init__(
        self,
        book: AccountBook,
        market: MarketId,
        now: Seconds,
        *,
        is_long: bool,
        policy: RankPolicy,
        smallest: QuoteAtoms,
        without: Collection[AccountId],
    ) -> None:
        found = counterparties(book, market, now, is_long=is_long, without=without)
        self._book = book
        self._policy = policy
        self._parties: Counterparties = in_order(found, policy)
        self._left: list[int] = self._parties.size.tolist()
        mark = book.markets[market].mark
        self._smallest = div_ceil(smallest * NOTIONAL_SCALE, mark) if mark else 0
        self._line: list[tuple[int, int]] = []
        self._offers: dict[int, Offer] = {}
        self._head = 0

    def share(self, total: int, touched: Collection[AccountId]) -> bool:
        """Share a total among those untouched, or else those touched; say whether anybody is left.

        What was offered before and not taken is offered no more.
        """
        touched_rows = {row for row in map(self._book.row, touched) if row is not None}
        is_touched = np.isin(
            self._parties.row, np.array(sorted(touched_rows), dtype=np.int64)
        ).tolist()
        self._line, self._offers, self._head = [], {}, 0
        if not any(self._left):
            return False
        for wanted in (False, True):
            places = [
                place
                for place, left in enumerate(self._left)
                if left and is_touched[place] is wanted
            ]
            self._line = self._shared(places, total)
            if self._line:
                return True
        return False

    def next(self, refused: Collection[AccountId]) -> Offer | None:
        """Give the first of the line that has something left and did not refuse."""
        for spot in range(self._head, len(self._line)):
            offer = self._offer(spot)
            if not offer.size and spot == self._head:
                self._head += 1
            elif offer.size and offer.account not in refused:
                return offer
        return None

    def take(self, offer: Offer, size: int) -> None:
        """Use up a part of an offer."""
        offer.size -= size
        self._left[offer.place] -= size

    def _shared(self, places: list[int], total: int) -> list[tuple[int, int]]:
        """Give (place, size) of those who are asked, in order."""
        sizes = [self._left[place] for place in places]
        if self._policy is RankPolicy.PRO_RATA:
            count = sharers(sizes, total, self._smallest)
            shares = pro_rata(sizes[:count], total)
        else:
            shares = _first_ones(sizes, total)
        return [(place, share) for place, share in zip(places, shares, strict=False) if share]

    def _offer(self, spot: int) -> Offer:
        offer = self._offers.get(spot)
        if offer is None:
            place, size = self._line[spot]
            party = self._parties.at(place)
            score = party.size if self._policy is RankPolicy.PRO_RATA else party.score
            offer = Offer(account=party.account, place=place, score=score, size=size)
            self._offers[spot] = offer
        return offer


def _first_ones(sizes: list[int], total: int) -> list[int]:
    """Take each whole, in order, until the total is reached: the last one in part."""
    shares: list[int] = []
    for size in sizes:
        if total <= 0:
            break
        shares.append(min(size, total))
        total -= size
    return shares
