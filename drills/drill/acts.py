"""What the breakers did: every status that changed on the exchange, with the machine that wanted it and why."""

from drills.drill.status_act import status_act
from drills.memory.stage import MemoryStage
from drills.report.record import Act
from monitors.breakers.panel import BreakerPanel
from risk.units import MarketId, MarketStatus, Seconds


class Acts:
    """Compares the exchange before and after every block."""

    def __init__(self, stage: MemoryStage, panel: BreakerPanel | None) -> None:
        self._stage, self._panel = stage, panel
        self._statuses = self._now()
        self._is_open = stage.exchange.state.withdrawals_open
        self._reasons: dict[MarketId, tuple[str, str]] = {}
        self._closing = ""
        self.all: list[Act] = []

    def look(self, now: Seconds) -> bool:
        """Note what changed in the last block; say whether anything did."""
        statuses, before = self._now(), self._statuses
        self._statuses = statuses
        changed = [number for number, status in statuses.items() if status is not before[number]]
        for number in changed:
            market = self._stage.exchange.state.markets[number]
            who, why = self._reasons.get(number, ("nobody", "it was set by no machine"))
            self.all.append(
                status_act(at=now, symbol=market.symbol, who=who, why=why, status=market.status)
            )
        is_open = self._stage.exchange.state.withdrawals_open
        if is_open is not self._is_open:
            self.all.append(
                Act(
                    at=now,
                    symbol="",
                    who="guardian",
                    what="withdrawals closed",
                    why=self._closing or "it was done by no machine",
                )
            )
        was_open, self._is_open = self._is_open, is_open
        return bool(changed) or is_open is not was_open

    def ask(self) -> None:
        """Remember what the machines want now: the next block may bring it.

        Only before a block: asking later would step the machines on what was not heard yet.
        """
        if self._panel is None:
            return
        for number, wanted in self._panel.wanted().items():
            self._closing = wanted.closes_why or self._closing
            if wanted.by is not None:
                self._reasons[number] = (wanted.by.value.replace("_", "-"), wanted.why)
            elif number in self._reasons:
                self._reasons[number] = (self._reasons[number][0], wanted.why)

    def _now(self) -> dict[MarketId, MarketStatus]:
        return {
            number: market.status for number, market in self._stage.exchange.state.markets.items()
        }
