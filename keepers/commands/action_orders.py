"""`bellkeeper actions approve|abort|resume ACTION --reason …`: an operator's word on a corporate action.

The action is named by its key, as `bellkeeper actions show` and `/status` print it, such as
`"NVDA split 2024-06-10"`. An approval takes the terms as a source tells them now and writes them down.
"""

import argparse
import contextlib
import fcntl
import getpass
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from config.corporate_actions import existing_directory, load_actions
from config.settings import Settings
from keepers.commands.reporting import add_config_argument, load_config
from monitors.corporate.orders import (
    LONGEST_TEXT,
    ActionOrder,
    ActionOrderKind,
    ActionOrdersError,
    parse_action_orders,
    render_action_orders,
)
from risk.corporate_agreement import Report, groups_of
from risk.corporate_values import CorporateAction
from risk.units import Seconds
from runtime.clock import SystemClock
from runtime.errors import OperatorError

HELP: Final = {
    ActionOrderKind.APPROVE: "act on an action's terms as a source tells them, whatever others say",
    ActionOrderKind.ABORT: "forget an action; after a split, have it taken back",
    ActionOrderKind.RESUME: "have a market trade again that is held or waits on account of an action",
}


def add_order_verbs(verbs: Any) -> None:  # noqa: ANN401 - argparse keeps the type to itself
    """Declare `approve`, `abort` and `resume`."""
    for kind in ActionOrderKind:
        parser = verbs.add_parser(kind.value, help=HELP[kind])
        add_config_argument(parser)
        parser.add_argument("action", metavar="ACTION", help='its key: "NVDA split 2024-06-10"')
        parser.add_argument(
            "--reason", required=True, help="why, for the log and those who come after"
        )
        if kind is ActionOrderKind.APPROVE:
            parser.add_argument(
                "--source", metavar="NAME", help="whose terms, where sources tell different ones"
            )


def order(arguments: argparse.Namespace) -> int:
    """Write the order into the file that the keeper reads; raises OperatorError."""
    kind = ActionOrderKind(arguments.verb)
    settings = load_config(arguments).settings
    path = settings.corporate.orders_file
    if path is None:
        raise OperatorError(
            "expected [corporate] orders_file, found none: name a file that the keeper may read, and"
            " start the keeper again"
        )
    told = _told(settings, arguments.action)
    terms = _terms(told, arguments) if kind is ActionOrderKind.APPROVE else None
    given = _give(path, kind, arguments.action, arguments.reason, terms)
    of = given.key if terms is None else f"{terms} (of {given.key})"
    print(f"order {given.sequence}: to {kind} {of}, by {given.by} ({given.reason})")
    return 0


def _told(settings: Settings, key: str) -> tuple[Report, ...]:
    """Give what sources tell of an action; raises OperatorError for one that nobody tells."""
    directory = existing_directory(settings.corporate.actions_directory)
    heard, rules = load_actions(directory), settings.corporate.rules
    approved = tuple(
        Report(source="operator", action=each.action, heard_at=each.at) for each in heard.approvals
    )
    groups = groups_of((*heard.reports, *approved), rules)
    keys = {group[0].action.key: group for group in groups}
    if key not in keys:
        names = "; ".join(keys) or "none"
        raise OperatorError(
            f"expected an action that a file in {directory} tells of ({names}), found {key!r}:"
            " correct it"
        )
    return keys[key]


def _terms(told: Sequence[Report], arguments: argparse.Namespace) -> CorporateAction:
    """Choose the terms that are approved; raises OperatorError where that is not clear."""
    latest = {each.source: each for each in sorted(told, key=lambda each: each.heard_at)}
    if arguments.source is not None:
        if arguments.source not in latest:
            raise OperatorError(
                f"expected --source among {', '.join(sorted(latest))}, found {arguments.source}:"
                " correct it"
            )
        return latest[arguments.source].action
    terms = {each.action: each.source for each in latest.values()}
    if len(terms) > 1:
        versions = "; ".join(f"{source} tells {action}" for action, source in terms.items())
        raise OperatorError(
            f"expected sources that tell the same, found {versions}: name one with --source"
        )
    return next(iter(terms))


def _give(
    path: Path, kind: ActionOrderKind, key: str, reason: str, action: CorporateAction | None
) -> ActionOrder:
    reason = re.sub(r"\s+", " ", reason).strip()[:LONGEST_TEXT]
    if not reason:
        raise OperatorError("expected a --reason, found an empty one: say why")
    try:
        with _alone(path):
            held = parse_action_orders(path.read_bytes()) if path.exists() else ()
            now = int(SystemClock().now())
            given = ActionOrder(
                sequence=max([now, *(each.sequence + 1 for each in held)]),
                kind=kind,
                key=key,
                by=getpass.getuser()[:LONGEST_TEXT],
                reason=reason,
                at=Seconds(now),
                action=action,
            )
            kept = [each for each in held if (each.kind, each.key) != (kind, key)]
            _replace(path, (*kept, given))
    except ActionOrdersError as error:
        raise OperatorError(f"{path}: {error}: move it away and say it again") from error
    except OSError as error:
        raise OperatorError(
            f"expected to write {path}, but the system said: {error.strerror} (correct"
            " [corporate] orders_file or its folder's permissions)"
        ) from error
    return given


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file beside the orders while they are read and replaced."""
    beside = path.with_name(f".{path.name}.lock")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, orders: tuple[ActionOrder, ...]) -> None:
    """Write the file anew, in one move."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(render_action_orders(orders))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
