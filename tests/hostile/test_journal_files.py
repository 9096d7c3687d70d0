"""A journal whose file was damaged, cut, or is another program's: read rightly, or refused in one sentence."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepers.page.journal_tail import read_tail
from monitors.participants.store import SHORTEST_RETENTION, ParticipantStore, StoreError
from risk.units import Seconds
from runtime.clock import SystemClock
from runtime.journal import Intent, Journal, JournalError, JournalReader, TransactionDraft
from tests.damage import blank_page_of
from tests.monitors.participants.rig import QUOTE
from tests.monitors.participants.test_store import SCORE, judged

LONGEST_SENTENCE = 600
INTENT = Intent(
    kind="liquidate", market="SPY", account="0xaa/0", judged_on="7", expires_at=9, payload={"why": "x"}
)  # fmt: skip


def draft(nonce: int) -> TransactionDraft:
    return TransactionDraft(
        lane="urgent", nonce=nonce, raw=b"\x02" * 200, hash=f"0x{nonce:064x}", gas=1, max_fee=1, tip=1,
        expires_at=9,
    )  # fmt: skip


@pytest.fixture(scope="module")
def journal_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a journal with something in every table, all of it in the one file."""
    path = tmp_path_factory.mktemp("journal") / "whole.sqlite"
    with Journal.open(path, SystemClock()) as journal:
        journal.open_lane("urgent", address="0xaa", chain_id=1)
        journal.note("breaker/SPY", "paused")
        for nonce in range(6):
            intents = [replace(INTENT, judged_on=f"{nonce}.{each}") for each in range(3)]
            journal.plan_and_sign(intents, draft(nonce))
            journal.sent(draft(nonce).hash)
        for nonce in range(4):
            journal.mined(draft(nonce).hash, block=nonce, status=1, gas_used=1)
            journal.settle(f"{INTENT.kind}|SPY|0xaa/0|{nonce}.0", "liquidated", {"size_e8": 1})
        journal.final(draft(0).hash)
        journal.plan([replace(INTENT, judged_on="never signed")])
    return path


def read_everything(path: Path) -> None:
    with JournalReader.open_to_read(path) as journal:
        for intent in journal.intents():
            journal.history(intent.key)
        list(journal.show())
        journal.planned()
        journal.in_flight()
        journal.accounts_in_flight("liquidate")
        journal.open_transactions("urgent")
        journal.transactions_at_or_above("urgent", 0)
        journal.intents_at("urgent", 2)
        journal.newest_intent(kind="liquidate", market="SPY")
        journal.lanes()
        journal.counts()
        journal.noted("breaker/SPY")
        journal.key_of_trace("0" * 32)
        journal.damage()
    read_tail(path)


def go_on_with(path: Path) -> None:
    """Do what a keeper does after a restart."""
    with Journal.open(path, SystemClock()) as journal:
        journal.open_lane("urgent", address="0xaa", chain_id=1)
        for each in journal.open_transactions("urgent"):
            journal.mined(each.hash, block=9, status=1, gas_used=1)
            journal.final(each.hash)
        journal.expired([intent.key for intent in journal.planned()], "left over")
        journal.plan_and_sign([replace(INTENT, judged_on="new")], draft(90))
        journal.note("breaker/SPY", "normal")
        journal.prune(4e9)


def promise(path: Path, work: Callable[[Path], None]) -> None:
    sentence = sentence_about(path, work)
    assert "\n" not in sentence
    assert len(sentence) <= LONGEST_SENTENCE


def sentence_about(path: Path, work: Callable[[Path], None]) -> str:
    try:
        work(path)
    except (JournalError, StoreError) as error:
        return str(error)
    return ""


