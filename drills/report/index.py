"""The page of all scenarios: what each came to in a row, with its two curves, and a link to its own report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from drills.report.chart import Floats, column
from drills.report.flow_sentences import bucket_words
from drills.report.frame import Frame
from drills.report.page import document, sorted_out
from drills.report.record import DrillRecord, Totals
from drills.report.summary import VERDICT_WORDS, Judged, Verdict, deepest_fall, judged
from drills.report.thinning import kept_of_line
from drills.report.window import end_of
from drills.report.words import lasted, listed, many, money, percent, price
from keepers.page.html import NOTHING, Markup, joined, table, tag

WIDTH: Final = 144
HEIGHT: Final = 32
ORDER: Final = (Verdict.FAILED, Verdict.UNCHECKED, Verdict.COST, Verdict.HELD)
HEADINGS: Final = (
    "scenario",
    "outcome",
    "mark of the market that fell most",
    "liquidated over time",
    "liquidated",
    "longest wait",
    "bad debt",
    "change of the insurance fund",
    "closed by deleverage",
    "halts",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scenario in the index; small, so that all fit into memory at once."""

    scenario: str
    title: str
    accounts: int
    ground: str
    version: str
    judged: Judged
    totals: Totals
    fall: str
    """In words: whose mark fell by how much."""
    price_line: Markup
    liquidation_bars: Markup
    most: str
    """In words: most that was liquidated in one bucket."""
    variants: int


def outcome(records: Sequence[DrillRecord]) -> Outcome:
    """Sum a scenario up for the index; raises ValueError without records, or with those of two scenarios."""
    base, variants = sorted_out(records)
    market, place, fell = deepest_fall(base)
    highest = max(market.mark_e8[: place + 1])
    fall = (
        f"{market.symbol} fell by {percent(fell, highest)}, from {price(highest)} to"
        f" {price(market.mark_e8[place])}"
        if fell
        else "no mark fell"
    )
    return Outcome(
        scenario=base.played.scenario,
        title=base.played.title,
        accounts=base.played.accounts,
        ground=base.played.ground.value,
        version=base.played.program_version,
        judged=judged(base),
        totals=base.totals,
        fall=fall,
        price_line=_price_line(base, column(market.mark_e8), fall),
        liquidation_bars=_bars(base),
        most=_most(base),
        variants=len(variants),
    )


def index_page(outcomes: Sequence[Outcome]) -> str:
    """Write the index; the links go to `NAME.html` beside it. Raises ValueError without outcomes."""
    if not outcomes:
        raise ValueError("expected an outcome of a scenario for the index, found none: play one")
    ordered = sorted(outcomes, key=lambda each: (ORDER.index(each.judged.verdict), each.scenario))
    body = tag(
        "body",
        tag("a", "Skip to the table", href="#main", class_="skip"),
        tag(
            "header",
            tag("p", "Bellkeeper drill", class_="name"),
            tag("h1", "All scenarios"),
            tag("p", summary_of(ordered), class_="summary"),
        ),
        tag(
            "main",
            tag(
                "section",
                tag("div", _table(ordered), class_="scroll"),
                aria_label="Outcomes",
                class_="section outcomes",
            ),
            id="main",
            tabindex="-1",
        ),
        tag(
            "footer",
            tag("p", f"Bellkeeper {ordered[0].version}. Every figure is of the base case."),
        ),
    )
    return document("All scenarios: outcomes of the drills", body)


def summary_of(outcomes: Sequence[Outcome]) -> str:
    """Tell in words how many held, and what was the worst of each."""
    counts = [
        f"{found:,} {VERDICT_WORDS[verdict].lower()}"
        for verdict in ORDER
        if (found := sum(1 for each in outcomes if each.judged.verdict is verdict))
    ]
    told = f"{many(len(outcomes), 'scenario')}: {listed(counts)}."
    debt = max(outcomes, key=lambda each: each.totals.bad_debt_atoms)
    if debt.totals.bad_debt_atoms:
        told += f" The most bad debt, {money(debt.totals.bad_debt_atoms)}, was in {debt.scenario}."
    else:
        told += " None had bad debt."
    slowest = max(outcomes, key=lambda each: each.totals.worst_wait_seconds or 0)
    if slowest.totals.worst_wait_seconds:
        told += (
            f" The longest wait of an account that was due, {lasted(slowest.totals.worst_wait_seconds)},"
            f" was in {slowest.scenario}."
        )
    return told


