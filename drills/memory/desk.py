"""What the price keeper publishes in a drill: the prices that the drill says are fair, at this moment.

The desk's own making of a fair price (sources, quorum, internal session) is rehearsed by `backtest` and the
attacks; here the fair price is an input. What the keeper does with it is real: what is due, in which batch,
what the exchange then clamps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitors.accounts import AccountsMonitor
from risk.market import Market
from risk.price_publication import FairPrice
from risk.price_support import Rung
from risk.units import MarketId, PriceE8, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Fair:
    """A market's fair prices, in 1e-8 USD."""

    mark: PriceE8
    index: PriceE8


class DrillDesk:
    """Fair prices as the drill sets them; a market without one falls silent."""

    def __init__(self, monitor: AccountsMonitor) -> None:
        self._monitor = monitor
        self.fair: dict[MarketId, Fair] = {}

    @property
    def distrust(self) -> str | None:
        """Why nothing of the venue's state may be acted on, or None."""
        return self._monitor.distrust

    @property
    def now(self) -> Seconds:
        """The venue's clock."""
        return self._monitor.now

    @property
    def markets(self) -> Mapping[MarketId, Market]:
        """The markets as the venue holds them now."""
        return self._monitor.markets

    def fair_prices(self) -> Sequence[FairPrice]:
        """Give every fair price, as of now."""
        return [
            FairPrice(
                market=market, mark=fair.mark, index=fair.index, timestamp=self.now, rung=Rung.FULL
            )
            for market, fair in self.fair.items()
        ]

    def why(self, market: MarketId) -> Mapping[str, object]:
        """Say where a price comes from."""
        return {"drill": "set by the scenario", "market": market}
