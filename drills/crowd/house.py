"""Positions that are wished for, the whales among them, and the house that takes what is left over."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drills.crowd.terms import CrowdTerms
from risk.columns import Int64Column
from risk.market import Market

Floats = NDArray[np.float64]
SIZE_UNITS: Final = 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Positions in the order of their accounts."""

    owner: Int64Column
    market: Int64Column
    """Place in the order of market numbers."""
    usd: Floats
    """Signed."""


def with_whales(wishes: Wishes, markets: list[Market], terms: CrowdTerms) -> Wishes:
    """Put the whales in the place of the first accounts; raises ValueError for one without a market."""
    if not terms.whales:
        return wishes
    symbols = [market.symbol for market in markets]
    for whale in terms.whales:
        if whale.symbol not in symbols or whale.leverage <= 0:
            raise ValueError(
                f"expected a whale in one of {', '.join(symbols)} with leverage above 0, found {whale}"
            )
    others = wishes.owner >= len(terms.whales)
    places = np.array([symbols.index(whale.symbol) for whale in terms.whales], dtype=np.int64)
    return Wishes(
        owner=np.concatenate([np.arange(len(terms.whales)), wishes.owner[others]]),
        market=np.concatenate([places, wishes.market[others]]),
        usd=np.concatenate([[whale.usd for whale in terms.whales], wishes.usd[others]]),
    )


def with_house(
    wishes: Wishes, people: int, markets: list[Market], terms: CrowdTerms
) -> tuple[Wishes, Int64Column]:
    """Add the house's positions: in each market its accounts share what is left over, the last to the unit."""
    marks = np.array([market.mark for market in markets], dtype=np.float64) / SIZE_UNITS
    sizes = np.rint(wishes.usd / marks[wishes.market] * SIZE_UNITS).astype(np.int64)
    owners: list[int] = []
    kinds: list[int] = []
    added: list[int] = []
    half = terms.house_accounts // 2
    for place in range(len(markets)):
        left = -int(sizes[wishes.market == place].sum())
        buyers = range(people, people + half)
        sellers = range(people + half, people + terms.house_accounts)
        chosen = buyers if left > 0 else sellers
        for number, who in enumerate(chosen):
            share = left if number == len(chosen) - 1 else int(left / (len(chosen) - number))
            left -= share
            if share:
                owners.append(who)
                kinds.append(place)
                added.append(share)
    owner = np.concatenate([wishes.owner, np.array(owners, dtype=np.int64)])
    market = np.concatenate([wishes.market, np.array(kinds, dtype=np.int64)])
    sizes = np.concatenate([sizes, np.array(added, dtype=np.int64)])
    order = np.argsort(owner, kind="stable")
    owner, market, sizes = owner[order], market[order], sizes[order]
    usd = sizes / SIZE_UNITS * marks[market]
    return Wishes(owner=owner, market=market, usd=usd), sizes
