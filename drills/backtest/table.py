"""How well each way would have predicted the open: medians, 95th percentiles, and where it lost.

Percentiles are nearest-rank, so each is an error that happened. A way is worse than the frozen
close on a weekend when its error is larger, by however little. Errors are written in bp, two decimals.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from drills.backtest.data import Day, Weekend, is_weekend
from drills.backtest.replay import (
    ERRORS_PER_BP,
    KNOWLEDGE,
    Method,
    Outcome,
    ReplayRules,
)
from drills.summary import percentile
from risk.units import PPM_SCALE

TITLES: Final = {
    Method.INDEX: "our index",
    Method.MARK: "our mark",
    Method.FROZEN: "frozen close",
    Method.EMA: "1 h EMA of the mid",
    Method.MID: "the mid itself",
}
EVERY: Final = "all weekends"
LARGE_BP: Final = 100
PARTS: Final[Mapping[str, Callable[[Outcome], bool]]] = {
    EVERY: lambda _: True,
    "open differs from close": lambda outcome: outcome.weekend.open != outcome.weekend.close,
    f"open {LARGE_BP} bp or more away": lambda outcome: (
        outcome.errors[Method.FROZEN] >= LARGE_BP * ERRORS_PER_BP
    ),
}
"""Weekends that are told apart besides the years; the first two differ where opens are stale."""


def facts(days: Sequence[Day], played: Sequence[Weekend], first: int, last: int) -> dict[str, int]:
    """Count what the data is like, for reopenings in the years from `first` to `last`."""
    pairs = [
        (before, after)
        for before, after in itertools.pairwise(days)
        if first <= after.date.year <= last
    ]
    found = [(before, after) for before, after in pairs if is_weekend(before, after)]
    return {
        "nights": len(pairs),
        "nights_with_open_equal_to_close": sum(
            after.open == before.close for before, after in pairs
        ),
        "weekends": len(found),
        "weekends_played": len(played),
        "weekends_with_open_equal_to_close": sum(
            after.open == before.close for before, after in found
        ),
    }


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    """Give a row for each knowledge and part of the weekends, and for each knowledge and year."""
    years = sorted({outcome.weekend.reopened_on.year for outcome in outcomes})
    table: list[dict[str, object]] = []
    for knowledge in KNOWLEDGE:
        of_knowledge = [outcome for outcome in outcomes if outcome.knowledge == knowledge]
        table += [
            {"knowledge": knowledge, "part": name, **_row(filter(belongs, of_knowledge))}
            for name, belongs in PARTS.items()
        ]
        table += [
            {
                "knowledge": knowledge,
                "year": year,
                **_row(each for each in of_knowledge if each.weekend.reopened_on.year == year),
            }
            for year in years
        ]
    return table


def bound_facts(outcomes: Sequence[Outcome], rules: ReplayRules) -> dict[str, object]:
    """Count how often the discovery bound mattered: opens beyond it, resets, marks that stood on it."""
    bound = rules.mark.bound
    share = bound.bound / PPM_SCALE
    highest, lowest = (
        (1 + share) ** (bound.most_resets + 1),
        (1 - share) ** (bound.most_resets + 1),
    )
    weekends = [outcome.weekend for outcome in outcomes if outcome.knowledge == KNOWLEDGE[0]]
    return {
        "opens_beyond_the_bound": sum(
            abs(weekend.open - weekend.close) * PPM_SCALE > weekend.close * bound.bound
            for weekend in weekends
        ),
        "opens_beyond_all_resets": sum(
            not lowest <= weekend.open / weekend.close <= highest for weekend in weekends
        ),
        "weekends_with_a_reset": _by_knowledge(outcomes, lambda outcome: outcome.resets > 0),
        "weekends_with_the_mark_on_the_bound": _by_knowledge(
            outcomes, lambda outcome: outcome.looks_at_bound > 0
        ),
        "marks_on_the_bound_at_the_end": _by_knowledge(
            outcomes, lambda outcome: outcome.is_at_bound
        ),
    }


def as_markdown(report: Mapping[str, object]) -> list[str]:
    """Write a report for people."""
    data, bound, table = report["data"], report["bound"], report["rows"]
    assert isinstance(data, Mapping)
    assert isinstance(bound, Mapping)
    assert isinstance(table, list)
    played = (
        f"{data['weekends_played']} of {data['weekends']} weekends played; the open equals the close"
        f" before it on {data['weekends_with_open_equal_to_close']} of the {data['weekends']}, and on"
        f" {data['nights_with_open_equal_to_close']} of all {data['nights']} nights."
    )
    bounded = (
        f"Opens beyond the discovery bound: {bound['opens_beyond_the_bound']}, beyond all its resets:"
        f" {bound['opens_beyond_all_resets']}. Weekends with a reset, by knowledge:"
        f" {_listed(bound['weekends_with_a_reset'])}; with the mark on the bound at some look:"
        f" {_listed(bound['weekends_with_the_mark_on_the_bound'])}, at the last one:"
        f" {_listed(bound['marks_on_the_bound_at_the_end'])}."
    )
    lines = [
        f"# {report['series']}, {report['from']} to {report['to']}, seed {report['seed']}",
        "",
        played,
        bounded,
        "",
        "Error at the open in bp: median / 95th percentile (weekends worse than the frozen close).",
        "",
        *_table("knowledge, weekends", [row for row in table if "part" in row]),
    ]
    for knowledge in KNOWLEDGE:
        yearly = [row for row in table if "year" in row and row["knowledge"] == knowledge]
        lines += ["", f"By year, knowledge {knowledge:g}:", "", *_table("year", yearly)]
    return lines


def _row(outcomes: Iterable[Outcome]) -> dict[str, object]:
    chosen = list(outcomes)
    return {
        "weekends": len(chosen),
        "open_equals_close": sum(each.weekend.open == each.weekend.close for each in chosen),
        "methods": {method.value: _figures(method, chosen) for method in Method},
    }


def _figures(method: Method, outcomes: Sequence[Outcome]) -> dict[str, float | int | None]:
    errors = sorted(outcome.errors[method] for outcome in outcomes)
    return {
        "median_bp": _bp(percentile(errors, 0.50)),
        "p95_bp": _bp(percentile(errors, 0.95)),
        "largest_bp": _bp(percentile(errors, 1.0)),
        "worse_than_frozen": sum(
            outcome.errors[method] > outcome.errors[Method.FROZEN] for outcome in outcomes
        ),
    }


def _bp(error: int | None) -> float | None:
    return None if error is None else round(error / ERRORS_PER_BP, 2)


def _by_knowledge(outcomes: Sequence[Outcome], counts: Callable[[Outcome], bool]) -> dict[str, int]:
    return {
        f"{knowledge:g}": sum(
            counts(outcome) for outcome in outcomes if outcome.knowledge == knowledge
        )
        for knowledge in KNOWLEDGE
    }


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{knowledge}: {count}" for knowledge, count in counts.items())


def _table(first: str, table: Sequence[Mapping[str, object]]) -> list[str]:
    head = [first, "weekends", "open = close", *TITLES.values()]
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for row in table:
        methods = row["methods"]
        assert isinstance(methods, Mapping)
        name = row["year"] if "year" in row else f"{row['knowledge']:g}, {row['part']}"
        cells = [str(name), str(row["weekends"]), str(row["open_equals_close"])]
        cells += [_cell(method, methods[method.value]) for method in TITLES]
        lines.append(" | ".join(cells))
    return [f"| {line} |" for line in lines]


def _cell(method: Method, figures: Mapping[str, float | int | None]) -> str:
    if figures["median_bp"] is None:
        return "–"
    shown = f"{figures['median_bp']:.1f} / {figures['p95_bp']:.1f}"
    return shown if method is Method.FROZEN else f"{shown} ({figures['worse_than_frozen']})"
