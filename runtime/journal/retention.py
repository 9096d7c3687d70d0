"""Forgetting what ended long ago.

Only what is over goes: settled intents in an end state, and transactions that no intent refers to
and whose nonce has no open attempt. Their history goes with them. A forgotten key could be planned
again, which is harmless: it names facts that are as old.
"""

import sqlite3

MOST_ROWS = 500
"""Rows of each table per call, so that a large prune never holds a commit up for long."""

_INTENTS = """
DELETE FROM intents WHERE id IN (
    SELECT id FROM intents
    WHERE settled_at < ? AND updated_at < ? AND kind = coalesce(?, kind)
    AND state IN ('final', 'cancelled', 'expired', 'failed')
    LIMIT ?
) RETURNING 'intent' AS subject, id
"""
_TRANSACTIONS = """
DELETE FROM transactions WHERE id IN (
    SELECT id FROM transactions AS old
    WHERE updated_at < ? AND state NOT IN ('signed', 'sent', 'mined')
    AND NOT EXISTS (SELECT 1 FROM intents WHERE transaction_id = old.id)
    AND NOT EXISTS (SELECT 1 FROM transactions AS other WHERE other.lane = old.lane
                    AND other.nonce = old.nonce AND other.state IN ('signed', 'sent', 'mined'))
    LIMIT ?
) RETURNING 'transaction' AS subject, id
"""


def prune(db: sqlite3.Connection, before: float, kind: str | None = None) -> int:
    """Delete up to `MOST_ROWS` intents and transactions that ended before a time; give how many went.

    With `kind` only intents of that kind go, and transactions that no other intent refers to.
    """
    gone = db.execute(_INTENTS, (before, before, kind, MOST_ROWS)).fetchall()
    gone += db.execute(_TRANSACTIONS, (before, MOST_ROWS)).fetchall()
    db.executemany(
        "DELETE FROM transitions WHERE subject = ? AND subject_id = ?",
        [(row["subject"], row["id"]) for row in gone],
    )
    return len(gone)
