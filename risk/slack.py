"""One market as the exact judge needs it: rules and funding worked out once for a moment.

The judge itself is `AccountBook.slack`; `risk.margin` is its clear slow twin, and a property test
holds the two equal to the atom. Nothing here rounds differently from docs/exchange.md section 2.
"""

from risk.market import Market
from risk.units import Seconds


class MarketTerms:
    """Mark, cumulative funding and maintenance tiers of one market at one moment.

    `rate` and `deduction` are the first tier's; `steps` are the others, as (lower bound, rate,
    deduction) from low to high. A settled market requires nothing: all of them are zero.
    """

    __slots__ = ("deduction", "funding", "mark", "market", "now", "rate", "steps")

    def __init__(self, market: Market, now: Seconds) -> None:
        self.market = market
        self.now = now
        self.mark: int = market.mark
        self.funding: int = market.funding_index(now)
        self.rate = 0
        self.deduction = 0
        self.steps: tuple[tuple[int, int, int], ...] = ()
        if not market.is_settled:
            first, *others = market.tiers
            self.rate = first.rate
            self.deduction = first.deduction
            self.steps = tuple((tier.lower_bound, tier.rate, tier.deduction) for tier in others)