@st.composite
def damage(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Spoil a file: bits flipped, pages swapped or blanked, an end cut off."""
    kind = draw(st.sampled_from(("flip", "flip", "flip", "blank", "swap", "cut", "page size")))
    places = draw(st.lists(st.floats(0, 0.9999), min_size=2, max_size=12))
    bit = draw(st.integers(0, 7))

    def spoil(raw: bytes) -> bytes:
        body = bytearray(raw)
        offsets = [int(place * len(body)) for place in places]
        page, other = (offset // 4096 * 4096 for offset in offsets[:2])
        match kind:
            case "flip":
                for offset in offsets:
                    body[offset] ^= 1 << bit
            case "blank":
                body[page : page + 4096] = bytes(4096)
            case "swap":
                first, second = body[page : page + 4096], body[other : other + 4096]
                body[page : page + 4096], body[other : other + 4096] = second, first
            case "cut":
                del body[offsets[0] :]
            case _:
                body[16 + bit] ^= 0xFF
        return bytes(body)

    return spoil


@settings(
    max_examples=120,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(spoil=damage())
def test_a_damaged_file_is_read_or_refused(
    journal_file: Path, tmp_path_factory: pytest.TempPathFactory, spoil: Callable[[bytes], bytes]
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "journal.sqlite"
    for work in (read_everything, go_on_with):
        path.write_bytes(spoil(journal_file.read_bytes()))
        promise(path, work)
        for each in folder.glob("journal.sqlite-*"):
            each.unlink()
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        pytest.param("DROP TABLE notes", "lacks the column at of notes", id="a table"),
        pytest.param("DROP INDEX intents_in_flight", "lacks the index intents_in_flight", id="an index"),
        pytest.param("DROP TRIGGER transitions_are_history", "lacks the trigger", id="a trigger"),
        pytest.param(
            "ALTER TABLE intents DROP COLUMN reason", "lacks the column reason of intents", id="a column"
        ),
    ],
)  # fmt: skip
def test_a_file_that_lacks_something_is_refused_when_it_is_opened(
    journal_file: Path, tmp_path: Path, statement: str, sentence: str
) -> None:
    path = tmp_path / "journal.sqlite"
    shutil.copy(journal_file, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(JournalError, match=sentence):
        JournalReader.open_to_read(path)
    with pytest.raises(JournalError, match=sentence):
        Journal.open(path, SystemClock())


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE intents SET state = 'fimal'", id="a state that does not exist"),
        pytest.param("UPDATE payloads SET payload = '{'", id="a payload that is no JSON"),
        pytest.param("UPDATE payloads SET payload = CAST(x'7bff7d' AS TEXT)", id="bytes that are no text"),
        pytest.param("UPDATE intents SET outcome_detail = '['", id="an outcome that is no JSON"),
    ],
)  # fmt: skip
def test_a_row_that_nobody_wrote_is_refused_when_it_is_read(
    journal_file: Path, tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "journal.sqlite"
    shutil.copy(journal_file, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(JournalError, match="is damaged"):
        read_everything(path)


def test_a_page_that_no_query_meets_is_found_by_reading_them_all(
    journal_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite"
    shutil.copy(journal_file, path)
    with JournalReader.open_to_read(path) as journal:
        assert journal.damage() is None
    blank_page_of(path, "transitions_by_subject")
    with JournalReader.open_to_read(path) as journal:
        found = journal.damage()
    assert found is not None
    assert "\n" not in found


@pytest.mark.parametrize("place", [0, 1, 31, 32, 100, 4_000, 4_200, 8_000])
def test_a_log_that_was_cut_or_spoilt_loses_its_end_and_nothing_else(
    tmp_path: Path, place: int
) -> None:
    path = tmp_path / "journal.sqlite"
    live = Journal.open(path, SystemClock())
    live.open_lane("urgent", address="0xaa", chain_id=1)
    live.plan([INTENT])
    copy = tmp_path / "copy.sqlite"
    shutil.copy(path, copy)
    log = bytearray((tmp_path / "journal.sqlite-wal").read_bytes())
    log[place] ^= 0x10
    (tmp_path / "copy.sqlite-wal").write_bytes(log)
    live.close()
    promise(copy, read_everything)
    (tmp_path / "copy.sqlite-wal").write_bytes(log[:-place] if place else log)
    promise(copy, go_on_with)


@pytest.mark.parametrize("size", [16, 99, 512, 4_095, 4_097])
def test_what_is_no_database_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(bytes(range(1, 200)) * 40)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(JournalError, match="is not a journal"):
        Journal.open(path, SystemClock())


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(spoil=damage())
def test_a_damaged_store_of_quotes_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, spoil: Callable[[bytes], bytes]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    path = folder / "quotes.sqlite"
    with ParticipantStore(path, retention=SHORTEST_RETENTION) as store:
        for sequence in range(1, 9):
            store.record(judged(sequence), SCORE)
    path.write_bytes(spoil(path.read_bytes()))
    promise(path, use_store)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE scores",
        "ALTER TABLE quotes RENAME COLUMN participant TO who",
        "UPDATE scores SET participant = CAST(x'66ff' AS TEXT)",
    ],
)
def test_a_store_that_lacks_something_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "quotes.sqlite"
    with ParticipantStore(path, retention=SHORTEST_RETENTION) as store:
        store.record(judged(1), SCORE)
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(StoreError, match="cannot be used"):
        use_store(path)


def use_store(path: Path) -> None:
    with ParticipantStore(path, retention=SHORTEST_RETENTION) as store:
        store.last_sequences()
        store.scores()
        store.standing(Seconds(0))
        store.last_word(QUOTE.participant, QUOTE.symbol, since=Seconds(0), until=Seconds(2**40))
        store.record(judged(99), SCORE)
