"""Ask a node for a block every 10 ms, at the times of the chain's clock, and note when each was there.

Its own small process, so that nothing the drill computes delays a block. The notes are the drill's
only clock for "how long did it take": number, timestamp and monotonic time of each block, binary
records of fixed size that are appended and never rewritten. Until the file with the legs is there,
the chain's clock goes as ours does; then at the pace of each leg.

A clock that goes a thousand times as fast as ours makes prices look old whenever the machine has other things
to do. On a leash it therefore waits for those who work on the chain: it goes as ours does until the next
transaction, for a few seconds at most; who is silent for longer has nothing to say.
"""

import http.client
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from drills.anvil import BLOCK_RECORD

PERIOD_SECONDS: Final = 0.01
PATIENCE_SECONDS: Final = 5.0
"""Of ours, for one silence."""
_HEADERS: Final = {"Content-Type": "application/json"}


@dataclass(slots=True)
class PacedClock:
    """The chain's clock, in seconds with a fraction; it never goes back."""

    now: float
    legs: Sequence[tuple[float, float, float | None]] = field(default=())
    """(until, pace, leash), in order; after the last the pace is 1."""
    waited: float = 0.0
    """Of our seconds, since the last transaction, with the leash taut."""
    heard_at: float | None = None
    """On this clock: the last transaction."""

    def hear(self) -> None:
        """Learn that the last block had a transaction."""
        self.heard_at, self.waited = self.now, 0.0

    def advance(self, elapsed: float) -> int:
        """Let so many of our seconds pass; give the timestamp of the next block.

        A leg's end is not jumped over: the next leg begins with the next block.
        """
        for until, pace, leash in self.legs:
            if self.now < until:
                self.now = min(until, self._led(self.now + elapsed * pace, elapsed, leash))
                return int(self.now)
        self.now += elapsed
        return int(self.now)

    def _led(self, wanted: float, elapsed: float, leash: float | None) -> float:
        if leash is None or self.heard_at is None or self.waited >= PATIENCE_SECONDS:
            return wanted
        if wanted <= self.heard_at + leash:
            return wanted
        self.waited += elapsed
        return min(wanted, max(self.heard_at + leash, self.now + elapsed))


def read_legs(path: Path) -> Sequence[tuple[float, float, float | None]]:
    """Read what `drills.venue_clock` wrote; nothing while there is no file."""
    try:
        return [(until, pace, leash) for until, pace, leash in json.loads(path.read_text())]
    except FileNotFoundError:
        return ()


def produce(url: str, notes: Path, legs: Path, start: int) -> None:
    """Mine until the process is ended; a block that is late is not made up for."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    due = last = time.monotonic()
    clock = PacedClock(float(start))
    with notes.open("ab", buffering=0) as output:
        while True:
            if not clock.legs:
                clock.legs = read_legs(legs)
            began = time.monotonic()
            timestamp = clock.advance(began - last)
            last = began
            connection.request("POST", "/", _body(timestamp), _HEADERS)
            answer = json.loads(connection.getresponse().read())
            block = answer["result"][0]
            if block["transactions"]:
                clock.hear()
            output.write(
                BLOCK_RECORD.pack(
                    int(block["number"], 16), int(block["timestamp"], 16), time.monotonic()
                )
            )
            due = max(due + PERIOD_SECONDS, time.monotonic() - PERIOD_SECONDS)
            time.sleep(max(0.0, due - time.monotonic()))


def _body(timestamp: int) -> str:
    return json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "evm_mine_detailed",
            "params": [{"timestamp": timestamp}],
        }
    )


if __name__ == "__main__":
    produce(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
