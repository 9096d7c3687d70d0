"""Orders about corporate actions: an operator's word, written where the corporate keeper reads it.

An action is named by its key, as `bellkeeper actions show` and `/status` print it, such as
`"NVDA split 2024-06-10"`. An approval takes the terms as a source tells them now and writes them down.
"""

import getpass
from collections.abc import Sequence
from pathlib import Path

from config.corporate_actions import existing_directory, load_actions
from config.settings import Settings
from keepers.admin.reasons import clean_reason
from keepers.admin.whole_file import alone, replace_whole
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


def order_action(
    settings: Settings,
    kind: ActionOrderKind,
    key: str,
    *,
    reason: str,
    source: str | None = None,
    by: str | None = None,
) -> str:
    """Write an order, in the name of who runs this or of `by`; tell it. Raises OperatorError."""
    path = settings.corporate.orders_file
    if path is None:
        raise OperatorError(
            "expected [corporate] orders_file, found none: name a file that the keeper may read, and"
            " start the keeper again"
        )
    heard = _heard(settings, key)
    terms = _terms(heard, source) if kind is ActionOrderKind.APPROVE else None
    given = _give(path, kind, key, clean_reason(reason), terms, by or getpass.getuser())
    of = given.key if terms is None else f"{terms} (of {given.key})"
    return f"order {given.sequence}: to {kind} {of}, by {given.by} ({given.reason})"


def _heard(settings: Settings, key: str) -> tuple[Report, ...]:
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


def _terms(heard: Sequence[Report], source: str | None) -> CorporateAction:
    """Choose the terms that are approved; raises OperatorError where that is not clear."""
    latest = {each.source: each for each in sorted(heard, key=lambda each: each.heard_at)}
    if source is not None:
        if source not in latest:
            raise OperatorError(
                f"expected --source among {', '.join(sorted(latest))}, found {source}: correct it"
            )
        return latest[source].action
    terms = {each.action: each.source for each in latest.values()}
    if len(terms) > 1:
        versions = "; ".join(f"{source} tells {action}" for action, source in terms.items())
        raise OperatorError(
            f"expected sources that tell the same, found {versions}: name one with --source"
        )
    return next(iter(terms))


def _give(
    path: Path,
    kind: ActionOrderKind,
    key: str,
    reason: str,
    action: CorporateAction | None,
    by: str,
) -> ActionOrder:
    try:
        with alone(path):
            held = parse_action_orders(path.read_bytes()) if path.exists() else ()
            now = int(SystemClock().now())
            given = ActionOrder(
                sequence=max([now, *(each.sequence + 1 for each in held)]),
                kind=kind,
                key=key,
                by=by[:LONGEST_TEXT],
                reason=reason,
                at=Seconds(now),
                action=action,
            )
            kept = [each for each in held if (each.kind, each.key) != (kind, key)]
            replace_whole(path, render_action_orders((*kept, given)))
    except ActionOrdersError as error:
        raise OperatorError(f"{path}: {error}: move it away and say it again") from error
    except OSError as error:
        raise OperatorError(
            f"expected to write {path}, but the system said: {error.strerror} (correct"
            " [corporate] orders_file or its folder's permissions)"
        ) from error
    return given
