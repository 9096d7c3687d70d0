"""`bellkeeper actions`: what is told of corporate actions, imports of what is published, and orders.

`import` reads a file that the operator has downloaded; nothing here goes near a network. `show` tells which
actions enough sources agree on, and what a person must look at; with `--strict` that is a failed check.
`approve`, `abort` and `resume` write an order into the file that the running keeper reads.
"""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from config.corporate_actions import ACTIONS_DIRECTORY, load_actions
from config.corporate_import import EASTERN_NAME, ImportResult, import_actions, write_actions
from config.corporate_sources import READERS
from config.markets import MARKETS_DIRECTORY
from config.schema.corporate_actions import ActionRow
from keepers.commands.action_orders import add_order_verbs, order
from keepers.commands.reporting import add_json_argument, columns, write_report
from monitors.corporate.orders import ActionOrderKind
from risk.corporate_agreement import Agreement
from risk.corporate_rules import CorporateRules
from runtime.clock import SystemClock
from runtime.errors import OperatorError

EXIT_CHECK_FAILED: Final = 2
HEADINGS: Final = ("UTC", "action", "accord", "why")
KEPT_BACK: Final = timedelta(days=10)
"""So far back an import keeps actions: what was missed must still be seen."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    importer = verbs.add_parser("import", help="bring a download into a file of actions")
    importer.add_argument(
        "--format", dest="form", choices=sorted(READERS), required=True, help="who published it"
    )
    importer.add_argument(
        "--from", dest="source", type=Path, required=True, metavar="FILE", help="the download"
    )
    importer.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file to write (TOML)"
    )
    add_json_argument(importer)
    shower = verbs.add_parser("show", help="print the actions ahead, and how far sources agree")
    shower.add_argument(
        "--actions",
        type=Path,
        default=ACTIONS_DIRECTORY,
        metavar="DIR",
        help="files of actions (those that are shipped)",
    )
    shower.add_argument(
        "--strict", action="store_true", help="exit 2 when an action ahead is not agreed on"
    )
    add_json_argument(shower)
    add_order_verbs(verbs)


def run(arguments: argparse.Namespace) -> int:
    """Import or show; give the exit code."""
    if arguments.verb in set(ActionOrderKind):
        return order(arguments)
    return _import(arguments) if arguments.verb == "import" else _show(arguments)


def _import(arguments: argparse.Namespace) -> int:
    now = datetime.fromtimestamp(SystemClock().now(), tz=UTC)
    result = import_actions(
        form=arguments.form,
        source=arguments.source,
        out=arguments.out,
        symbols=frozenset(path.stem.upper() for path in MARKETS_DIRECTORY.glob("*.toml")),
        since=(now - KEPT_BACK).astimezone(ZoneInfo(EASTERN_NAME)).date(),
    )
    write_actions(
        arguments.out, result.rows, form=arguments.form, source=arguments.source, heard_at=now
    )
    report = {
        "format": arguments.form,
        "file": str(arguments.out),
        "actions": len(result.rows),
        "added": [_row(each) for each in result.added],
        "gone": [_row(each) for each in result.gone],
        "left_out": list(result.left_out),
        "past": result.past,
    }
    write_report(arguments, report, _import_text(arguments, result))
    return 0


def _import_text(arguments: argparse.Namespace, result: ImportResult) -> list[str]:
    text = [f"{arguments.out}: {len(result.rows)} actions, {result.past} past ones left out"]
    sections = (
        ("added", [_words(each) for each in result.added]),
        ("gone, or told otherwise now", [_words(each) for each in result.gone]),
        ("left out, to be written by hand", list(result.left_out)),
    )
    for title, lines in sections:
        if lines:
            text += [f"{title}:", *(f"  {line}" for line in lines)]
    if not (result.added or result.gone):
        text.append("nothing is different")
    return text


def _words(row: ActionRow) -> str:
    amount = None if row.amount is None else f"{row.amount:f} USD"
    to = None if row.new_symbol is None else f"to {row.new_symbol}"
    special = "special" if row.is_special else None
    parts = (row.ex_date.isoformat(), row.symbol, special, row.kind, row.ratio, amount, to)
    return " ".join(each for each in parts if each)


def _row(row: ActionRow) -> dict[str, object]:
    return row.model_dump(mode="json", exclude={"approval", "name"})


def _show(arguments: argparse.Namespace) -> int:
    if not arguments.actions.is_dir():
        raise OperatorError(
            f"expected a folder of files of actions at {arguments.actions}, found none: correct"
            " --actions"
        )
    now, rules = int(SystemClock().now()), CorporateRules()
    judged = load_actions(arguments.actions).agreements(rules)
    ahead = {key: each for key, each in judged.items() if _moment(each) + rules.taken_up_for >= now}
    table = [HEADINGS]
    for key, each in sorted(ahead.items(), key=lambda item: (_moment(item[1]), item[0])):
        begins = f"{datetime.fromtimestamp(_moment(each), tz=UTC):%Y-%m-%d %H:%M}"
        table.append((begins, key, each.accord.value, each.why))
    report = {
        "actions": [
            {
                "key": key,
                "effective_seconds": _moment(each),
                "accord": each.accord.value,
                "terms": None if each.action is None else str(each.action),
                "why": each.why,
            }
            for key, each in ahead.items()
        ]
    }
    write_report(arguments, report, columns(table) if ahead else ["no corporate action is ahead"])
    is_open = any(not each.is_resolved for each in ahead.values())
    return EXIT_CHECK_FAILED if arguments.strict and is_open else 0


def _moment(agreement: Agreement) -> int:
    """Give the first moment that anybody names."""
    told = agreement.told if agreement.action is None else (*agreement.told, agreement.action)
    return min(each.effective for each in told)
