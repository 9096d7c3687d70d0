"""`bellkeeper resume MARKET|ALL`: lift what operators ordered of it.

It lifts nothing else: the strictest wish wins, and another breaker's stands until that breaker
lets go.
"""

import argparse

from keepers.admin.terms import Action
from keepers.commands.ordering import add_order_arguments, order_market


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_order_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Give the order to the keeper."""
    print(order_market(arguments, Action.RESUME))
    return 0