def _table(outcomes: Sequence[Outcome]) -> Markup:
    caption = (
        "Outcomes, those that failed first; each row has its own curves, which are not of one scale"
    )
    return table(caption, HEADINGS, [_row(each) for each in outcomes])


def _row(each: Outcome) -> list[Markup | str]:
    totals, verdict = each.totals, each.judged.verdict
    played = f"{each.accounts:,} accounts, on {each.ground}"
    if each.variants:
        played += f", {many(each.variants, 'variant')}"
    wait = totals.worst_wait_seconds
    fund = totals.insurance_after_atoms - totals.insurance_before_atoms
    closed = sum(one.closed_atoms for one in totals.deleverages[:1])
    return [
        joined(
            [
                tag("a", each.title, href=f"{each.scenario}.html"),
                tag("br"),
                tag("small", f"{each.scenario} · {played}"),
            ]
        ),
        tag(
            "span",
            tag("b", VERDICT_WORDS[verdict], class_=f"outcome {verdict.value}"),
            tag("br"),
            tag("small", each.judged.sentence),
            class_="sentence",
        ),
        joined([each.price_line, tag("small", each.fall)]),
        joined([each.liquidation_bars, tag("small", each.most)]),
        *(
            tag("span", told, class_="figure")
            for told in (
                money(totals.liquidated_atoms),
                "–" if wait is None else lasted(wait),
                money(totals.bad_debt_atoms),
                f"{'+' if fund > 0 else ''}{money(fund)}",
                money(closed),
                f"{totals.halts:,}",
            )
        ),
    ]


def _price_line(base: DrillRecord, marks: Floats, fall: str) -> Markup:
    times = column(base.times)
    frame = _frame(base, float(marks.min()), float(marks.max()))
    kept = kept_of_line(times, marks, frame.start, frame.stop, frame.columns)
    pairs = zip(frame.across(times[kept]).tolist(), frame.down(marks[kept]).tolist(), strict=True)
    d = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in pairs)
    return _spark(d, f"Mark over the run: {fall}", None)


def _bars(base: DrillRecord) -> Markup:
    amounts = column([each.liquidated_atoms for each in base.buckets])
    if not amounts.any():
        return NOTHING
    frame = _frame(base, 0.0, float(amounts.max()))
    starts = frame.across(column([each.start for each in base.buckets]))
    tops = frame.down(amounts)
    # Of the buckets that share a pixel the largest is drawn.
    highest: dict[int, float] = {}
    for x, y in zip(np.floor(starts).astype(int).tolist(), tops.tolist(), strict=True):
        highest[x] = min(y, highest.get(x, HEIGHT))
    d = "".join(f"M{x} {HEIGHT}V{y:.1f}h1.2V{HEIGHT}z" for x, y in highest.items() if y < HEIGHT)
    return _spark(d, f"Liquidated over the run: {_most(base)}", "bar-first")


def _most(base: DrillRecord) -> str:
    most = max((each.liquidated_atoms for each in base.buckets), default=0)
    return f"at most {money(most)} a {bucket_words(base)}" if most else "none"


def _frame(base: DrillRecord, low: float, high: float) -> Frame:
    return Frame(
        left=1, right=WIDTH - 1, start=base.times[0], stop=end_of(base), top=2, bottom=HEIGHT,
        low=low if high > low else low - 1, high=high if high > low else low + 1,
    )  # fmt: skip


def _spark(d: str, words: str, class_: str | None) -> Markup:
    return tag(
        "svg",
        tag("title", words),
        tag("path", d=Markup(d), class_=class_),
        viewBox=f"0 0 {WIDTH} {HEIGHT}", class_="spark", role="img", aria_label=words,
    )  # fmt: skip
