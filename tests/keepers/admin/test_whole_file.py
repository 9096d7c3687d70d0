"""A file of orders: one writer at a time, and never one that waits for ever."""

import stat
from pathlib import Path

import pytest

from keepers.admin.whole_file import alone, replace_whole
from runtime.errors import OperatorError


def test_a_writer_that_is_stuck_does_not_keep_an_order_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    with (
        alone(path),
        pytest.raises(OperatorError, match="another program holds it"),
        alone(path, wait_seconds=0.0),
    ):
        pass
    with alone(path, wait_seconds=0.0):
        pass


def test_a_file_is_replaced_whole_and_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    path.write_text("old")
    path.chmod(0o644)
    path.with_name(".orders.json.new").write_text("left by a crash")
    with path.open() as reader:
        replace_whole(path, b"new")
        assert reader.read() == "old"
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["orders.json"]
