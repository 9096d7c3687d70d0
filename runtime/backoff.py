"""How long to wait before trying again.

Delays grow by a factor up to a ceiling, each spread by jitter from an injected `Random`, so that
a fleet cut off together does not come back together. All times in seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """A growing delay; `attempts` of None never gives up."""

    first_seconds: float = 0.5
    factor: float = 2.0
    most_seconds: float = 30.0
    jitter_ratio: float = 0.25
    attempts: int | None = None

    def delays(self, random: Random) -> Iterator[float]:
        """Yield each delay in turn, within ± `jitter_ratio` of its nominal length."""
        nominal = self.first_seconds
        made = 0
        while self.attempts is None or made < self.attempts:
            yield nominal * (1 + self.jitter_ratio * (2 * random.random() - 1))
            nominal = min(self.most_seconds, nominal * self.factor)
            made += 1
