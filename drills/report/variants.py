"""The run beside its variants: one table, with every difference to the base case in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from drills.report.record import Deleverage, DrillRecord, Totals, Variant
from drills.report.words import lasted, many, money, ratio
from keepers.page.html import Markup, joined, table, tag

TITLES: Final = {
    Variant.BASE: "as it ships",
    Variant.NO_BREAKERS: "no breakers",
    Variant.NO_INCENTIVES: "no incentives",
    Variant.FROZEN_CLOSE: "mark frozen at the close",
    Variant.FULL_LIQUIDATION: "full liquidation",
    Variant.PROFIT_LEVERAGE: "deleverage by profit and leverage",
    Variant.PRO_RATA: "deleverage pro rata",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One row: a figure of a run, how it is written, and whether more of it is worse."""

    label: str
    read: Callable[[Totals], int | None]
    write: Callable[[int], str]
    is_more_worse: bool | None = None
    """None: neither is better by itself."""


def _count(number: int) -> str:
    return f"{number:,}"


def _needs(read: Callable[[Deleverage], int | None]) -> Callable[[Totals], int | None]:
    """Read a figure of the policy that a run was played under: the first that it names."""

    def of(totals: Totals) -> int | None:
        return read(totals.deleverages[0]) if totals.deleverages else None

    return of


MEASURES: Final = (
    Measure(label="notional liquidated", read=lambda each: each.liquidated_atoms, write=money),
    Measure(label="accounts liquidated", read=lambda each: each.liquidated_accounts, write=_count),
    Measure(
        label="longest wait",
        read=lambda each: each.worst_wait_seconds,
        write=lasted,
        is_more_worse=True,
    ),
    Measure(
        label="half waited at most",
        read=lambda each: each.median_wait_seconds,
        write=lasted,
        is_more_worse=True,
    ),
    Measure(
        label="accounts left under margin",
        read=lambda each: each.still_under_margin,
        write=_count,
        is_more_worse=True,
    ),
    Measure(
        label="bad debt", read=lambda each: each.bad_debt_atoms, write=money, is_more_worse=True
    ),
    Measure(
        label="insurance fund at the end",
        read=lambda each: each.insurance_after_atoms,
        write=money,
        is_more_worse=False,
    ),
    Measure(
        label="backstop at the end",
        read=lambda each: each.backstop_after_atoms,
        write=money,
        is_more_worse=False,
    ),
    Measure(
        label="need of deleverage",
        read=_needs(lambda each: each.need_atoms),
        write=money,
        is_more_worse=True,
    ),
    Measure(
        label="closed by deleverage, each side",
        read=_needs(lambda each: each.closed_atoms),
        write=money,
        is_more_worse=True,
    ),
    Measure(
        label="given up over the need, times",
        read=_needs(lambda each: each.haircut_over_need_ppm),
        write=ratio,
        is_more_worse=True,
    ),
    Measure(
        label="counterparties deleveraged",
        read=lambda each: each.deleveraged_accounts,
        write=_count,
        is_more_worse=True,
    ),
    Measure(label="halts", read=lambda each: each.halts, write=_count),
    Measure(label="time halted, all markets", read=lambda each: each.halted_seconds, write=lasted),
    Measure(
        label="time restricted, all markets",
        read=lambda each: each.restricted_seconds,
        write=lasted,
    ),
    Measure(
        label="spent on makers",
        read=lambda each: each.maker_cost_atoms,
        write=money,
        is_more_worse=True,
    ),
)


def comparison(base: DrillRecord, variants: Sequence[DrillRecord]) -> Markup:
    """Make the table; a cell has the variant's figure, and below it how it differs from the base case."""
    if not variants:
        return tag("p", "No variant was played: there is nothing to compare with.", class_="none")
    headings = ("figure", *(TITLES[each.played.variant] for each in (base, *variants)))
    rows = [
        [measure.label, _figure(measure, base), *(_cell(measure, base, each) for each in variants)]
        for measure in MEASURES
        if any(measure.read(each.totals) is not None for each in (base, *variants))
    ]
    caption = (
        f"{many(len(variants), 'variant')} against the base case, same seed, same accounts. Below each"
        " figure: its difference to the base case, and whether that is better or worse where it can be said"
    )
    return tag("div", table(caption, headings, rows, class_="compared"), class_="scroll")


def _figure(measure: Measure, record: DrillRecord) -> Markup:
    found = measure.read(record.totals)
    return tag("span", "–" if found is None else measure.write(found), class_="figure")


def _cell(measure: Measure, base: DrillRecord, variant: DrillRecord) -> Markup:
    words = difference(measure, base.totals, variant.totals)
    return joined(
        [
            _figure(measure, variant),
            " ",
            tag("small", words, class_=_class(words)) if words else None,
        ]
    )


def difference(measure: Measure, base: Totals, variant: Totals) -> str:
    """Say in words how a variant differs: `4.1M USD more, worse`; empty where either was not measured."""
    before, after = measure.read(base), measure.read(variant)
    if before is None or after is None:
        return ""
    if before == after:
        return "the same"
    is_more = after > before
    less = "fewer" if measure.write is _count else "less"
    told = f"{measure.write(abs(after - before))} {'more' if is_more else less}"
    if measure.is_more_worse is None:
        return told
    return f"{told}, {'worse' if is_more == measure.is_more_worse else 'better'}"


def _class(words: str) -> str | None:
    if words.endswith("worse"):
        return "bad"
    return "good" if words.endswith("better") else None
