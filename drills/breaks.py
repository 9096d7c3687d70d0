"""What the breakers did, from the exchange's events alone: bands, limit states, halts, returns.

Nothing of the keeper is asked. A mark *touches* its band when it is published at an edge of it; a
*limit state* and a *halt* begin with the StatusChanged that set them, and a halt ends with the one that
softened it. A market that is halted when the day ends has an open halt.
"""

from collections import Counter
from dataclasses import dataclass, field

from drills.chain_events import ChainEvent
from risk.units import MarketId, MarketStatus, Seconds


@dataclass(slots=True)
class Breaks:
    """Counts over the events so far; times on the venue's clock."""

    bands_drawn: int = 0
    touches: list[tuple[Seconds, MarketId]] = field(default_factory=list)
    """Each moment in which a mark came to an edge of its band, having been off both before."""
    statuses: Counter[MarketStatus] = field(default_factory=Counter)
    """How often each status was set."""
    halts: list[Seconds] = field(default_factory=list)
    """How long each halt lasted that is over."""
    liquidated_in_a_halt: int = 0
    """Liquidations in a market that was halted: there must be none."""
    _bands: dict[MarketId, tuple[int, int]] = field(default_factory=dict)
    _at_edge: set[MarketId] = field(default_factory=set)
    _halted_at: dict[MarketId, Seconds] = field(default_factory=dict)

    @property
    def halted_now(self) -> int:
        """Count the markets that are halted."""
        return len(self._halted_at)

    def touched(self, begin: Seconds, end: Seconds) -> int:
        """Count the markets whose mark came to an edge of its band in [begin, end)."""
        return len({market for moment, market in self.touches if begin <= moment < end})

    def count(self, event: ChainEvent) -> None:
        """Take in one event, in the order of the chain."""
        values = event.values
        match event.name:
            case "BandChanged":
                self.bands_drawn += 1
                self._bands[MarketId(values["market"])] = (values["low"], values["high"])
            case "StatusChanged":
                self._status(MarketId(values["market"]), values["status"], event.timestamp)
            case "PricePublished":
                self._price(MarketId(values["market"]), values["mark"], event.timestamp)
            case "LiquidationResult" if values["code"] == 0:
                self.liquidated_in_a_halt += values["market"] in self._halted_at

    def _status(self, market: MarketId, status: int, at: Seconds) -> None:
        self.statuses[MarketStatus(status)] += 1
        if status == MarketStatus.HALTED:
            self._halted_at.setdefault(market, at)
        elif market in self._halted_at:
            self.halts.append(Seconds(at - self._halted_at.pop(market)))

    def _price(self, market: MarketId, mark: int, at: Seconds) -> None:
        if mark not in self._bands.get(market, ()):
            self._at_edge.discard(market)
        elif market not in self._at_edge:
            self._at_edge.add(market)
            self.touches.append((at, market))
