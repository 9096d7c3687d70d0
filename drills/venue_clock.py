"""The chain's clock as a drill reads and sets it: through the block producer's files.

Reading is cheap: the newest of the producer's notes. Setting is once: the legs of a weekend.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from drills.block_notes import BlockNotes
from drills.weekend import Leg
from risk.units import Seconds


class VenueClock:
    """Follows one chain's clock."""

    def __init__(self, notes: Path, legs: Path) -> None:
        self._notes = BlockNotes(notes)
        self._legs = legs

    def now(self) -> Seconds:
        """Give the timestamp of the newest block. Raises ValueError before the first."""
        self._notes.read_new()
        return self._notes.newest.timestamp

    def now_ms(self) -> int:
        """Give the same in milliseconds."""
        return self.now() * 1_000

    def set_out(self, legs: Sequence[Leg]) -> None:
        """Let the clock go at the pace of each leg from now on; in one move, read whole or not."""
        beside = self._legs.with_name(f".{self._legs.name}.new")
        told = [[leg.until, leg.pace, leg.leash] for leg in legs]
        beside.write_text(json.dumps(told), encoding="utf-8")
        beside.replace(self._legs)
