"""A write-ahead journal of intents and the transactions that carry them, in one SQLite file."""

from runtime.journal.errors import DuplicateIntentError, JournalError
from runtime.journal.journal import REVERTED, Journal
from runtime.journal.reader import JournalReader
from runtime.journal.records import (
    SEPARATOR,
    Intent,
    IntentRecord,
    LaneRecord,
    Purpose,
    State,
    Subject,
    TransactionDraft,
    TransactionRecord,
    Transition,
)
from runtime.journal.states import IllegalTransitionError

__all__ = [
    "REVERTED",
    "SEPARATOR",
    "DuplicateIntentError",
    "IllegalTransitionError",
    "Intent",
    "IntentRecord",
    "Journal",
    "JournalError",
    "JournalReader",
    "LaneRecord",
    "Purpose",
    "State",
    "Subject",
    "TransactionDraft",
    "TransactionRecord",
    "Transition",
]
