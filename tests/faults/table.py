"""The table of docs/reliability.md, from outcomes; nothing in it is written by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.faults.case import Case, Outcome
from tests.faults.checks import Verdict

BEGIN: Final = (
    "<!-- table: begin, written by `python -m tests.faults --write docs/reliability.md` -->"
)
END: Final = "<!-- table: end -->"
_HEAD: Final = (
    "| fault | what is done | runs | lost | doubled | unbalanced | longest recovery | seeds |\n"
    "|---|---|---|---|---|---|---|---|"
)


def table(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> str:
    """Write a line per case that was played."""
    lines = [_HEAD]
    for case in cases:
        runs = [each for each in outcomes if each.case == case.name]
        if runs:
            lines.append(_line(case, runs))
    notes = [
        f"- {each.case}, seed {each.seed}: {'; '.join(each.notes)}."
        for each in outcomes
        if each.notes
    ]
    return "\n".join([*lines, "", *notes])


def _line(case: Case, runs: Sequence[Outcome]) -> str:
    lost = sum(len(each.verdict.lost) for each in runs)
    doubled = sum(len(each.verdict.doubled) for each in runs)
    unbalanced = sum(len(each.verdict.unbalanced) for each in runs)
    faults = sum(each.faults for each in runs)
    blocks = max(each.blocks for each in runs)
    milliseconds = max(each.milliseconds for each in runs)
    broken = [each for each in runs if each.error]
    found = " **not judged**" if broken else ""
    seeds = ", ".join(str(each.seed) for each in runs)
    return (
        f"| {case.name} | {case.what} | {faults}{found} | {lost} | {doubled} | {unbalanced} "
        f"| {blocks} blocks, {milliseconds:,} ms | {seeds} |"
    )


def write_between_marks(page: Path, text: str) -> None:
    """Put the table into the page; raises ValueError when it has no place for it."""
    old = page.read_text(encoding="utf-8")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the marks of a table in {page.name}, found none")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Give all outcomes with every finding, for machines."""
    return json.dumps([_plain(each) for each in outcomes], indent=2) + "\n"


def from_json(text: str) -> list[Outcome]:
    """Read what `as_json` gave, to put several runs into one table."""
    return [
        Outcome(
            case=told["case"],
            seed=told["seed"],
            faults=told["runs"],
            verdict=Verdict(
                lost=tuple(told["lost"]),
                doubled=tuple(told["doubled"]),
                unbalanced=tuple(told["unbalanced"]),
            ),
            blocks=told["longest_recovery_blocks"],
            milliseconds=told["longest_recovery_ms"],
            notes=tuple(told["notes"]),
            error=told["error"],
        )
        for told in json.loads(text)
    ]


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "case": outcome.case,
        "seed": outcome.seed,
        "runs": outcome.faults,
        "lost": list(outcome.verdict.lost),
        "doubled": list(outcome.verdict.doubled),
        "unbalanced": list(outcome.verdict.unbalanced),
        "longest_recovery_blocks": outcome.blocks,
        "longest_recovery_ms": outcome.milliseconds,
        "notes": list(outcome.notes),
        "error": outcome.error,
    }
