"""The newest decisions of the journal, as the page lists them; read beside the keeper that writes.

Only so many of the newest rows are looked at, however long the journal is, and each read has its own
connection: it is called in a thread, and holds nobody up.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keepers.page.facts import Action
from keepers.price.keeper import KIND as PUBLISH
from runtime.errors import OperatorError
from runtime.journal.connection import Connection
from runtime.journal.errors import told_to_the_operator

NEWEST_ROWS: Final = 20_000
"""Published prices are among them, one a market and second."""
SHOWN: Final = 12
TRIPS_SHOWN: Final = 8

_COLUMNS: Final = """
SELECT planned_at, kind, market, account, state, outcome, reason,
       coalesce(json_extract(payload, '$.what'), json_extract(payload, '$.parameter')) AS what,
       json_extract(payload, '$.value') AS value,
       coalesce(json_extract(payload, '$.reason'), json_extract(payload, '$.why')) AS why
FROM intents LEFT JOIN payloads ON payloads.intent_id = intents.id
WHERE intents.id > (SELECT coalesce(max(id), 0) FROM intents) - :newest
"""
_ACTIONS: Final = f"{_COLUMNS} AND kind != :publish ORDER BY intents.id DESC LIMIT :limit"
_TRIPS: Final = (
    f"{_COLUMNS} AND kind = 'control' AND what = 'status' AND value IN"
    " ('limit', 'reduce_only', 'halted') ORDER BY intents.id DESC LIMIT :limit"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The newest decisions, newest first; or why they cannot be read."""

    actions: Sequence[Action] = ()
    trips: Sequence[Action] = ()
    problem: str | None = None


def read_tail(path: Path) -> Tail:
    """Read a journal's tail; a journal that cannot be read is told, not raised."""
    try:
        connection = Connection(path, read_only=True)
    except OperatorError as error:
        return Tail(problem=str(error))
    try:
        with told_to_the_operator(path):
            return Tail(
                actions=_read(connection, _ACTIONS, SHOWN),
                trips=_read(connection, _TRIPS, TRIPS_SHOWN),
            )
    except OperatorError as error:
        return Tail(problem=str(error))
    finally:
        connection.close()


def _read(connection: Connection, statement: str, limit: int) -> list[Action]:
    known = {"newest": NEWEST_ROWS, "publish": PUBLISH, "limit": limit}
    return [_action(row) for row in connection.db.execute(statement, known)]


def _action(row: sqlite3.Row) -> Action:
    value = "" if row["value"] is None else f" {row['value']}"
    return Action(
        wall_seconds=row["planned_at"],
        kind=row["kind"],
        market=row["market"],
        account=row["account"],
        state=row["state"],
        outcome=row["outcome"] or "",
        what="" if row["what"] is None else f"{row['what']}{value}".replace("_", "-"),
        why=row["why"] or row["reason"],
    )
