"""`bellkeeper drill`: play a scenario against the whole system, in memory or on a chain, and report it.

Exit code 0 when every invariant and everything stated by the scenario held, 2 when something did not, 78 when a
person must act. Ctrl-C keeps what was finished; the same command goes on with what is missing.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from drills.crowd.terms import LARGEST_CROWD, SMALLEST_CROWD
from drills.drill.campaign import Campaign, carry_out, every_record, plans_of
from drills.drill.plan import RunPlan, span_of
from drills.drill.progress import Shown
from drills.drill.table import groups, overview_table, variants_table, write_page
from drills.drill.terms import USUAL_ACCOUNTS
from drills.report.output import write_index, write_scenario
from drills.report.record import DrillRecord, Ground, Variant
from drills.report.record_file import to_json
from drills.scenario.loader import load_scenario, shipped_scenarios
from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.reporting import add_json_argument, columns, write_report
from risk.units import Seconds
from runtime.errors import OperatorError

FOLDER: Final = Path("build") / "drills"
CHAIN_ACCOUNTS: Final = 2_000
MOST_ON_CHAIN: Final = 5_000
HOUR: Final = 3_600
_COURSES: Final = ("times", "markets", "facts")
"""What is long in a record, and left to its file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("scenario", nargs="?", metavar="NAME", help="a scenario, or the path of your own TOML file")
    add("--list", action="store_true", help="list the scenarios that ship")
    add("--all", action="store_true", help="every scenario that ships")
    add("--on", choices=[each.value for each in Ground], default=Ground.MEMORY.value)
    add(
        "--accounts",
        type=int,
        metavar="N",
        help=f"(default: {USUAL_ACCOUNTS}; {CHAIN_ACCOUNTS} on a chain)",
    )
    add("--seed", type=int, default=1, metavar="S", help="of path and crowd (default: 1)")
    add("--seeds", type=int, default=1, metavar="K", help="play so many seeds, from --seed on")
    add(
        "--variant",
        action="append",
        default=[],
        choices=["all", *(each.value for each in Variant)],
        help="what to change, beside the system as it ships; may be repeated (memory only)",
    )
    add("--from", dest="begin", metavar="TIME", help="begin later: seconds since 1970, or ISO 8601")
    add("--until", metavar="TIME", help="end sooner")
    add("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")
    add("--report", type=Path, default=FOLDER, metavar="DIR", help=f"(default: {FOLDER})")
    add("--anew", action="store_true", help="play again what lies in the folder")
    add(
        "--write-docs",
        action="store_true",
        help="write every record of the folder into the tables of docs/drills.md; alone, play nothing",
    )
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Play what is missing; write pages and tables."""
    if arguments.list:
        return _list(arguments)
    if arguments.write_docs and not (arguments.scenario or arguments.all):
        write_page(every_record(arguments.report))
        return EXIT_GOOD
    _check(arguments)
    campaign = Campaign(
        plans=_plans(arguments),
        folder=arguments.report,
        jobs=arguments.jobs,
        anew=arguments.anew,
    )
    with Shown(is_quiet=arguments.json == "-", total=len(campaign.missing())) as shown:
        carry_out(campaign, on_progress=shown.progress, on_done=shown.done)
    records = campaign.records()
    _write_pages(records, arguments.report)
    if arguments.write_docs:
        write_page(every_record(arguments.report))
    write_report(arguments, _as_report(records), _as_text(records))
    return EXIT_CHECK_FAILED if any(each.has_failed for each in records) else EXIT_GOOD


# --- what is asked ------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> None:
    if bool(arguments.scenario) == arguments.all:
        raise OperatorError(
            "expected one scenario or --all, found"
            f" {'both' if arguments.all else 'neither'}: `bellkeeper drill --list` names them"
        )
    accounts, ground = _accounts(arguments), Ground(arguments.on)
    most = LARGEST_CROWD if ground is Ground.MEMORY else MOST_ON_CHAIN
    if not SMALLEST_CROWD <= accounts <= most:
        raise OperatorError(
            f"expected --accounts from {SMALLEST_CROWD} to {most} on {ground.value}, found {accounts}:"
            " choose a number between them"
        )
    if arguments.seeds < 1 or arguments.jobs < 1 or arguments.seed < 0:
        raise OperatorError(
            "expected --seeds and --jobs of at least 1 and --seed of at least 0, found"
            f" {arguments.seeds}, {arguments.jobs} and {arguments.seed}: choose other numbers"
        )
    if ground is Ground.CHAIN and (arguments.variant or arguments.begin or arguments.until):
        raise OperatorError(
            "expected no --variant, --from or --until on a chain, found one: play it with --on memory"
        )
    if arguments.all and (arguments.begin or arguments.until):
        raise OperatorError(
            "expected --from and --until with one scenario, found --all: name the scenario"
        )


def _accounts(arguments: argparse.Namespace) -> int:
    usual = USUAL_ACCOUNTS if arguments.on == Ground.MEMORY.value else CHAIN_ACCOUNTS
    return usual if arguments.accounts is None else int(arguments.accounts)


def _plans(arguments: argparse.Namespace) -> tuple[RunPlan, ...]:
    names = shipped_scenarios() if arguments.all else (arguments.scenario,)
    chosen = list(dict.fromkeys(arguments.variant))
    variants = tuple(Variant) if "all" in chosen else tuple(Variant(each) for each in chosen)
    plans = plans_of(
        names,
        accounts=_accounts(arguments),
        ground=Ground(arguments.on),
        variants=tuple(dict.fromkeys((Variant.BASE, *variants))),
        seeds=range(arguments.seed, arguments.seed + arguments.seeds),
    )
    begin, until = _moment(arguments.begin), _moment(arguments.until)
    found = tuple(each.between(begin, until) for each in plans)
    for each in found:
        span_of(each, load_scenario(each.scenario))
    return found


def _moment(text: str | None) -> Seconds | None:
    """Read a time; raises OperatorError with one sentence."""
    if text is None:
        return None
    if text.isdecimal():
        return Seconds(int(text))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise OperatorError(
            f"expected a time in seconds since 1970, or as 2025-10-10T17:30-04:00, found {text!r}:"
            " write one of them"
        )
    return Seconds(int(found.timestamp()))


# --- what is answered ---------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    rows, found = [("scenario", "hours", "markets", "what")], {}
    for name in shipped_scenarios():
        each = load_scenario(name)
        hours, markets = (each.end - each.start) // HOUR, [market.symbol for market in each.markets]
        rows.append((name, str(hours), ", ".join(markets), each.title))
        found[name] = {"title": each.title, "hours": hours, "markets": markets}
    write_report(arguments, {"scenarios": found}, columns(rows))
    return EXIT_GOOD


def _write_pages(records: Sequence[DrillRecord], folder: Path) -> None:
    by_scenario: dict[str, list[DrillRecord]] = {}
    for record in records:
        by_scenario.setdefault(record.played.scenario, []).append(record)
    outcomes = [write_scenario(group, folder) for group in by_scenario.values()]
    if outcomes:
        write_index(outcomes, folder)


def _as_report(records: Sequence[DrillRecord]) -> Mapping[str, object]:
    runs: list[dict[str, Any]] = [json.loads(to_json(each)) for each in records]
    for each in runs:
        for key in _COURSES:
            del each[key]
    return {"runs": runs}


def _as_text(records: Sequence[DrillRecord]) -> list[str]:
    lines = [*overview_table(records), ""]
    for group in groups(records):
        if len(group) > 1:
            played = group[0].played
            lines += [f"{played.scenario}, seed {played.seed}:", "", *variants_table(group), ""]
    for record in records:
        name = record.played.scenario
        lines += [
            f"{name}: {each.name}: {each.found}" for each in record.invariants if not each.holds
        ]
        lines += [
            f"{name}: {each.what}: {each.found}"
            for each in record.expectations
            if not each.happened
        ]
    return lines
