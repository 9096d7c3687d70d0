"""From rows of the tables to records."""

import sqlite3

from runtime.journal import canonical
from runtime.journal.records import (
    IntentRecord,
    LaneRecord,
    Purpose,
    State,
    Subject,
    TransactionRecord,
    Transition,
)


def intent(row: sqlite3.Row) -> IntentRecord:
    """Read an intent."""
    facts = dict(row)
    del facts["id"]
    detail = facts["outcome_detail"]
    facts["payload"] = canonical.load(facts["payload"])
    facts["outcome_detail"] = None if detail is None else canonical.load(detail)
    facts["state"] = State(facts["state"])
    return IntentRecord(**facts)


def transaction(row: sqlite3.Row) -> TransactionRecord:
    """Read a transaction."""
    facts = dict(row)
    facts["state"] = State(facts["state"])
    facts["purpose"] = Purpose(facts["purpose"])
    return TransactionRecord(**facts)


def lane(row: sqlite3.Row) -> LaneRecord:
    """Read a lane."""
    return LaneRecord(**dict(row))


def transition(row: sqlite3.Row, reference: str) -> Transition:
    """Read a line of history of an intent's key or a transaction's hash."""
    from_state = row["from_state"]
    return Transition(
        at=row["at"],
        subject=Subject(row["subject"]),
        reference=reference,
        from_state=None if from_state is None else State(from_state),
        to_state=State(row["to_state"]),
        reason=row["reason"],
    )
