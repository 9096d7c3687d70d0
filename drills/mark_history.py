"""Every mark that was published, as the chain told it: what a market's price was at a moment."""

from bisect import bisect_right
from collections import defaultdict

from risk.units import MarketId, PriceE8, Seconds


class MarkHistory:
    """The published marks, in the order of the chain."""

    def __init__(self) -> None:
        self._times: defaultdict[MarketId, list[Seconds]] = defaultdict(list)
        self._marks: defaultdict[MarketId, list[PriceE8]] = defaultdict(list)

    def add(self, market: MarketId, at: Seconds, mark: PriceE8) -> None:
        """Take one price of a block with this timestamp."""
        self._times[market].append(at)
        self._marks[market].append(mark)

    def at(self, market: MarketId, moment: Seconds) -> PriceE8 | None:
        """Give the mark that held at a moment; None before the first."""
        place = bisect_right(self._times[market], moment)
        return self._marks[market][place - 1] if place else None
