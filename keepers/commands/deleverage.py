"""`bellkeeper deleverage queue [MARKET]`: who would be taken first, in fifths, and what a next move would ask for.

Asks a running keeper: it holds the whole book anyway, and the answer is what it would act on. From the
chain it would take all accounts of the exchange, a call for every hundred or so.
"""

import argparse
from collections.abc import Mapping
from typing import Any, Final

from keepers.commands.asking import ask_keeper
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from risk.amounts import money_text, price_text, size_text
from risk.deleverage_queue import BUCKETS
from runtime.errors import OperatorError

SIDES: Final = ("long", "short")
EDGES: Final = ("low", "high")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do, and its arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    summary = "accounts and sizes by fifth of each side's queue, and the need at the band's edges"
    queue = verbs.add_parser("queue", help=summary, description=summary)
    add_config_argument(queue)
    add_json_argument(queue)
    queue.add_argument("market", nargs="?", metavar="MARKET", help="one market's symbol (all)")


def run(arguments: argparse.Namespace) -> int:
    """Show what the running keeper says."""
    listen = load_config(arguments).settings.http.listen
    told = ask_keeper(listen, "/status").get("deleverage")
    if told is None:
        raise OperatorError(
            f"expected the keeper at {listen} to run the duty deleverage, found that it does not:"
            " start it with `bellkeeper run deleverage`, or name that keeper's profile"
        )
    markets: dict[str, Any] = told["markets"]
    if "why" in markets:
        raise OperatorError(
            f"expected the keeper at {listen} to know the queues, but {markets['why']}:"
            " ask again in some seconds"
        )
    if arguments.market is not None:
        if arguments.market not in markets:
            raise OperatorError(
                f"expected one of the markets {', '.join(markets)}, found {arguments.market}:"
                " correct the symbol"
            )
        markets = {arguments.market: markets[arguments.market]}
    text = [f"policy {told['policy']}; {told['outcome']}: {told['why']}"]
    for symbol, market in markets.items():
        text += ["", *market_lines(symbol, market)]
    write_report(arguments, {"policy": told["policy"], "markets": markets}, text)
    return 0


def market_lines(symbol: str, market: Mapping[str, Any]) -> list[str]:
    """Tell one market: its queues from the front on, then its forecasts."""
    lines = [f"{symbol} at {price_text(market['mark_e8'])} USD"]
    rows = [("side", "bucket", "accounts", "shares")]
    for side in SIDES:
        queue = market["queue"][side]
        for bucket, (count, size) in reversed(
            list(enumerate(zip(queue["accounts"], queue["sizes_e8"], strict=True)))
        ):
            rows.append((side, _bucket(bucket), str(count), size_text(size)))
    lines += [f"  {line}" for line in columns(rows)]
    lines += [f"  {edge_line(edge, market['forecast'][edge])}" for edge in EDGES]
    return lines


def edge_line(edge: str, forecast: Mapping[str, Any] | None) -> str:
    """Tell what a jump to an edge of the band would ask for."""
    if forecast is None:
        return f"{edge} edge of the band: none ahead"
    return (
        f"{edge} edge of the band, {price_text(forecast['mark_e8'])} USD:"
        f" {forecast['accounts']} accounts in need, {money_text(forecast['size_atoms'])} USD to be"
        f" closed, {money_text(forecast['shortfall_atoms'])} USD owed, of which"
        f" {money_text(forecast['uncovered_atoms'])} USD are uncovered"
    )


def _bucket(bucket: int) -> str:
    if bucket == 0:
        return "0 (in no danger)"
    return f"{bucket} (first)" if bucket == BUCKETS else str(bucket)
