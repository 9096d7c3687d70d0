"""`bellkeeper actions approve|abort|resume ACTION --reason …`: an operator's word on a corporate action.

The action is named by its key, as `bellkeeper actions show` and `/status` print it, such as
`"NVDA split 2024-06-10"`. An approval takes the terms as a source tells them now and writes them down.
"""

import argparse
from typing import Any, Final

from keepers.admin.terms import Action
from keepers.commands.ordering import add_reason_argument, ordered
from keepers.commands.reporting import add_config_argument, load_config
from monitors.corporate.orders import ActionOrderKind

HELP: Final = {
    ActionOrderKind.APPROVE: "act on an action's terms as a source tells them, whatever others say",
    ActionOrderKind.ABORT: "forget an action; after a split, have it taken back",
    ActionOrderKind.RESUME: "have a market trade again that is held or waits on account of an action",
}
_ACTIONS: Final = {
    ActionOrderKind.APPROVE: Action.APPROVE_ACTION,
    ActionOrderKind.ABORT: Action.ABORT_ACTION,
    ActionOrderKind.RESUME: Action.RESUME_ACTION,
}


def add_order_verbs(verbs: Any) -> None:  # noqa: ANN401 - argparse keeps the type to itself
    """Declare `approve`, `abort` and `resume`."""
    for kind in ActionOrderKind:
        parser = verbs.add_parser(kind.value, help=HELP[kind])
        add_config_argument(parser)
        parser.add_argument("action", metavar="ACTION", help='its key: "NVDA split 2024-06-10"')
        add_reason_argument(parser)
        if kind is ActionOrderKind.APPROVE:
            parser.add_argument(
                "--source", metavar="NAME", help="whose terms, where sources tell different ones"
            )


def order(arguments: argparse.Namespace) -> int:
    """Give the order to the keeper; raises OperatorError."""
    kind = ActionOrderKind(arguments.verb)
    fields = {"action": arguments.action}
    source = arguments.source if kind is ActionOrderKind.APPROVE else None
    if source is not None:
        fields["source"] = source
    settings = load_config(arguments).settings
    print(ordered(settings, _ACTIONS[kind], fields, arguments.reason))
    return 0
