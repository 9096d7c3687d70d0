"""`bellkeeper vouch MARKET`: say that a price within two limits is true, for some minutes.

The way out when a market truly moved farther than its sources can confirm (`docs/prices.md`). The
running keeper hears it within a second and logs it with name and reason.
"""

import argparse

from keepers.admin.terms import Action
from keepers.admin.vouching import MOST_MINUTES, USUAL_MINUTES
from keepers.commands.ordering import add_reason_argument, ordered
from keepers.commands.reporting import add_config_argument, load_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    parser.add_argument("market", metavar="MARKET", help="the market's symbol")
    parser.add_argument("--low", required=True, metavar="USD", help="lowest price that is true")
    parser.add_argument("--high", required=True, metavar="USD", help="highest price that is true")
    parser.add_argument(
        "--minutes",
        type=int,
        default=USUAL_MINUTES,
        help=f"for how long ({USUAL_MINUTES}; at most {MOST_MINUTES})",
    )
    add_reason_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Give the word to the keeper."""
    fields = {name: getattr(arguments, name) for name in ("market", "low", "high", "minutes")}
    settings = load_config(arguments).settings
    print(ordered(settings, Action.VOUCH, fields, arguments.reason))
    return 0
