"""A rewritten history is noticed from hashes alone; missing ones prove nothing."""

import pytest

from risk.units import Seconds
from venues.exchange.chain import Head
from venues.exchange.heads import HeadRing
from venues.exchange.ledger import FeedInterruptedError
from venues.port import BlockRef


def block(number: int, *, fork: int = 0, parent_fork: int = 0, sealed: bool = True) -> Head:
    return Head(
        ref=BlockRef(
            number=number,
            timestamp=Seconds(number),
            hash=bytes([number % 256, fork]) * 16 if sealed else None,
        ),
        parent=bytes([(number - 1) % 256, parent_fork]) * 16,
    )


def ring_of(*heads: Head) -> HeadRing:
    ring = HeadRing()
    for head in heads:
        ring.add(head)
    return ring


def test_takes_a_chain_in_order_and_the_same_block_again() -> None:
    ring = ring_of(block(1), block(2), block(3))
    assert not ring.add(block(2))
    assert ring.add(block(4))
    assert ring.links(1, 4)
    assert ring.newest == block(4)


def test_does_not_call_a_chain_with_holes_linked() -> None:
    ring = ring_of(block(1), block(3))
    assert not ring.links(1, 3)
    ring.add(block(2))
    assert ring.links(1, 3)


@pytest.mark.parametrize(
    "rewritten",
    [
        block(3, fork=1),
        block(4, parent_fork=1),
        block(2, fork=1),
        block(1, fork=1),
    ],
    ids=["the head", "the parent of the next", "an older one", "one that a child names"],
)
def test_tells_a_rewrite(rewritten: Head) -> None:
    ring = ring_of(block(2), block(3))
    with pytest.raises(FeedInterruptedError, match="came with"):
        ring.add(rewritten)


def test_takes_a_block_whose_hash_is_not_known_yet() -> None:
    ring = ring_of(block(1), block(2, sealed=False), block(3))
    assert not ring.links(1, 3)
    ring.add(block(2))
    assert ring.links(1, 3)


def test_forgets_what_is_long_past() -> None:
    ring = HeadRing(size=8)
    for number in range(1, 100):
        ring.add(block(number))
    assert ring.get(70) is None
    assert ring.get(99) is not None
