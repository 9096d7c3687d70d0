"""When each block was there: the block producer's notes, read as they grow."""

from pathlib import Path
from typing import NamedTuple

from drills.anvil import BLOCK_RECORD
from risk.units import Seconds


class BlockNote(NamedTuple):
    """One block on the chain's clock and on ours."""

    number: int
    timestamp: Seconds
    at: float
    """Monotonic clock, seconds."""


class BlockNotes:
    """Follows a file of notes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_number: dict[int, BlockNote] = {}
        self._read = 0

    def read_new(self) -> list[BlockNote]:
        """Read what was appended since the last time, in order; a half-written record waits."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            raw = file.read()
        whole = len(raw) - len(raw) % BLOCK_RECORD.size
        self._read += whole
        new = [
            BlockNote(number, Seconds(timestamp), at)
            for number, timestamp, at in BLOCK_RECORD.iter_unpack(raw[:whole])
        ]
        self._by_number.update((note.number, note) for note in new)
        return new

    @property
    def newest(self) -> BlockNote:
        """Give the newest block that was read; raises ValueError before the first."""
        if not self._by_number:
            raise ValueError("expected notes of at least one block, found none")
        return next(reversed(self._by_number.values()))

    def timestamp(self, number: int) -> Seconds:
        """Give a block's time on the chain's clock; it must have been read."""
        return self._by_number[number].timestamp

    def milliseconds(self, first: int, last: int) -> int:
        """Give the time from one block to another, rounded; both must have been read."""
        return round((self._by_number[last].at - self._by_number[first].at) * 1000)
