"""`bellkeeper explain-price MARKET`: every input, weight and rejection, and the mark they make.

Asks the running keeper for its last round, or with `--published` reads from the journal what made
the last price that was published.
"""

import argparse
from collections.abc import Mapping
from typing import Any

from config.settings import Settings
from keepers.commands.asking import ask_keeper
from keepers.commands.price_text import explanation_lines
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    load_config,
    write_report,
)
from keepers.price.keeper import KIND
from runtime.errors import OperatorError
from runtime.journal import JournalReader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    add_json_argument(parser)
    parser.add_argument("market", metavar="MARKET", help="the market's symbol")
    parser.add_argument(
        "--published", action="store_true", help="the last price published, from the journal"
    )


def run(arguments: argparse.Namespace) -> int:
    """Explain the price."""
    settings, symbol = load_config(arguments).settings, arguments.market
    if symbol not in settings.prices.symbols:
        known = ", ".join(settings.prices.symbols) or "none"
        raise OperatorError(
            f"expected a market that this profile prices ({known}), found {symbol}: correct the"
            " symbol, or add a source for it to [prices]"
        )
    if arguments.published:
        heading, why = _published(settings, symbol)
    else:
        heading, why = [], ask_keeper(settings.http.listen, f"/prices/{symbol}")
        if "error" in why:
            raise OperatorError(f"the keeper at {settings.http.listen} answers: {why['error']}")
    write_report(arguments, {"market": symbol, **why}, [*heading, *explanation_lines(symbol, why)])
    return 0


def _published(settings: Settings, symbol: str) -> tuple[list[str], Mapping[str, Any]]:
    with JournalReader.open_to_read(settings.journal.path) as journal:
        record = journal.newest_intent(kind=KIND, market=symbol)
    why = None if record is None else record.payload.get("why")
    if record is None or not isinstance(why, Mapping):
        raise OperatorError(
            f"expected a published price of {symbol} in the journal {settings.journal.path}, found"
            " none: it was not published yet, or was pruned ([journal] price_retention_days)"
        )
    outcome = record.outcome or record.state.value
    return [f"published for venue time {record.payload['timestamp_seconds']}: {outcome}"], why
