"""The last sealed blocks, to notice that history was rewritten.

A ring of (number, hash, parent). A block whose parent is not the one we hold, or that comes again
with another hash, is a reorg; the answer is a new snapshot, never an undo. A missing hash (a block
that is not sealed yet) proves nothing either way.
"""

from typing import Final

from venues.exchange.chain import Head
from venues.exchange.ledger import FeedInterruptedError
from venues.exchange.metrics import ResyncReason

RING_BLOCKS: Final = 128


class HeadRing:
    """Remember the newest heads and refuse one that contradicts them."""

    def __init__(self, size: int = RING_BLOCKS) -> None:
        self._size = size
        self._heads: dict[int, Head] = {}
        self.newest: Head | None = None

    def clear(self) -> None:
        """Forget all: history was rewritten."""
        self._heads.clear()
        self.newest = None

    def get(self, number: int) -> Head | None:
        """Give a head that is still remembered."""
        return self._heads.get(number)

    def add(self, head: Head) -> bool:
        """Remember a head; True when it is the newest. Raises FeedInterruptedError on a reorg."""
        known = self._heads.get(head.number)
        if known is not None and _differ(known.ref.hash, head.ref.hash):
            raise _reorg(head, "another hash than before")
        parent = self._heads.get(head.number - 1)
        if parent is not None and _differ(parent.ref.hash, head.parent):
            raise _reorg(head, "another parent than the block that we hold")
        child = self._heads.get(head.number + 1)
        if child is not None and _differ(child.parent, head.ref.hash):
            raise _reorg(head, "another hash than its child names")
        self._heads[head.number] = head
        if len(self._heads) > 2 * self._size:
            self._forget_before(head.number - self._size)
        if self.newest is not None and head.number <= self.newest.number:
            return False
        self.newest = head
        return True

    def _forget_before(self, oldest: int) -> None:
        self._heads = {number: head for number, head in self._heads.items() if number >= oldest}

    def links(self, older: int, newer: int) -> bool:
        """Say whether every block from `older` to `newer` is held, each the parent of the next."""
        return all(
            (head := self._heads.get(number)) is not None and head.ref.hash is not None
            for number in range(older, newer + 1)
        )


def _differ(first: bytes | None, second: bytes | None) -> bool:
    return first is not None and second is not None and first != second


def _reorg(head: Head, found: str) -> FeedInterruptedError:
    return FeedInterruptedError(ResyncReason.REORG, f"block {head.number} came with {found}")
