"""How a journal's size is felt: what a start, a recovery, a page and a prune take, small against large."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from keepers.daemon import PRUNES_PER_CHECKPOINT
from keepers.page.journal_tail import read_tail
from keepers.price.keeper import KIND as PUBLISH
from runtime.clock import SystemClock
from runtime.journal import Journal, JournalReader
from tests.endurance.big_journal import BigJournal, write_journal
from tests.endurance.process import peak_memory_bytes

RETENTION_DAYS: Final = 90
PRICE_RETENTION_DAYS: Final = 3
WRITTEN_DAYS: Final = 90.5
"""A little more than is kept, so that there is something to prune of every kind."""
DAY: Final = 86_400.0
SMALL: Final = 100
"""The small journal has so many times fewer rows."""
MOST_PRUNES: Final = 500
"""Calls of one measured prune; the keeper goes on until nothing is left, one call at a time."""

Figures = dict[str, float]


def measure_journal(folder: Path, rows: int, say: Callable[[str], None]) -> Mapping[str, object]:
    """Measure a large journal and one that is a hundredth of it; times in milliseconds."""
    found: dict[str, Figures] = {}
    sizes: dict[str, BigJournal] = {}
    for name, count in (("small", max(10_000, rows // SMALL)), ("large", rows)):
        say(f"writing a journal of {count:,} rows")
        path = folder / f"{name}.sqlite"
        sizes[name] = write_journal(path, count, days=WRITTEN_DAYS, now=time.time())
        say(f"measuring it ({sizes[name].bytes / 1e6:,.0f} MB)")
        found[name] = _figures(path)
        for each in folder.glob(f"{name}.sqlite*"):
            each.unlink()
    return {
        "rows": sizes["large"].rows,
        "small_rows": sizes["small"].rows,
        "file_bytes": sizes["large"].bytes,
        "peak_memory_bytes": peak_memory_bytes(),
        "milliseconds": {
            key: {"small": found["small"][key], "large": found["large"][key]}
            for key in found["large"]
        },
    }


def _figures(path: Path) -> Figures:
    figures: Figures = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        figures[name] = round((time.perf_counter() - started) * 1_000, 3)

    opened: list[Journal] = []
    timed("open", lambda: opened.append(Journal.open(path, SystemClock())))
    with closing(opened[0]) as journal:
        timed("recover: planned and never signed", journal.planned)
        timed("recover: open transactions", lambda: journal.open_transactions("urgent"))
        timed("recover: closed at or above a nonce", lambda: _above(journal))
        timed("recover: intents in flight", journal.in_flight)
        timed("newest intent of a market", lambda: journal.newest_intent(kind=PUBLISH, market="M7"))
        timed("status page: tail", lambda: read_tail(path))
        with JournalReader.open_to_read(path) as reader:
            timed("journal show --limit 50", lambda: list(reader.show(limit=50)))
            key = next(iter(reader.show(limit=1)))["key"]
            timed("journal show --trace, found", lambda: list(reader.show(key=str(key))))
            timed("journal show --account", lambda: list(reader.show(account="0x1/0", limit=50)))
        now = time.time()
        figures |= _pruned("prune, nothing to do", journal, now - 10 * 365 * DAY, None)
        figures |= _pruned("prune prices", journal, now - PRICE_RETENTION_DAYS * DAY, PUBLISH)
        figures |= _pruned("prune all kinds", journal, now - RETENTION_DAYS * DAY, None)
    return figures


def _above(journal: Journal) -> Sequence[object]:
    (pricer, urgent) = journal.lanes()
    assert pricer.next_nonce is not None
    assert urgent.next_nonce is not None
    return journal.transactions_at_or_above("urgent", urgent.next_nonce - 30)


def _pruned(name: str, journal: Journal, before: float, kind: str | None) -> Figures:
    """Prune as the keeper does; give the longest call, which is what an event loop waits for."""
    longest, count = 0.0, 0
    for call in range(MOST_PRUNES):
        if call % PRUNES_PER_CHECKPOINT == PRUNES_PER_CHECKPOINT - 1:
            # The keeper has a thread do it.
            journal.maintain_apart()
        started = time.perf_counter()
        gone = journal.prune(before, kind=kind)
        longest = max(longest, time.perf_counter() - started)
        count += gone
        if not gone:
            break
    return {f"{name}: longest call": round(longest * 1_000, 3), f"{name}: rows gone": float(count)}
