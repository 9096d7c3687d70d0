"""Forgetting what ended long ago.

Only what is over goes: settled intents in an end state, and transactions that no intent refers to
and whose nonce has no open attempt. Their history goes with them. A forgotten key could be planned
again, which is harmless: it names facts that are as old. What goes is found by indexes, so that a prune costs
what it takes away, however much stays.
"""

import sqlite3

MOST_ROWS = 100
"""Rows of each table per call, so that a large prune never holds a commit up for long (measured in
docs/endurance.md)."""

_KINDS = """
WITH RECURSIVE kinds (kind) AS (
    SELECT min(kind) FROM intents
    UNION ALL SELECT (SELECT min(kind) FROM intents WHERE kind > kinds.kind) FROM kinds
    WHERE kinds.kind IS NOT NULL
) SELECT kind FROM kinds WHERE kind IS NOT NULL
"""
_INTENTS = """
DELETE FROM intents WHERE id IN (
    SELECT id FROM intents
    WHERE kind = ? AND settled_at < ? AND updated_at < ?
    AND state IN ('final', 'cancelled', 'expired', 'failed')
    ORDER BY settled_at LIMIT ?
) RETURNING 'intent' AS subject, id, transaction_id
"""
_IS_OVER = """
    old.updated_at < ? AND old.state NOT IN ('signed', 'sent', 'mined')
    AND NOT EXISTS (SELECT 1 FROM intents WHERE transaction_id = old.id)
    AND NOT EXISTS (SELECT 1 FROM transactions AS other WHERE other.lane = old.lane
                    AND other.nonce = old.nonce AND other.state IN ('signed', 'sent', 'mined'))
"""
_TRANSACTIONS_BY_AGE = f"""
DELETE FROM transactions WHERE id IN (
    SELECT id FROM transactions AS old WHERE {_IS_OVER} ORDER BY old.updated_at LIMIT ?
) RETURNING 'transaction' AS subject, id
"""  # noqa: S608 - a constant of ours
_TRANSACTIONS_OF_A_NONCE = f"""
DELETE FROM transactions WHERE id IN (
    SELECT old.id FROM transactions AS carrier
    JOIN transactions AS old ON old.lane = carrier.lane AND old.nonce = carrier.nonce
    WHERE carrier.id = ? AND {_IS_OVER}
) RETURNING 'transaction' AS subject, id
"""  # noqa: S608 - likewise


def prune(db: sqlite3.Connection, before: float, kind: str | None = None) -> int:
    """Delete up to `MOST_ROWS` intents and transactions that ended before a time; give how many went.

    With `kind` only intents of that kind go, and the transactions that carried them if no other intent
    refers to these.
    """
    kinds = [kind] if kind is not None else [row["kind"] for row in db.execute(_KINDS).fetchall()]
    gone: list[sqlite3.Row] = []
    for each in kinds:
        gone += db.execute(_INTENTS, (each, before, before, MOST_ROWS - len(gone))).fetchall()
    carriers = {row["transaction_id"] for row in gone} - {None}
    for carrier in carriers:
        gone += db.execute(_TRANSACTIONS_OF_A_NONCE, (carrier, before)).fetchall()
    if kind is None:
        # Also those that never carried an intent: cancels, and what filled a gap.
        gone += db.execute(_TRANSACTIONS_BY_AGE, (before, MOST_ROWS)).fetchall()
    db.executemany(
        "DELETE FROM transitions WHERE subject = ? AND subject_id = ?",
        [(row["subject"], row["id"]) for row in gone],
    )
    return len(gone)
