"""The highest block we have seen: what comes from below it is refused.

Endpoints of one chain are out of step, so without this a fail-over takes state back in time. A
chain that really goes back (a rolled-back pre-confirmation) needs `reset`, by whoever found out.
"""

from runtime.rpc.errors import Behind


class BlockHighWater:
    """A mark that only rises."""

    def __init__(self) -> None:
        self._highest = 0

    @property
    def highest(self) -> int:
        """The highest block number that any endpoint has shown us; 0 before the first."""
        return self._highest

    def accept(self, block: int) -> bool:
        """Take a block into account; False if it is below the mark."""
        if block < self._highest:
            return False
        self._highest = block
        return True

    def refuse_behind(self, block: int, *, endpoint: str, method: str = "call") -> None:
        """Take a block into account, or raise Behind if it is below the mark."""
        if not self.accept(block):
            raise Behind(
                f"expected block {self._highest} or later, found {block}",
                endpoint=endpoint,
                method=method,
            )

    def reset(self, block: int) -> None:
        """Go back to `block`, because the chain did."""
        self._highest = block
