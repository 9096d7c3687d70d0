"""A token bucket per endpoint or connection, with a clock that is passed in.

Kept as one number, the time at which the bucket would be full again, so an idle bucket costs
nothing. `pause` holds everyone back after a 429, for as long as the endpoint asked.
"""

import asyncio
from typing import Final

from runtime.clock import Clock

DEFAULT_PAUSE_SECONDS: Final = 1.0
"""How long to hold back after a refusal that names no time."""
_TINY: Final = 1e-9
"""Seconds; below what any clock resolves, so that float rounding never makes a taker wait."""


class TokenBucket:
    """Let `rate_per_second` through on average and `burst` at once; a rate of None lets all."""

    def __init__(self, *, rate_per_second: float | None, burst: int = 1, clock: Clock) -> None:
        if rate_per_second is not None and (rate_per_second <= 0 or burst < 1):
            raise ValueError(
                f"expected a positive rate and burst, found {rate_per_second}, {burst}"
            )
        self._spacing = 0.0 if rate_per_second is None else 1.0 / rate_per_second
        self._tolerance = self._spacing * (burst - 1)
        self._clock = clock
        self._full_at = 0.0
        self._paused_until = 0.0

    def wait_seconds(self) -> float:
        """How long the next taker would wait now."""
        now = self._clock.monotonic()
        delay = max(self._full_at - self._tolerance, self._paused_until) - now
        return delay if delay > _TINY else 0.0

    def try_take(self, tokens: int = 1) -> bool:
        """Take at once if nobody has to wait, else take nothing."""
        if self.wait_seconds() > 0.0:
            return False
        self.reserve(tokens)
        return True

    def reserve(self, tokens: int = 1) -> float:
        """Take and tell how many seconds to wait before using what was taken; first come first."""
        delay = self.wait_seconds()
        now = self._clock.monotonic()
        self._full_at = max(self._full_at, now) + tokens * self._spacing
        return delay

    async def take(self, tokens: int = 1) -> None:
        """Take, waiting for our turn."""
        delay = self.reserve(tokens)
        while delay > 0.0:
            await asyncio.sleep(delay)
            # A pause may have been called for while we slept.
            delay = self._paused_until - self._clock.monotonic()

    def pause(self, seconds: float) -> None:
        """Let nobody through for `seconds`; never shortens a pause."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)
