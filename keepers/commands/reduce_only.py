"""`bellkeeper reduce-only MARKET|ALL`: positions may only shrink, until `bellkeeper resume`.

Softer than a halt: liquidations go on. It also softens a halt that an operator ordered before.
"""

import argparse

from keepers.admin.terms import Action
from keepers.commands.ordering import add_order_arguments, order_market


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_order_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Give the order to the keeper."""
    print(order_market(arguments, Action.REDUCE_ONLY))
    return 0
