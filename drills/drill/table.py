"""Outcomes as tables of Markdown: a scenario's variants side by side, and every scenario as it ships."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from drills.model_pages import DOCS
from drills.report.record import DrillRecord, Ground, Variant
from drills.report.variants import MEASURES, TITLES

PAGE: Final = DOCS / "drills.md"
BEGIN: Final = "<!-- written by `bellkeeper drill --all --write-docs` -->"
END: Final = "<!-- end -->"
ATOMS: Final = 10**6
SECONDS_PER_HOUR: Final = 3_600
_HEADINGS: Final = (
    "scenario",
    "hours",
    "accounts",
    "liquidated, USD",
    "of accounts",
    "longest wait",
    "bad debt, USD",
    "insurance",
    "backstop",
    "deleveraged, USD",
    "halts",
    "halted",
    "restricted",
    "makers, USD",
    "checks",
    "took",
)


def variants_table(records: Sequence[DrillRecord]) -> list[str]:
    """Write a scenario's runs with one seed side by side; the first is the one compared with."""
    names = [TITLES[each.played.variant] for each in records]
    rows = []
    for measure in MEASURES:
        found = [measure.read(each.totals) for each in records]
        if any(each is not None for each in found):
            cells = ["–" if each is None else measure.write(each) for each in found]
            rows.append(_row([measure.label, *cells]))
    return [_row(["", *names]), _row(["---"] * (len(names) + 1)), *rows]


def overview_table(records: Iterable[DrillRecord]) -> list[str]:
    """Write one line for each run as it ships."""
    return [_row(_HEADINGS), _row(["---"] * len(_HEADINGS)), *(_line(each) for each in records)]


def _line(record: DrillRecord) -> str:
    totals, played, cost = record.totals, record.played, record.cost
    asked = totals.deleverages[0].closed_atoms if totals.deleverages else 0
    wait = totals.worst_wait_seconds
    return _row(
        [
            f"`{played.scenario}`",
            _played_hours(record),
            f"{played.accounts:,}",
            _usd(totals.liquidated_atoms),
            f"{totals.liquidated_accounts:,}",
            "–" if wait is None else f"{wait:,} s",
            _usd(totals.bad_debt_atoms),
            _change(totals.insurance_before_atoms, totals.insurance_after_atoms),
            _change(totals.backstop_before_atoms, totals.backstop_after_atoms),
            _usd(asked),
            f"{totals.halts:,}",
            _hours(totals.halted_seconds),
            _hours(totals.restricted_seconds),
            "–" if totals.maker_cost_atoms is None else _usd(totals.maker_cost_atoms),
            _checks(record),
            "–" if cost is None else f"{cost.wall_seconds:,} s, {cost.peak_mib:,} MiB",
        ]
    )


def _checks(record: DrillRecord) -> str:
    """Say how many of the invariants and expectations held, and name those that did not."""
    invariants = [(each.name, each.holds) for each in record.invariants]
    stated = [(each.what, each.happened) for each in record.expectations]
    failed = [name for name, is_good in invariants + stated if not is_good]
    count = len(invariants) + len(stated)
    return (
        f"all {count}"
        if not failed
        else f"{count - len(failed)} of {count}; not: {'; '.join(failed)}"
    )


def page_tables(records: Sequence[DrillRecord]) -> str:
    """Write what docs/drills.md shows of the records of a folder."""
    lines: list[str] = []
    for ground in Ground:
        shipped = [
            each
            for each in records
            if each.played.ground is ground and each.played.variant is Variant.BASE
        ]
        if shipped:
            lines += [f"### On {_PLACES[ground]}", "", *overview_table(shipped), ""]
    for group in groups(records):
        if len(group) > 1:
            played = group[0].played
            head = f"### `{played.scenario}`: {_played_hours(group[0])} hours, {played.accounts:,} accounts, seed {played.seed}"
            lines += [head, "", *variants_table(group), ""]
    return "\n".join(lines)


_PLACES: Final[Mapping[Ground, str]] = {
    Ground.MEMORY: "the exchange in memory",
    Ground.CHAIN: "a chain",
}


def groups(records: Sequence[DrillRecord]) -> list[list[DrillRecord]]:
    """Put runs together that differ in their variant alone, the base case first."""
    found: dict[tuple[object, ...], list[DrillRecord]] = {}
    for each in records:
        played, span = each.played, (each.times[0], each.times[-1])
        key = (played.scenario, played.accounts, played.seed, played.ground, span)
        found.setdefault(key, []).append(each)
    order = list(Variant)
    return [
        sorted(group, key=lambda each: order.index(each.played.variant)) for group in found.values()
    ]


def write_page(records: Sequence[DrillRecord], page: Path = PAGE) -> None:
    """Put the tables between the comments of the page; raises ValueError for a page without them."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected {BEGIN} and {END} in {page.name}, found no pair: add them")
    page.write_text(f"{before}{BEGIN}\n\n{page_tables(records)}\n{END}{after}", encoding="utf-8")


def _played_hours(record: DrillRecord) -> str:
    return f"{(record.times[-1] - record.times[0]) / SECONDS_PER_HOUR:.1f}"


def _usd(atoms: int) -> str:
    return f"{atoms / ATOMS:,.0f}"


def _change(before: int, after: int) -> str:
    return f"{_usd(before)} → {_usd(after)}"


def _hours(seconds: int) -> str:
    hours, rest = divmod(seconds, SECONDS_PER_HOUR)
    return "0" if not seconds else f"{hours}:{rest // 60:02} h"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
