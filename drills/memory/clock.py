"""A clock that only a drill moves: it shows the time of the newest block, to the millisecond.

Nothing in a drill waits on it; workers date their metrics and measure spans with it, all of which are then
the same in every run.
"""

from venues.memory.chain import MemoryChain


class ChainClock:
    """The chain's time as a `runtime.clock.Clock`; both of its clocks are the same."""

    def __init__(self, chain: MemoryChain) -> None:
        self._chain = chain

    def now(self) -> float:
        """Give the newest block's time in seconds."""
        return self._chain.milliseconds / 1_000

    def monotonic(self) -> float:
        """Give the same."""
        return self.now()
