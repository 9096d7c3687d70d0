"""The block producer's notes."""

from pathlib import Path

import pytest

from drills.anvil import BLOCK_RECORD
from drills.block_notes import BlockNote, BlockNotes


def append(path: Path, *notes: tuple[int, int, float]) -> None:
    with path.open("ab") as file:
        for note in notes:
            file.write(BLOCK_RECORD.pack(*note))


def test_reads_only_what_is_new_and_leaves_a_half_written_note_for_later(tmp_path: Path) -> None:
    path = tmp_path / "blocks.bin"
    append(path, (1, 100, 5.0))
    notes = BlockNotes(path)
    assert notes.read_new() == [BlockNote(1, 100, 5.0)]
    whole = BLOCK_RECORD.pack(2, 100, 5.01)
    with path.open("ab") as file:
        file.write(whole[:10])
    assert notes.read_new() == []
    with path.open("ab") as file:
        file.write(whole[10:])
    assert notes.read_new() == [BlockNote(2, 100, 5.01)]
    assert notes.newest.number == 2


def test_measures_from_block_to_block_in_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "blocks.bin"
    append(path, (1, 100, 5.0), (2, 100, 5.0123), (3, 101, 6.0))
    notes = BlockNotes(path)
    notes.read_new()
    assert notes.milliseconds(1, 2) == 12
    assert notes.milliseconds(1, 3) == 1_000


def test_before_the_first_block_there_is_no_newest(tmp_path: Path) -> None:
    path = tmp_path / "blocks.bin"
    path.touch()
    with pytest.raises(ValueError, match="at least one block"):
        _ = BlockNotes(path).newest
