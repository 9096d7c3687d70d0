"""Tables of the page: what breakers did, what was to happen, the worst buckets, facts, and how to play it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from drills.report.flow_sentences import bucket_words
from drills.report.record import Act, Bucket, DrillRecord, Quality
from drills.report.words import STATUS_WORDS, clock, exact, lasted, many, money
from keepers.page.html import Markup, joined, table, tag
from risk.units import Seconds

MOST_ROWS: Final = 300
"""Of a table: a page that nobody scrolls to the end is no table."""
WORST: Final = 10
QUALITY_WORDS: Final = {
    Quality.PRIMARY: "primary: the exchange's, regulator's or venue's own text",
    Quality.SECONDARY: "secondary: anybody else's",
    Quality.RECALLED: "recalled: known by heart, read nowhere",
    Quality.ASSUMPTION: "assumption: ours",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Acts of one breaker that did the same to one market, one after the other."""

    first: Act
    last: Act
    count: int


def repeated(acts: Sequence[Act]) -> list[Repeated]:
    """Put together what was done again and again: the sentence is the first one's. In order of time."""
    order = sorted(enumerate(acts), key=lambda each: (each[1].symbol, each[0]))
    found: list[tuple[int, Repeated]] = []
    for _, run in groupby(order, key=lambda each: _same(each[1])):
        places = list(run)
        found.append(
            (
                places[0][0],
                Repeated(first=places[0][1], last=places[-1][1], count=len(places)),
            )
        )
    return [each for _, each in sorted(found, key=lambda each: each[0])]


def _same(act: Act) -> tuple[str, str, str, object]:
    return act.symbol, act.who, act.what, act.status


def acts_table(record: DrillRecord) -> Markup:
    """List what each breaker did, with its own sentence."""
    if not record.acts:
        return tag("p", "No breaker did anything in this run.", class_="none")
    rows = repeated(record.acts)
    shown = rows if len(rows) <= MOST_ROWS else _most_telling(rows)
    left = len(rows) - len(shown)
    caption = (
        f"{many(len(record.acts), 'act')} of breakers; the same act again and again is one row"
    )
    if left:
        caption += f"; {left:,} rows that changed no status are in the record alone"
    return table(
        caption,
        ("when", "market", "who", "what", "status after", "why"),
        [_act(each, record.played.timezone) for each in shown],
    )


def _most_telling(rows: Sequence[Repeated]) -> list[Repeated]:
    """Keep all rows that set a status as far as there is room, and then the first of the others."""
    order = sorted(range(len(rows)), key=lambda place: (rows[place].first.status is None, place))
    return [rows[place] for place in sorted(order[:MOST_ROWS])]


def _act(row: Repeated, zone: str) -> list[Markup | str]:
    first = row.first
    when, what = exact(first.at, zone), first.what
    if row.count > 1:
        when += f" to {row_end(row, zone)}"
        what += f", {row.count:,} times"
    after: Markup | str = "as before"
    if first.status is not None:
        after = tag(
            "span", STATUS_WORDS[first.status], class_=f"status {first.status.name.lower()}"
        )
    why = tag("span", first.why, class_="sentence")
    return [when, first.symbol or "all", first.who, what, after, why]


def row_end(row: Repeated, zone: str) -> str:
    """Write when a row ends, without its day where that is the day of its start."""
    first, last = exact(row.first.at, zone), exact(row.last.at, zone)
    day, _, time = last.rpartition(" ")
    return time if first.startswith(day) else last


def expectations_table(record: DrillRecord) -> Markup:
    """Say of everything stated whether it happened here."""
    if not record.expectations:
        return tag(
            "p", "The scenario states nothing that should have happened here.", class_="none"
        )
    zone = record.played.timezone

    def when(at: Seconds | None) -> str:
        return "–" if at is None else exact(at, zone)

    return table(
        "What the scenario states, and whether it happened here too",
        ("what", "stated for", "happened", "here at", "what was found"),
        [
            [
                each.what,
                when(each.at),
                tag(
                    "b", "yes" if each.happened else "NO", class_="good" if each.happened else "bad"
                ),
                when(each.happened_at),
                tag("span", each.found, class_="sentence"),
            ]
            for each in record.expectations
        ],
    )


def invariants_table(record: DrillRecord) -> Markup:
    """Say of every invariant whether it held."""
    if not record.invariants:
        return tag("p", "No invariant was checked in this run.", class_="none")
    return table(
        "What must always hold",
        ("invariant", "holds", "what was compared"),
        [
            [
                each.name,
                tag("b", "yes" if each.holds else "NO", class_="good" if each.holds else "bad"),
                tag("span", each.found, class_="sentence"),
            ]
            for each in record.invariants
        ],
    )


def worst_table(record: DrillRecord) -> Markup | None:
    """List the buckets in which most was liquidated or somebody waited longest; None without any."""
    busy = [each for each in record.buckets if each.liquidations or each.worst_wait_seconds]
    if not busy:
        return None
    worst = sorted(busy, key=lambda each: (-each.liquidated_atoms, each.start))[: WORST - 1]
    slowest = max(busy, key=lambda each: each.worst_wait_seconds or 0)
    if slowest not in worst:
        worst.append(slowest)
    caption = f"Where most was liquidated, in order of time; each row is a {bucket_words(record)}"
    if slowest in worst[WORST - 1 :]:
        caption += "; the one with the longest wait among them"
    return table(
        caption,
        ("from", "liquidated", "steps", "longest wait", "under margin", "bad debt"),
        list(_bucket_rows(sorted(worst, key=lambda each: each.start), record.played.timezone)),
    )


def _bucket_rows(buckets: Sequence[Bucket], zone: str) -> Iterator[list[str]]:
    for each in buckets:
        wait, blocks = each.worst_wait_seconds, each.worst_wait_blocks
        waited = "–" if wait is None else lasted(wait)
        if blocks is not None:
            waited += f", {many(blocks, 'block')}"
        yield [
            f"{clock(each.start, zone)}, {lasted(each.stop - each.start)}",
            money(each.liquidated_atoms),
            f"{each.liquidations:,}",
            waited,
            f"{each.most_under_margin:,}",
            money(each.bad_debt_atoms),
        ]


def facts_table(record: DrillRecord) -> Markup:
    """List what the scenario states with its sources."""
    if not record.facts:
        return tag("p", "The record names no facts.", class_="none")
    zone = record.played.timezone
    counts = [
        f"{count:,} {'assumed' if quality is Quality.ASSUMPTION else quality.value}"
        for quality in Quality
        if (count := sum(1 for each in record.facts if each.quality is quality))
    ]
    keys = tag("p", "; ".join(QUALITY_WORDS.values()), ".", class_="keys")
    rows = [
        [
            each.about,
            "always" if each.at is None else exact(each.at, zone),
            tag("span", each.text, class_="sentence"),
            each.quality.value,
            tag("span", each.source, class_="sentence"),
        ]
        for each in record.facts
    ]
    caption = f"{many(len(record.facts), 'row')} of the scenario's file: {', '.join(counts)}"
    return joined(
        [table(caption, ("about", "when", "what", "quality", "source, or why assumed"), rows), keys]
    )
