"""Orders about markets, as commands give them: shared by `halt`, `reduce-only`, `resume` and `plan`.

The order goes to the running keeper over the admin socket, where the profile names one, or else into the
file that it reads within a second; either way it is written by `keepers/admin/market_orders.py`.
"""

import argparse
from collections.abc import Mapping

from config.settings import Settings
from keepers.admin.client import carry_out
from keepers.admin.reasons import clean_reason
from keepers.admin.terms import Action, AdminRequest
from keepers.commands.reporting import add_config_argument, load_config


def add_order_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--config`, MARKET and `--reason`."""
    add_config_argument(parser)
    parser.add_argument("market", metavar="MARKET|ALL", help="the market's symbol, or all markets")
    add_reason_argument(parser)


def add_reason_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--reason`."""
    parser.add_argument("--reason", required=True, help="why, for the log and those who come after")


def order_market(arguments: argparse.Namespace, action: Action) -> str:
    """Give an order about a market, or all; tell it. Raises OperatorError with one sentence."""
    settings = load_config(arguments).settings
    return ordered(settings, action, {"market": arguments.market}, arguments.reason)


def ordered(
    settings: Settings, action: Action, fields: Mapping[str, str | int], reason: str
) -> str:
    """Give any order; tell it. Raises OperatorError with one sentence."""
    request = AdminRequest(action=action, fields=fields, reason=clean_reason(reason))
    return carry_out(settings, request)
