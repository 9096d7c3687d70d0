"""When servers speak: whenever the venue's clock moved, however fast that is.

The venue's clock may run thousands of times faster than ours, or stand still. Standing still it is
repeated now and then: a provider that falls silent because no block was made would be our doing.
"""

import asyncio
import contextlib
from collections.abc import Callable

from risk.units import Seconds


class VenueTicks:
    """The venue's time, and a way to wait until it moves."""

    def __init__(
        self,
        now: Callable[[], Seconds],
        *,
        look_seconds: float = 0.02,
        repeat_seconds: float = 2.0,
    ) -> None:
        """Look at the clock every `look_seconds`, repeat it after `repeat_seconds` (both ours)."""
        self._now = now
        self._look_seconds = look_seconds
        self._repeat_seconds = repeat_seconds
        self._at = now()
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Look at the clock until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(self._look_seconds)

    def look(self) -> Seconds:
        """Read the clock now, and wake who waits if it moved; going back is moving too."""
        at = self._now()
        if at != self._at:
            self._at = at
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
        return at

    async def after(self, seen: Seconds | None) -> Seconds:
        """Wait until the time is another than `seen`, or for its repetition, and give it."""
        if self._at == seen:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._repeat_seconds):
                    await self._moved.wait()
        return self._at
