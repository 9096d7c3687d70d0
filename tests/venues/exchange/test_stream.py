"""The synchronous half: held logs, gaps and failures, without a chain."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from runtime.clock import SystemClock
from runtime.rpc.subscription import Gap, GapReason
from tests.venues.exchange.recording_sink import RecordingSink
from tests.venues.exchange.test_ledger import Bench, cash
from venues.exchange.heads import HeadRing
from venues.exchange.ledger import FeedInterruptedError
from venues.exchange.metrics import FeedMetrics
from venues.exchange.stream import Stream


class Setting:
    """A stream over a ledger that has its snapshot."""

    def __init__(self, most_held: int = 100) -> None:
        self.sink = RecordingSink()
        self.sink.is_following = True
        self.bench = Bench()
        self.stream = Stream(
            self.sink,
            self.bench.ledger,
            HeadRing(),
            clock=SystemClock(),
            metrics=FeedMetrics.create(CollectorRegistry()),
            most_held=most_held,
        )

    def blocks(self) -> list[int]:
        return [item.block_number for item in self.sink.stamped]


def header(number: int, *, fork: int = 0) -> dict[str, Any]:
    return {
        "number": hex(number),
        "timestamp": hex(1_800_000_000 + number),
        "hash": f"0x{number + (fork << 64):064x}",
        "parentHash": f"0x{number - 1 + (fork << 64):064x}",
    }


def test_holds_logs_until_they_are_let_through_in_order() -> None:
    it = Setting()
    for block in (11, 12):
        it.stream.on_log(cash(1, block=block))
    assert it.blocks() == []
    it.stream.release()
    it.stream.on_log(cash(1, block=13))
    assert it.blocks() == [11, 12, 13]


def test_empties_a_hold_that_overflows_and_leaves_the_rest_to_the_audit() -> None:
    it = Setting(most_held=3)
    logs = [cash(1, block=block) for block in range(11, 16)]
    for log in logs:
        it.stream.on_log(log)
    it.stream.release()
    assert it.blocks() == [14, 15]
    missing = it.bench.ledger.reconcile(15, logs)
    assert missing == []  # block 14 overwrote what the first ones said


def test_holds_again_from_a_gap_on() -> None:
    it = Setting()
    it.stream.release()
    it.stream.on_log(Gap(reason=GapReason.RECONNECTED))
    it.stream.on_log(cash(1))
    assert it.stream.has_gap
    assert it.stream.urgent.is_set()
    assert it.blocks() == []


def test_tells_the_sink_of_a_failure_at_once_and_takes_nothing_after_it() -> None:
    it = Setting()
    it.stream.release()
    it.stream.on_log(cash(1) | {"data": "0x"})
    it.stream.on_log(cash(1, block=12))
    assert len(it.sink.interruptions) == 1
    assert it.blocks() == []
    with pytest.raises(FeedInterruptedError):
        it.stream.raise_failure()


def test_tells_a_rewrite_from_the_heads() -> None:
    it = Setting()
    it.stream.release()
    it.stream.on_head(header(11))
    it.stream.on_head(header(12, fork=1))
    assert "another parent" in it.sink.interruptions[0]


def test_moves_the_clock_with_the_heads() -> None:
    it = Setting()
    it.stream.on_head(header(11))
    assert it.bench.ledger.now == 1_800_000_011


@pytest.mark.parametrize("broken", [{"number": None}, {"timestamp": "soon"}, {"hash": "0x1"}])
def test_a_head_that_cannot_be_read_ends_the_epoch(broken: dict[str, Any]) -> None:
    it = Setting()
    it.stream.on_head(header(11) | broken)
    assert "expected" in it.sink.interruptions[0]


def test_is_deaf_once_it_is_closed() -> None:
    it = Setting()
    it.stream.release()
    it.stream.close()
    it.stream.on_log(cash(1))
    it.stream.on_head(header(11))
    assert it.blocks() == []
    assert it.stream.heads.newest is None
