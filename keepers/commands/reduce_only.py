"""`bellkeeper reduce-only MARKET|ALL`: positions may only shrink, until `bellkeeper resume`.

Softer than a halt: liquidations go on. It also softens a halt that an operator ordered before.
"""

import argparse

from keepers.commands.ordering import add_order_arguments, order_market, told
from monitors.operator_orders import OrderKind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_order_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the order into the file that the keeper reads."""
    print(told(order_market(arguments, OrderKind.REDUCE_ONLY)))
    return 0
