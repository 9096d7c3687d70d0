"""Leave what is wanted to another keeper for a while: the second of two writes only what the first does not.

A wish is one parameter of one market as it stands on chain. Whoever writes it changes where it stands,
so that the wait of the other begins anew.
"""

from risk.incentive_write import ParameterChange
from risk.units import MarketId, Seconds

Wish = tuple[MarketId, int, int, bool]
"""Market, parameter, its value on chain, and whether it should rise."""


class Standby:
    """Since when each write has been possible and wanted, on the venue's clock."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._since: dict[MarketId, tuple[Wish, Seconds]] = {}

    def is_ours(self, market: MarketId, change: ParameterChange | None, now: Seconds) -> bool:
        """Note what is wanted of a market now; say whether it has been for long enough."""
        if change is None:
            self._since.pop(market, None)
            return False
        wish = (market, int(change.parameter), change.before, change.value > change.before)
        known = self._since.get(market)
        if known is None or known[0] != wish:
            known = self._since[market] = (wish, now)
        return now >= known[1] + self._seconds
