"""`bellkeeper halt MARKET|ALL`: nobody trades and nobody is liquidated, until `bellkeeper resume`.

The running keeper reads the order within a second, logs it with name and reason, and halts. An
operator's halt is lifted by an operator and by nobody else.
"""

import argparse

from keepers.commands.ordering import add_order_arguments, order_market, told
from monitors.operator_orders import OrderKind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_order_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the order into the file that the keeper reads."""
    print(told(order_market(arguments, OrderKind.HALT)))
    return 0
