"""`bellkeeper admin`: what may be asked of a running keeper, what was asked lately, and the asking.

Orders about markets, plans, prices and corporate actions have commands of their own (`halt`, `plan`,
`vouch`, `actions`); here are those that only a running process can do. Each goes over the unix socket
that `[admin] socket` names.
"""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from config.settings import Settings
from keepers.admin.client import carry_out, list_over_socket
from keepers.admin.deeds import BY_FILE
from keepers.admin.reasons import clean_reason
from keepers.admin.record import recent
from keepers.admin.service import SHOWN
from keepers.admin.terms import TERMS, Action, AdminRequest
from keepers.commands.ordering import add_reason_argument
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from runtime.journal import JournalReader

LIST: Final = "list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do, and its arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    shower = verbs.add_parser(LIST, help="tell the actions, and what was asked for lately")
    add_config_argument(shower)
    add_json_argument(shower)
    for action in [each for each in Action if each not in BY_FILE]:
        terms = TERMS[action]
        verb = verbs.add_parser(action.value, help=terms.about, description=terms.about)
        for name in terms.needs:
            verb.add_argument(name, metavar=name.upper())
        add_config_argument(verb)
        add_reason_argument(verb)


def run(arguments: argparse.Namespace) -> int:
    """List, or ask; give the exit code."""
    settings = load_config(arguments).settings
    if arguments.verb == LIST:
        return _list(arguments, settings)
    action = Action(arguments.verb)
    request = AdminRequest(
        action=action,
        fields={name: getattr(arguments, name) for name in TERMS[action].needs},
        reason=clean_reason(arguments.reason),
    )
    print(carry_out(settings, request))
    return 0


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    path = settings.admin.socket
    answer = None if path is None else list_over_socket(path)
    entries = _journaled(settings) if answer is None else answer["recent"]
    text = columns([(action.value, terms.about) for action, terms in TERMS.items()])
    text += ["", "asked for lately" if entries else "nothing was asked for lately"]
    text += columns([_line(entry) for entry in entries])
    report = {
        "is_answered_by_keeper": answer is not None,
        "actions": {action.value: terms.about for action, terms in TERMS.items()},
        "recent": entries,
    }
    write_report(arguments, report, text)
    return 0


def _journaled(settings: Settings) -> list[dict[str, Any]]:
    """Read the record from the journal, as far as there is one."""
    if not settings.journal.path.exists():
        return []
    with JournalReader.open_to_read(settings.journal.path) as journal:
        return [entry.told() for entry in recent(journal, SHOWN)]


def _line(entry: Mapping[str, Any]) -> tuple[str, ...]:
    at = datetime.fromtimestamp(entry["at_seconds"], tz=UTC)
    what = " ".join([entry["action"], *map(str, entry["fields"].values())])
    return (
        f"{at:%Y-%m-%d %H:%M:%S}",
        what,
        entry["fate"],
        entry["by"],
        f"({entry['reason']}) {entry['words']}",
    )
