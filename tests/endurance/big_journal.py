"""A journal as a keeper leaves it after years, written by SQL: as many rows as you like in a minute.

Nine of ten intents are published prices, whose transactions carry ten of them each; the others are
liquidations, one or two to a transaction. All are final but the newest few, as on a keeper that was killed
at work.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.clock import SystemClock
from runtime.journal import Journal

ROWS_PER_INTENT: Final = 6.7
"""Intent, payload, four lines of history, and its part of a transaction with its own four."""
NEWEST_OPEN: Final = 20
"""Transactions that were still on their way."""
_PRICES_OF_TEN: Final = 9
_A_BATCH: Final = 200_000

_NUMBERS: Final = """
WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)
"""
_TRANSACTIONS: Final = f"""
INSERT INTO transactions (id, lane, nonce, attempt, purpose, raw, hash, gas, max_fee, tip, expires_at, fence,
                          state, signed_at, sent_at, updated_at, mined_block, status, gas_used)
{_NUMBERS}
SELECT i, iif(i % 2, 'pricer', 'urgent'), i / 2, 1, 'call', zeroblob(420), printf('0x%064x', i), 900000, 7, 1,
       :now + 60, 1, iif(i > :open, 'sent', 'final'), :at + i * :step, :at + i * :step, :at + i * :step,
       iif(i > :open, NULL, i), iif(i > :open, NULL, 1), iif(i > :open, NULL, 400000)
FROM n
"""
_INTENTS: Final = f"""
INSERT INTO intents (id, key, kind, market, account, judged_on, expires_at, state, transaction_id, outcome,
                     outcome_detail, planned_at, updated_at, settled_at)
{_NUMBERS}
SELECT i, printf('%s|M%d|0x%040x/0|%d', iif(i % 10 < {_PRICES_OF_TEN}, 'publish', 'liquidate'), i % 12, i % 5000, i),
       iif(i % 10 < {_PRICES_OF_TEN}, 'publish', 'liquidate'), printf('M%d', i % 12),
       printf('0x%040x/0', i % 5000), i, :now + 60,
       iif(:carrier > :open, 'sent', 'final'), :carrier, iif(:carrier > :open, NULL, 'accepted'), NULL,
       :at + :carrier * :step, :at + :carrier * :step, iif(:carrier > :open, NULL, :at + :carrier * :step + 3)
FROM n
""".replace(":carrier", "(1 + (i - 1) / 5)")
_PAYLOADS: Final = f"""
INSERT INTO payloads
{_NUMBERS}
SELECT i, '{{"reason":"the mark moved","value":' || i || ',"why":"' || printf('%.*c', 400, 'x') || '"}}' FROM n
"""
_TRANSITIONS: Final = f"""
INSERT INTO transitions (at, subject, subject_id, from_state, to_state, reason)
{_NUMBERS}, moves (old, new) AS (VALUES (NULL, 'planned'), ('planned', 'signed'), ('signed', 'sent'), ('mined', 'final'))
SELECT :at + i * :step, :subject, i, old, new, '' FROM n, moves
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BigJournal:
    """What was written."""

    path: Path
    rows: int
    intents: int
    bytes: int


def write_journal(path: Path, rows: int, *, days: float, now: float) -> BigJournal:
    """Write a journal of about so many rows, evenly over the last days."""
    Journal.open(path, SystemClock()).close()
    intents = max(1_000, int(rows / ROWS_PER_INTENT))
    carriers = (intents + 4) // 5
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -200000")
        db.execute("INSERT INTO lanes VALUES ('urgent', '0xaa', 1, :next), ('pricer', '0xbb', 1, :next)",
                   {"next": carriers // 2 + 1})  # fmt: skip
        facts = {
            "at": now - days * 86_400,
            "step": days * 86_400 / carriers,
            "now": int(now),
            "open": carriers - NEWEST_OPEN,
        }
        _fill(db, _TRANSACTIONS, carriers, facts)
        _fill(db, _TRANSITIONS, carriers, facts | {"subject": "transaction"})
        _fill(db, _INTENTS, intents, facts)
        _fill(db, _PAYLOADS, intents, {})
        _fill(db, _TRANSITIONS, intents, facts | {"step": facts["step"] / 5, "subject": "intent"})
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        tables = ("intents", "payloads", "transactions", "transitions")
        counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    return BigJournal(path=path, rows=sum(counts), intents=intents, bytes=path.stat().st_size)


def _fill(db: sqlite3.Connection, statement: str, count: int, facts: dict[str, object]) -> None:
    for first in range(1, count + 1, _A_BATCH):
        last = min(count, first + _A_BATCH - 1)
        db.execute("BEGIN")
        db.execute(statement, {"first": first, "last": last, **facts})
        db.execute("COMMIT")
