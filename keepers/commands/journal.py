"""`bellkeeper journal show|replay`: what was decided and why, and the same decisions judged again.

A replay takes the evidence that was journaled with each liquidation, judges it with the code that
runs now, and compares: the same verdict, to the atom, or the difference is printed and the exit code
is 2. Both read only, also while a keeper writes.
"""

import argparse
from datetime import UTC, datetime
from typing import Any

from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from risk.evidence import judge_again, summary
from runtime.errors import OperatorError
from runtime.journal import JournalReader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True)
    for name, help_text in (
        ("show", "print the newest decisions with their transactions"),
        ("replay", "judge the journaled decisions again and compare"),
    ):
        action = actions.add_parser(name, help=help_text)
        add_config_argument(action)
        add_json_argument(action)
        action.add_argument("--account", metavar="ACCOUNT", help="only this account's")
        action.add_argument("--trace", metavar="ID", help="only the decision of this trace")
        action.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many")


def run(arguments: argparse.Namespace) -> int:
    """Show or replay."""
    path = load_config(arguments).settings.journal.path
    with JournalReader.open_to_read(path) as journal:
        key = None if arguments.trace is None else _key_of(journal, arguments.trace)
        entries = list(journal.show(account=arguments.account, limit=arguments.limit, key=key))
    if arguments.action == "show":
        write_report(arguments, {"intents": entries}, _listing(entries))
        return EXIT_GOOD
    return _replay(arguments, entries)


def _key_of(journal: JournalReader, trace_id: str) -> str:
    """Find the intent of a trace; raises OperatorError if the journal has none."""
    key = journal.key_of_trace(trace_id.lower())
    if key is None:
        raise OperatorError(
            f"expected the trace of a journaled intent, found none for {trace_id}: "
            "correct the 32 hexadecimal digits, or read the journal of the keeper that planned it"
        )
    return key


def _listing(entries: list[dict[str, Any]]) -> list[str]:
    if not entries:
        return ["nothing was planned yet"]
    rows = [
        (
            *("planned (UTC)", "kind", "market", "account", "state", "outcome", "transaction"),
            *("trace", "why"),
        )
    ]
    rows += [
        (
            datetime.fromtimestamp(entry["planned_at"], UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            entry["kind"],
            entry["market"],
            entry["account"],
            entry["state"],
            entry["outcome"] or "-",
            entry["transaction_hash"] or "-",
            entry["trace_id"],
            entry["payload"].get("reason", entry["reason"]) if entry["payload"] else "pruned",
        )
        for entry in entries
    ]
    return columns(rows)


def _replay(arguments: argparse.Namespace, entries: list[dict[str, Any]]) -> int:
    compared = [
        (entry["key"], entry["payload"]["evidence"])
        for entry in entries
        if entry["payload"] and "evidence" in entry["payload"]
    ]
    differences: dict[str, object] = {}
    for key, found in compared:
        try:
            again: object = summary(judge_again(found))
        except (KeyError, TypeError, ValueError) as error:
            again = f"the evidence is not whole: {error!r}"
        if again != found.get("verdict"):
            differences[key] = {"journaled": found.get("verdict"), "judged_again": again}
    text = [f"{len(compared)} decisions judged again, {len(differences)} differ"]
    text += [f"  {key}: {difference}" for key, difference in differences.items()]
    write_report(arguments, {"judged": len(compared), "differences": differences}, text)
    return EXIT_CHECK_FAILED if differences else EXIT_GOOD
