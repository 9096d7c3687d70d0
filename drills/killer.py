"""Kill the keeper with SIGKILL at the worst moments, and start it again at once.

At chosen seconds of the day, or whenever its journal holds a transaction that was signed and is not
known to be mined: the moments a write-ahead journal is for.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from drills.keeper_process import KeeperProcess
from runtime.journal.errors import JournalError
from runtime.journal.reader import JournalReader
from runtime.journal.states import PENDING

LOOK_SECONDS: Final = 0.05
HUNTING_SECONDS: Final = 0.002
BETWEEN_SECONDS: Final = 4.0
"""After a kill in flight: time for the keeper to start, recover and act again."""


class Killer:
    """Watches one keeper through a day."""

    def __init__(
        self,
        keeper: KeeperProcess,
        *,
        at_seconds: Sequence[float],
        in_flight: int,
        say: Callable[[str], None],
    ) -> None:
        self._keeper = keeper
        self._at = sorted(at_seconds)
        self._in_flight = in_flight
        self._say = say
        self._began = self._last = time.monotonic()

    @property
    def has_appointments(self) -> bool:
        """Say whether a kill at a chosen second is still to come."""
        return bool(self._at)

    @property
    def period_seconds(self) -> float:
        """Say how often to look: what is in flight is mined within a block or three."""
        is_hunting = self._in_flight > 0 and time.monotonic() - self._last >= BETWEEN_SECONDS
        return HUNTING_SECONDS if is_hunting else LOOK_SECONDS

    def look(self) -> None:
        """Kill if it is time; raises what `KeeperProcess.check_alive` raises."""
        self._keeper.check_alive()
        now = time.monotonic()
        if self._at and now - self._began >= self._at[0]:
            self._at.pop(0)
            self._kill("at its second")
        elif self._in_flight and now - self._last >= BETWEEN_SECONDS and self._has_pending():
            self._in_flight -= 1
            self._kill("with transactions in flight")

    def _kill(self, when: str) -> None:
        self._keeper.kill()
        self._say(f"killed the keeper with SIGKILL {when}, starting it again")
        self._keeper.start()
        self._last = time.monotonic()

    def _has_pending(self) -> bool:
        try:
            with JournalReader.open_to_read(self._keeper.journal) as reader:
                counts = reader.counts()
        except JournalError:
            # Not there yet, or busy: the next look will tell.
            return False
        return any(by_state.get(state) for by_state in counts.values() for state in PENDING)
