"""The checks can fail: a good run is spoilt in each way, and each is found."""

import sqlite3
from pathlib import Path

import pytest

from tests.faults.checks import judge
from tests.faults.stage import running_stage

pytestmark = pytest.mark.timeout(300)


def spoil(journal: Path, *statements: str) -> None:
    with sqlite3.connect(journal) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def test_a_keeper_that_does_nothing_loses_accounts(tmp_path: Path) -> None:
    with running_stage(tmp_path, 5) as stage:
        wave = stage.wave(2)
        verdict = judge(stage)
    assert len([each for each in verdict.lost if "never liquidated" in each]) == len(wave.due)
    assert len([each for each in verdict.lost if "still due" in each]) == len(wave.due)
    assert not verdict.doubled
    assert not verdict.unbalanced


def test_a_journal_that_disagrees_with_the_chain_is_found(tmp_path: Path) -> None:
    with running_stage(tmp_path, 5) as stage:
        keeper = stage.keeper().start()
        keeper.wait_ready()
        wave = stage.wave(2)
        stage.finish()
        stage.settle()
        assert keeper.stop() == 0
        assert judge(stage).is_good

        # Somebody who was not due, and was liquidated all the same.
        honest = wave.due
        wave.due = frozenset(sorted(honest)[1:])
        assert any("was not due" in each for each in judge(stage).doubled)
        wave.due = honest

        spoil(keeper.journal, "UPDATE intents SET outcome = NULL, settled_at = NULL")
        lost = judge(stage).lost
        assert any("never settled" in each for each in lost)
        assert any("0 intents say liquidated, the chain 2" in each for each in lost)
        spoil(
            keeper.journal,
            "UPDATE intents SET outcome = 'liquidated', settled_at = 1",
            "UPDATE transactions SET state = 'sent'",
        )
        assert any("is mined, the journal has it sent" in each for each in judge(stage).lost)
        spoil(
            keeper.journal,
            "UPDATE intents SET transaction_id = NULL",
            "DELETE FROM transactions",
        )
        assert any("not in the journal" in each for each in judge(stage).lost)
