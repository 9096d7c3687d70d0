"""`bellkeeper deleverage-drill`: a day at the scale of 10 October 2025, deleveraged under both policies.

Exit code 0 when it was measured and nobody is left in need, 2 when somebody is or was closed beyond the
need, 78 when a person must act.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from drills.deleverage_crowd import ACCOUNTS, FEWEST_ACCOUNTS
from drills.deleverage_drill import Played, StepSize, play
from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.reporting import add_json_argument, write_report
from risk.deleverage_rank import RankPolicy
from risk.units import ATOMS_PER_USD, PPM_SCALE, QuoteAtoms, div_trunc
from runtime.errors import OperatorError

MICROSECONDS: Final = 1_000_000
Writer: TypeAlias = Callable[[Mapping[str, Any]], str]
"""Writes one figure of a policy."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--accounts", type=int, default=ACCOUNTS, metavar="N", help=f"(default: {ACCOUNTS})")
    add("--seed", type=int, default=1, metavar="S", help="of the crowd (default: 1)")
    add("--batches", type=int, default=8, metavar="N", help="of 64 items, one step (default: 8)")
    add("--step-usd", type=int, default=50_000_000, metavar="USD", help="(default: 50000000)")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play both policies; print what they did."""
    if (
        arguments.accounts < FEWEST_ACCOUNTS
        or arguments.seed < 0
        or min(arguments.batches, arguments.step_usd) < 1
    ):
        raise OperatorError(
            f"expected --accounts of at least {FEWEST_ACCOUNTS}, --seed of at least 0, --batches and"
            f" --step-usd of at least 1, found {arguments.accounts}, {arguments.seed},"
            f" {arguments.batches} and {arguments.step_usd}: choose other numbers"
        )
    size = StepSize(
        batches=arguments.batches, notional=QuoteAtoms(arguments.step_usd * ATOMS_PER_USD)
    )
    played = [play(policy, arguments.accounts, arguments.seed, size) for policy in RankPolicy]
    report = as_report(arguments.accounts, arguments.seed, played)
    write_report(arguments, report, as_markdown(report))
    is_good = not any(each.still_in_need or each.overclosed for each in played)
    return EXIT_GOOD if is_good else EXIT_CHECK_FAILED


def as_report(accounts: int, seed: int, played: Sequence[Played]) -> dict[str, object]:
    """Give everything that was measured: whole USD (rounded toward zero), ppm, microseconds."""
    return {
        "accounts": accounts,
        "seed": seed,
        "accounts_in_need": played[0].accounts_in_need,
        "owed_usd": _usd(played[0].owed),
        "policies": {each.policy.value: _policy(each) for each in played},
    }


def _policy(each: Played) -> dict[str, object]:
    taken = each.haircut
    return {
        "steps": each.steps,
        "items": each.items,
        "plan_median_us": round(each.median_plan_seconds * MICROSECONDS),
        "plan_longest_us": round(max(each.plan_seconds, default=0.0) * MICROSECONDS),
        "counterparties": taken.counterparty_count,
        "most_items_of_one_counterparty": each.most_items_of_one,
        "closed_usd": _usd(taken.closed_notional),
        "given_up_usd": _usd(taken.given_up),
        "haircut_over_need_ppm": taken.over_need,
        "closed_profit_over_covered_ppm": taken.closed_profit_over_covered,
        "largest_part_of_an_equity_ppm": each.largest_part_ppm,
        "closed_by_the_largest_tenth_ppm": each.tenth_share_ppm,
        "overclosed_e8": each.overclosed,
        "still_in_need": each.still_in_need,
    }


def as_markdown(report: Mapping[str, Any]) -> list[str]:
    """Write a report as people read it."""
    policies: Mapping[str, Mapping[str, Any]] = report["policies"]
    rows = (
        ("steps", _plain("steps")),
        ("items", _plain("items")),
        ("plan of a step, median", _milliseconds("plan_median_us")),
        ("plan of a step, longest", _milliseconds("plan_longest_us")),
        ("counterparties touched", _plain("counterparties")),
        ("most items of one counterparty", _plain("most_items_of_one_counterparty")),
        ("closed on each side, USD", _plain("closed_usd")),
        ("given up by counterparties, USD", _plain("given_up_usd")),
        ("haircut over need", _times("haircut_over_need_ppm")),
        ("profit of what was closed, over what was owed", _times("closed_profit_over_covered_ppm")),
        ("largest part of its equity that one gave up", _percent("largest_part_of_an_equity_ppm")),
        (
            "closed by the largest tenth of those touched",
            _percent("closed_by_the_largest_tenth_ppm"),
        ),
        ("closed beyond the need, 1e-8 share", _plain("overclosed_e8")),
        ("still in need", _plain("still_in_need")),
    )
    heading = ("", *policies)
    crowd = (
        f"{report['accounts']:,} accounts in one market, seed {report['seed']}:"
        f" {report['accounts_in_need']:,} in need owe {report['owed_usd']:,} USD, pools empty."
    )
    return [
        crowd,
        "",
        _row(heading),
        _row(["---"] * len(heading)),
        *(_row((label, *(write(each) for each in policies.values()))) for label, write in rows),
    ]


def _plain(key: str) -> Writer:
    return lambda figures: f"{figures[key]:,}"


def _milliseconds(key: str) -> Writer:
    return lambda figures: f"{figures[key] / 1_000:,.1f} ms"


def _times(key: str) -> Writer:
    return lambda figures: "–" if figures[key] is None else f"{figures[key] / PPM_SCALE:.6f}"


def _percent(key: str) -> Writer:
    return lambda figures: f"{figures[key] / PPM_SCALE:.2%}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _usd(atoms: int) -> int:
    return div_trunc(atoms, ATOMS_PER_USD)
