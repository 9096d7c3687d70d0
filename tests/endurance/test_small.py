"""What `make endurance` measures, small: that its parts run, and see a leak where there is one."""

from pathlib import Path

import pytest

from runtime.clock import SystemClock
from runtime.journal import Journal
from tests.endurance.big_journal import write_journal
from tests.endurance.journal_size import measure_journal
from tests.endurance.process import rise
from tests.endurance.week import WeekPlan, play_week

QUIET = WeekPlan(days=0.15, accounts=200, markets=2, block_seconds=30)


def silent(_line: str) -> None:
    """Say nothing."""


def test_a_straight_rise_is_seen_and_a_level_row_is_none() -> None:
    assert rise([float(value) for value in range(101)]) == pytest.approx(50)
    assert rise([7.0] * 40) == pytest.approx(0)
    # What rose once and then held is no leak.
    assert rise([1.0] * 10 + [9.0] * 90) == pytest.approx(0)


def test_a_journal_written_by_sql_is_one_that_a_keeper_opens(tmp_path: Path) -> None:
    path = tmp_path / "big.sqlite"
    written = write_journal(path, 10_000, days=2, now=1_800_000_000)
    with Journal.open(path, SystemClock()) as journal:
        assert len(journal.intents()) == written.intents
        assert {record.lane for record in journal.open_transactions("urgent")} == {"urgent"}
        assert journal.planned() == []
        assert 95 < len(journal.in_flight()) <= 100
        first = journal.intents()[0]
        assert [move.to_state for move in journal.history(first.key)] == [
            "planned",
            "signed",
            "sent",
            "final",
        ]


def test_every_figure_of_a_journal_is_measured(tmp_path: Path) -> None:
    found = measure_journal(tmp_path, 20_000, silent)
    figures = found["milliseconds"]
    assert isinstance(figures, dict)
    assert figures["prune prices: rows gone"]["large"] > 1_000
    assert not list(tmp_path.iterdir())


async def test_hours_of_work_are_played_and_pruned(tmp_path: Path) -> None:
    found = await play_week(tmp_path, QUIET, silent)
    assert found["blocks"] == 432
    assert found["tasks"] == {"middle": 1, "rise_over_later_half": 0}
    assert found["descriptors"]["rise_over_later_half"] == 0  # type: ignore[index]
