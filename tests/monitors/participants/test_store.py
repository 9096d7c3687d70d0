"""The store as a file: one writer, retention, history, other people's files."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from monitors.participants.store import (
    PRUNE_EVERY,
    SHORTEST_RETENTION,
    JudgedQuote,
    ParticipantStore,
    Reopening,
    StoreError,
)
from risk.participant_quotes import QuoteVerdict
from risk.participant_scores import ParticipantScore
from risk.units import Ppm, Seconds
from runtime.errors import OperatorError
from tests.builders import NOW, price
from tests.monitors.participants.rig import FIRM, QUOTE, RETENTION

SCORE: Final = ParticipantScore(score=Ppm(500_000), reopenings=1, accepted=2, rejected=3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quotes.sqlite"


def judged(
    sequence: int, at: int = NOW, verdict: QuoteVerdict = QuoteVerdict.ACCEPTED, **facts: Any
) -> JudgedQuote:
    return JudgedQuote(
        quote=replace(QUOTE, sequence=sequence, **facts),
        address=FIRM.address,
        signature=b"\x05" * 65,
        reference=None,
        verdict=verdict,
        at=Seconds(at),
    )


def open_store(path: Path) -> ParticipantStore:
    return ParticipantStore(path, retention=RETENTION)


def count(store: ParticipantStore, table: str) -> int:
    return int(store._rows(f"SELECT count(*) FROM {table}")[0][0])


def record_until_it_fails(store: ParticipantStore) -> None:
    for sequence in range(10_000):
        store.record(judged(sequence), SCORE)


def test_what_was_recorded_is_there_after_reopening(path: Path) -> None:
    with open_store(path) as store:
        store.record(judged(7), SCORE)
    with open_store(path) as store:
        assert store.last_sequences() == {FIRM.address: 7}
        assert store.scores() == {"firm": SCORE}
        assert store.standing(NOW) == [(judged(7).quote, FIRM.address)]
        assert store.standing(QUOTE.expires_at) == []


def test_a_rejected_quote_is_kept_with_its_signature_and_never_stands(path: Path) -> None:
    with open_store(path) as store:
        store.record(judged(7, verdict=QuoteVerdict.TOO_FAR), SCORE)
        assert store._rows("SELECT verdict, signature, sequence FROM quotes") == [
            ("too_far", b"\x05" * 65, 7)
        ]
        assert store.standing(NOW) == []
        assert store.last_sequences() == {FIRM.address: 7}
        assert store.last_word("firm", "NVDA", since=NOW, until=Seconds(NOW + 9)) is None


def test_a_sequence_never_goes_back(path: Path) -> None:
    with open_store(path) as store:
        store.record(judged(7), SCORE)
        store.record(judged(6), SCORE)
        assert store.last_sequences() == {FIRM.address: 7}


def test_the_last_word_is_the_last_within_the_session(path: Path) -> None:
    with open_store(path) as store:
        for sequence, at in enumerate((NOW, NOW + 1, NOW + 1, NOW + 2)):
            store.record(judged(sequence, at), SCORE)

        def word(since: int, until: int) -> int | None:
            found = store.last_word("firm", "NVDA", since=Seconds(since), until=Seconds(until))
            return None if found is None else found.sequence

        assert word(NOW, NOW + 3) == 3
        assert word(NOW, NOW + 2) == 2
        assert word(NOW, NOW + 1) == 0
        assert word(NOW, NOW) is None
        assert word(NOW + 3, NOW + 9) is None


def test_retention_takes_old_quotes_but_neither_sequences_nor_scores(path: Path) -> None:
    later = NOW + RETENTION + 1
    with open_store(path) as store:
        for sequence in range(PRUNE_EVERY):
            store.record(judged(sequence), SCORE)
        store.record_reopenings(
            [
                Reopening(
                    symbol="NVDA",
                    closed_at=Seconds(NOW - 9),
                    opened_at=NOW,
                    close=price(1),
                    price=price(1),
                )
            ],
            {"firm": SCORE},
        )
        assert count(store, "score_history") == 1
        for sequence in range(PRUNE_EVERY):
            store.record(judged(1_000 + sequence, later), SCORE)
        assert count(store, "quotes") == PRUNE_EVERY
        assert count(store, "score_history") == 0
        assert count(store, "reopenings") == 1
        assert store.last_sequences() == {FIRM.address: 1_000 + PRUNE_EVERY - 1}
        assert store.scores() == {"firm": SCORE}


def test_a_quote_exactly_as_old_as_the_retention_stays(path: Path) -> None:
    with open_store(path) as store:
        store.record(judged(1), SCORE)
    with open_store(path) as store:
        store.record(judged(2, NOW + RETENTION), SCORE)
        assert count(store, "quotes") == 2
    with open_store(path) as store:
        store.record(judged(3, NOW + RETENTION + 1), SCORE)
        assert count(store, "quotes") == 2


def test_history_is_not_rewritten(path: Path) -> None:
    with open_store(path) as store:
        store.record(judged(1), SCORE)
        with pytest.raises(sqlite3.IntegrityError, match="history is not rewritten"):
            store._db.execute("UPDATE quotes SET bid = 1")


def test_a_failure_in_the_middle_leaves_nothing_behind(path: Path) -> None:
    reopening = Reopening(
        symbol="NVDA", closed_at=NOW, opened_at=NOW, close=price(1), price=price(1)
    )
    with open_store(path) as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.record_reopenings([reopening, reopening], {"firm": SCORE})
        assert not store.is_scored(reopening)
        assert store.scores() == {}
        store.record_reopenings([reopening], {"firm": SCORE})
        assert store.is_scored(reopening)


def test_a_full_disk_is_one_sentence_and_nothing_is_recorded(path: Path) -> None:
    with open_store(path) as store:
        pages = store._rows("PRAGMA page_count")[0][0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"cannot be used \(SQLITE_FULL\): check the disk"):
            record_until_it_fails(store)
        assert store.last_sequences()[FIRM.address] == count(store, "quotes") - 1


def test_a_second_process_on_the_file_is_refused(path: Path) -> None:
    with open_store(path), pytest.raises(OperatorError, match="is in use by process"):
        open_store(path)
    open_store(path).close()


def test_a_short_retention_is_refused(path: Path) -> None:
    with pytest.raises(StoreError, match="raise the retention"):
        ParticipantStore(path, retention=Seconds(SHORTEST_RETENTION - 1))
    ParticipantStore(path, retention=SHORTEST_RETENTION).close()


def test_another_programs_file_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
    foreign.close()
    for _ in range(2):
        with pytest.raises(StoreError, match="is a database of another program"):
            open_store(path)


def test_a_newer_programs_file_is_left_alone(path: Path) -> None:
    with open_store(path) as store:
        store._db.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreError, match="has version 2, this program knows 1"):
        open_store(path)


def test_what_is_no_database_is_one_sentence(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to look at" * 30)
    with pytest.raises(StoreError, match="SQLITE_NOTADB"):
        open_store(path)
