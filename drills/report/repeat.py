"""How to play a run again, and what other seeds came to."""

import html
from collections.abc import Sequence

from drills.report.record import DrillRecord
from drills.report.variants import MEASURES, Measure
from drills.report.words import lasted, many
from keepers.page.html import Markup, joined, table, tag


def repeat_section(records: Sequence[DrillRecord]) -> Markup:
    """Say how to play it again, and what other seeds came to."""
    base = records[0]
    played, cost = base.played, base.cost
    facts = [
        ("scenario", played.scenario),
        ("seed", str(played.seed)),
        ("accounts", f"{played.accounts:,}"),
        ("played", f"on {played.ground.value}, {lasted(played.step_seconds)} a step"),
        ("version", played.program_version),
    ]
    if cost is not None:
        facts.append(("took", f"{lasted(cost.wall_seconds)}, {cost.peak_mib:,} MiB at most"))
    seeds = sorted({each.played.seed for each in records})
    return joined(
        [
            tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]),
            tag("p", "To play it again:"),
            # Nothing of a command may be cut, or it would not repeat the run.
            tag("pre", tag("code", Markup(html.escape(played.command)))),
            seeds_table(records) if len(seeds) > 1 else None,
        ]
    )


def seeds_table(records: Sequence[DrillRecord]) -> Markup:
    """Put the seeds of the base case side by side: least, middle and most of each figure."""
    first = records[0].played
    totals = [
        each.totals
        for each in records
        if (each.played.variant, each.played.ground, each.played.accounts)
        == (first.variant, first.ground, first.accounts)
    ]
    rows = []
    for measure in MEASURES:
        known = sorted(found for each in totals if (found := measure.read(each)) is not None)
        if known:
            rows.append([measure.label, *(_spread(measure, known))])
    return table(
        f"{many(len(totals), 'seed')} of the base case: every figure by itself, from its smallest to its largest",
        ("figure", "least", "middle", "most"),
        rows,
    )


def _spread(measure: Measure, ordered: Sequence[int]) -> list[str]:
    return [
        measure.write(ordered[place]) for place in (0, (len(ordered) - 1) >> 1, len(ordered) - 1)
    ]
