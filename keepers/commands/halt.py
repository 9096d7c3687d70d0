"""`bellkeeper halt MARKET|ALL`: nobody trades and nobody is liquidated, until `bellkeeper resume`.

The running keeper hears the order within a second, logs it with name and reason, and halts. An
operator's halt is lifted by an operator and by nobody else.
"""

import argparse

from keepers.admin.terms import Action
from keepers.commands.ordering import add_order_arguments, order_market


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_order_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Give the order to the keeper."""
    print(order_market(arguments, Action.HALT))
    return 0
