"""Damage to files, as a bad disk does it."""

import sqlite3
from contextlib import closing
from pathlib import Path


def blank_page_of(path: Path, index: str) -> None:
    """Fill the first page of an index of a SQLite file with zeros."""
    with closing(sqlite3.connect(path)) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (page,) = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = ?", (index,)
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))
