"""Gathers the reopenings of all markets, so that a Monday morning is one step of the scores.

Markets of one calendar reopen within a minute or so of each other; each call of `QuoteDesk.reopened`
is one step, and a participant who quotes ten markets must not be judged ten times in one morning.
"""

from monitors.participants.desk import QuoteDesk
from monitors.participants.store import Reopening
from risk.units import PriceE8, Seconds

GATHER_SECONDS = Seconds(300)
"""From the first reopening, on the venue's clock."""
SHORTEST_CLOSED = Seconds(3_600)
"""A shorter silence of outside prices is an outage, not a closed session: it scores nobody."""


class Quoting:
    """What the price desk asks of participants: their price now, and a place for reopenings."""

    def __init__(self, desk: QuoteDesk) -> None:
        self._desk = desk
        self._pending: list[Reopening] = []
        self._forgotten_at: dict[str, Seconds] = {}

    def standing_price(self, symbol: str) -> PriceE8 | None:
        """Give what participants quote together now, None without enough of them."""
        return self._desk.price(symbol).price

    def on_reopening(self, reopening: Reopening) -> None:
        """Keep a reopening until the others have come; a short silence is none."""
        if reopening.closed_at < self._forgotten_at.get(reopening.symbol, Seconds(0)):
            return  # What they said before was about shares of another kind.
        if reopening.opened_at - reopening.closed_at >= SHORTEST_CLOSED:
            self._pending.append(reopening)

    def forget(self, symbol: str, now: Seconds) -> None:
        """Hold no quote of a market, and score nobody by what was said before now: it was split."""
        self._desk.forget(symbol)
        self._pending = [each for each in self._pending if each.symbol != symbol]
        self._forgotten_at[symbol] = now

    def flush(self, now: Seconds) -> None:
        """Score, once the first of those gathered is old enough."""
        if self._pending and now - self._pending[0].opened_at >= GATHER_SECONDS:
            gathered, self._pending = self._pending, []
            self._desk.reopened(gathered)
