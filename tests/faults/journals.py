"""What a keeper's journal says, read without a lock, from the file alone."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from runtime.journal.errors import JournalError
from runtime.journal.reader import JournalReader
from runtime.journal.records import IntentRecord, State, TransactionRecord
from runtime.journal.states import PENDING

LANE = "urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStory:
    """Every intent and every transaction of a journal."""

    intents: tuple[IntentRecord, ...]
    transactions: tuple[TransactionRecord, ...]

    def carried(self, tx: TransactionRecord) -> list[IntentRecord]:
        """Give the intents that a transaction's nonce carries."""
        ids = {each.id for each in self.transactions if each.nonce == tx.nonce}
        return [intent for intent in self.intents if intent.transaction_id in ids]


def read_journal(path: Path) -> JournalStory:
    """Read it all."""
    with JournalReader.open_to_read(path) as reader:
        return JournalStory(
            intents=tuple(reader.intents()),
            transactions=tuple(reader.transactions_at_or_above(LANE, 0)),
        )


def open_work(path: Path) -> int:
    """Count transactions that are not at their end; what cannot be read yet counts as one."""
    try:
        story = read_journal(path)
    except (JournalError, sqlite3.OperationalError):
        return 1
    return sum(tx.state in PENDING | {State.MINED} for tx in story.transactions)
