"""What the weekends came to, as two tables for people, and in plain words where incentives did not help."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from drills.incentives.policy import Arm

NAMES: Final = {
    Arm.WEEKDAY: "without",
    Arm.SCHEDULE: "schedule alone",
    Arm.KEEPER: "schedule and controller",
}
PPM_PER_BP: Final = 100
PPM_PER_PERCENT: Final = 10_000
SESSION_ROWS: Final = (
    ("depth within 25 bp, 1,000 USD", "depth_25bp_usd", 1_000, 0),
    ("quoted spread, bp", "spread_ppm", PPM_PER_BP, 1),
    ("both sides quoted, % of the time", "two_sided_ppm", PPM_PER_PERCENT, 1),
    ("volume, 1,000 USD", "volume_usd", 1_000, 0),
    ("rebates, USD", "rebates_usd", 1, 0),
    ("makers quoting", "makers_milli", 1_000, 1),
)
WEEKEND_ROWS: Final = (
    ("mark's error at the reopening, bp", "reopening_error_ppm", PPM_PER_BP, 0),
    ("the outside price's move over the closure, bp", "gap_ppm", PPM_PER_BP, 0),
    ("rebates, USD", "rebates_usd", 1, 0),
    ("of which spent of the budget, USD", "spent_usd", 1, 0),
    ("budget left, USD", "budget_left_usd", 1, 0),
    ("taker fees, USD", "taker_fees_usd", 1, 0),
    ("makers earned together, before their cost, USD", "makers_earned_usd", 1, 0),
    ("writes", "writes", 1, 0),
)


def as_markdown(report: Mapping[str, Any]) -> list[str]:
    """Write a report as people read it: medians, quartiles in brackets."""
    seeds, arms = report["seeds"], report["arms"]
    lines = [
        _head(report),
        "",
        _row(("the whole weekend", *(NAMES[arm] for arm in Arm))),
        _row(["---"] * (len(Arm) + 1)),
    ]
    for title, name, unit, digits in WEEKEND_ROWS:
        cells = [_cell(arms[arm.value]["figures"][name], unit, digits) for arm in Arm]
        lines.append(_row((title, *cells)))
    kept = [f"{arms[arm.value]['budget_kept']} of {len(seeds)}" for arm in Arm]
    lines += [_row(("budget kept", *kept)), ""]
    lines += [_row(("session", "", *(NAMES[arm] for arm in Arm))), _row(["---"] * (len(Arm) + 2))]
    for place, session in enumerate(arms[Arm.KEEPER.value]["sessions"]):
        for title, name, unit, digits in SESSION_ROWS:
            cells = [_cell(arms[arm.value]["sessions"][place][name], unit, digits) for arm in Arm]
            lines.append(_row((session["session"], title, *cells)))
    return [*lines, "", *_did_not_help(report)]


def _did_not_help(report: Mapping[str, Any]) -> list[str]:
    """Say for which seeds the closed session was no better than without the keeper, and what it cost."""
    lines = [
        "Where it did not help, while outside markets were closed (against weekday levers):",
        "",
    ]
    for arm in (Arm.SCHEDULE, Arm.KEEPER):
        against = report["against_without"][arm.value]
        gained = against["depth_gained_ppm"]
        lines.append(
            f"- {NAMES[arm]}: depth {_signed(gained['median'])} %"
            f" [{_signed(gained['lower_quartile'])}, {_signed(gained['upper_quartile'])}] for"
            f" {_cell(against['cost_usd'], 1, 0)} USD; {_seeds('shallower', against['shallower'])};"
            f" {_seeds('wider', against['wider'])};"
            f" {_seeds('less often two-sided', against['less_two_sided'])};"
            f" {_seeds('a worse mark at the reopening', against['worse_at_the_reopening'])}."
        )
    most, stated = (
        report["most_traded_per_second_usd"],
        report["largest_notional_per_second_usd"],
    )
    lines.append(
        f"- The reserve was told {stated:,} USD a second at most; the busiest minute had {most:,}."
    )
    return lines


def _head(report: Mapping[str, Any]) -> str:
    seeds = report["seeds"]
    many = (
        f"{len(seeds)} weekends (seeds {seeds[0]} to {seeds[-1]})"
        if len(seeds) > 1
        else f"one weekend (seed {seeds[0]})"
    )
    return (
        f"{report['market']}, {report['data']} data, {many}, budget {report['weekly_budget_usd']:,} USD."
        f" {_held_words(report['held'])}Medians, quartiles in brackets."
    )


def _held_words(held: Sequence[str]) -> str:
    return f"Held at the weekday's level: {', '.join(held)}. " if held else ""


def _seeds(what: str, seeds: Sequence[int]) -> str:
    if not seeds:
        return f"never {what}"
    return f"{what} with {len(seeds)} (seeds {', '.join(str(seed) for seed in seeds)})"


def _cell(figures: Mapping[str, int | None], unit: int, digits: int) -> str:
    median, low, high = (figures[name] for name in ("median", "lower_quartile", "upper_quartile"))
    if median is None or low is None or high is None:
        return "-"
    shown = [f"{value / unit:,.{digits}f}" for value in (median, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def _signed(ppm: int | None) -> str:
    return "-" if ppm is None else f"{ppm / PPM_PER_PERCENT:+.0f}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
