"""Why a lane signs nothing new, in words; each reason is set and cleared by itself."""

import structlog

from keepers.sender.metrics import Halt, LaneMetrics

log: structlog.stdlib.BoundLogger = structlog.get_logger("sender")


class Halts:
    """The reasons for which a lane stands still."""

    def __init__(self, lane: str, metrics: LaneMetrics) -> None:
        self._lane = lane
        self._metrics = metrics
        self._reasons: dict[Halt, str] = {}

    def __contains__(self, halt: Halt) -> bool:
        return halt in self._reasons

    @property
    def reason(self) -> str:
        """All reasons in one sentence; empty while the lane runs."""
        return "; ".join(self._reasons.values())

    def set(self, halt: Halt, reason: str) -> None:
        """Halt; tells once however often it is found."""
        if halt in self._reasons:
            return
        self._reasons[halt] = reason
        self._metrics.show_halt(halt, is_set=True)
        log.error("lane_halted", lane=self._lane, halt=halt, reason=reason)

    def clear(self, halt: Halt, reason: str) -> None:
        """Go on, as far as this reason is concerned."""
        if self._reasons.pop(halt, None) is not None:
            self._metrics.show_halt(halt, is_set=False)
            log.warning("lane_resumed", lane=self._lane, halt=halt, reason=reason)
