"""The journal as a file: one writer, many readers, a full disk, other people's files."""

import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.journal import Journal, JournalError, JournalReader, State
from tests.runtime.journal.conftest import MakeDraft, MakeIntent, StepClock

_OPEN = """
import sys
from pathlib import Path
from runtime.clock import SystemClock
from runtime.journal import Journal, JournalError
try:
    Journal.open(Path(sys.argv[1]), SystemClock())
except JournalError as error:
    sys.exit(str(error))
"""


def open_in_another_process(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _OPEN, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def plan_until_it_fails(journal: Journal, make_intent: MakeIntent) -> None:
    for number in range(10_000):
        journal.plan([make_intent(f"{number}")])


def test_a_second_process_is_refused_in_one_sentence(journal: Journal, path: Path) -> None:
    assert journal.fence == 1
    other = open_in_another_process(path)
    assert other.returncode == 1
    (sentence,) = other.stderr.splitlines()
    assert "is in use by process" in sentence
    assert "stop that keeper" in sentence


def test_a_closed_journal_may_be_opened_by_another_process(path: Path, clock: StepClock) -> None:
    Journal.open(path, clock).close()
    assert open_in_another_process(path).returncode == 0
    with Journal.open(path, clock) as journal:
        assert journal.fence == 3


def test_readers_see_a_live_journal_and_cannot_write(
    journal: Journal, path: Path, make_intent: MakeIntent
) -> None:
    with JournalReader.open_to_read(path) as reader:
        journal.plan([make_intent()])
        assert [intent.key for intent in reader.intents()] == [make_intent().key]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._db.execute("DELETE FROM intents")


def test_reading_a_missing_journal_is_one_sentence(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal at"):
        JournalReader.open_to_read(path)


def test_what_was_committed_is_there_after_closing(
    path: Path, clock: StepClock, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    with Journal.open(path, clock) as journal:
        journal.open_lane("urgent", address="0xaa", chain_id=1)
        journal.plan_and_sign([make_intent()], make_draft())
        journal.maintain()
    with Journal.open(path, clock) as journal:
        assert [record.raw for record in journal.open_transactions("urgent")] == [b"0 first"]


def test_a_full_journal_refuses_in_one_sentence_and_keeps_what_it_has(
    path: Path, clock: StepClock, make_intent: MakeIntent
) -> None:
    with Journal.open(path, clock, max_pages=40) as journal:
        with pytest.raises(JournalError, match="is full: free disk space") as failure:
            plan_until_it_fails(journal, make_intent)
        assert "nothing was sent" in str(failure.value)
        planned = journal.intents(state=State.PLANNED)
        assert [len(journal.history(intent.key)) for intent in planned] == [1] * len(planned)
        assert planned


def test_a_disk_that_refuses_to_write_is_one_sentence(
    path: Path, clock: StepClock, make_intent: MakeIntent
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal.open(path, clock) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 200_000, hard))
        try:
            with pytest.raises(JournalError, match=r"cannot be written|is full"):
                plan_until_it_fails(journal, make_intent)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert journal.plan([make_intent("after")]) != []


def test_a_missing_folder_is_one_sentence(tmp_path: Path, clock: StepClock) -> None:
    with pytest.raises(JournalError, match="check that its folder exists"):
        Journal.open(tmp_path / "missing" / "journal.sqlite", clock)


def test_a_file_that_is_no_database_is_refused(path: Path, clock: StepClock) -> None:
    path.write_bytes(b"not a database, but long enough to have a header" * 40)
    with pytest.raises(JournalError, match="is not a journal"):
        Journal.open(path, clock)
    path.unlink()
    Journal.open(path, clock).close()


def test_another_programs_database_is_refused(path: Path, clock: StepClock) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(JournalError, match="is a database of another program"):
        Journal.open(path, clock)


def test_a_journal_of_the_first_version_takes_the_steps_that_it_lacks(
    path: Path, clock: StepClock, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    with Journal.open(path, clock) as journal:
        journal.open_lane("urgent", address="0xaa", chain_id=1)
        journal.plan_and_sign([make_intent()], make_draft())
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP INDEX intents_by_market; DROP TABLE notes;"
        "DROP INDEX intents_by_age; DROP INDEX transactions_by_age;"
        "ALTER TABLE transactions DROP COLUMN decided_at;"
        "ALTER TABLE transactions DROP COLUMN signing_at; PRAGMA user_version = 1;"
    )
    connection.close()
    with Journal.open(path, clock) as journal:
        intent = make_intent()
        assert journal.newest_intent(kind=intent.kind, market=intent.market) is not None
        (old,) = journal.open_transactions("urgent")
        assert (old.decided_at, old.signing_at) == (None, None)
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert {"intents_by_market", "notes"} <= set(names)


def test_a_newer_journal_is_refused(path: Path, clock: StepClock) -> None:
    Journal.open(path, clock).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="has version 99, this program knows 5"):
        Journal.open(path, clock)
    with pytest.raises(JournalError, match="has version 99"):
        JournalReader.open_to_read(path)


def test_commits_before_a_side_effect_are_flushed(
    journal: Journal, make_intent: MakeIntent
) -> None:
    seen: list[int] = []

    def note(statement: str) -> None:
        if statement.startswith("PRAGMA synchronous = "):
            seen.append(2 if statement.endswith("FULL") else 1)
        if statement == "COMMIT":
            commits.append(seen[-1] if seen else 2)

    commits: list[int] = []
    journal._db.set_trace_callback(note)
    journal.plan([make_intent()])
    journal.settle(make_intent().key, "liquidated")
    journal.plan([make_intent("another state")])
    journal._db.set_trace_callback(None)
    assert commits == [2, 1, 2]
    assert journal._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_lane_with_open_transactions_keeps_its_key(
    journal: Journal, make_intent: MakeIntent, make_draft: MakeDraft
) -> None:
    journal.plan_and_sign([make_intent()], make_draft())
    assert journal.open_lane("urgent", address="0xaa", chain_id=1).next_nonce == 1
    with pytest.raises(JournalError, match="finish them with the old key"):
        journal.open_lane("urgent", address="0xcc", chain_id=1)
    with pytest.raises(JournalError, match="finish them with the old key"):
        journal.open_lane("urgent", address="0xaa", chain_id=2)


def test_an_empty_lane_may_get_another_key(journal: Journal) -> None:
    journal.adopt_nonce("urgent", 7)
    assert journal.open_lane("urgent", address="0xcc", chain_id=1).next_nonce is None
    assert journal.lanes()[0].address == "0xcc"
