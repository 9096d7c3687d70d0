"""`bellkeeper resume MARKET|ALL`: lift what operators ordered of it.

It lifts nothing else: the strictest wish wins, and another breaker's stands until that breaker
lets go.
"""

import argparse

from keepers.commands.ordering import add_order_arguments, order_market, told
from monitors.operator_orders import OrderKind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_order_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the order into the file that the keeper reads."""
    print(told(order_market(arguments, OrderKind.RESUME)))
    return 0
