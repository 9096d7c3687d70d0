"""`bellkeeper incentives show`: ask a running keeper where every lever is, where it goes, and why."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from keepers.commands.asking import ask_keeper
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from risk.amounts import decimal_text, money_text, percent_text
from runtime.errors import OperatorError

PPB_OF_PERCENT: Final = 10**7
UNKNOWN: Final = "unknown"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do, and its arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    summary = "levers now, scheduled, wanted and why; measured liquidity; budget; what comes next"
    show = verbs.add_parser("show", help=summary, description=summary)
    add_config_argument(show)
    add_json_argument(show)
    show.add_argument("--market", metavar="MARKET", help="one market's symbol (all)")


def run(arguments: argparse.Namespace) -> int:
    """Show what the running keeper says."""
    listen = load_config(arguments).settings.http.listen
    told = ask_keeper(listen, "/status").get("incentives")
    if told is None:
        raise OperatorError(
            f"expected the keeper at {listen} to run the duty incentives, found that it does not:"
            " start it with `bellkeeper run incentives`, or name that keeper's profile"
        )
    markets: dict[str, Any] = told["markets"]
    if arguments.market is not None:
        if arguments.market not in markets:
            raise OperatorError(
                f"expected one of the markets {', '.join(markets)}, found {arguments.market}:"
                " correct the symbol"
            )
        markets = {arguments.market: markets[arguments.market]}
    text = budget_lines(told["budget"])
    for symbol, market in markets.items():
        text += ["", *market_lines(symbol, market)]
    write_report(arguments, {"budget": told["budget"], "markets": markets}, text)
    return 0


def budget_lines(budget: Mapping[str, Any]) -> list[str]:
    """Tell the budget of all markets."""
    weekly = money_text(budget["weekly_atoms"])
    if "spent_atoms" not in budget:
        return [f"budget of the week {weekly} USD; spent is unknown: {budget['why_unknown']}"]
    spent = (
        f"budget of the week {weekly} USD: spent {money_text(budget['spent_atoms'])}, left"
        f" {money_text(budget['left_atoms'])}, by now up to"
        f" {money_text(budget['may_be_spent_by_now_atoms'])}"
    )
    if budget["mismatch"]:
        return [spent, f"  rebates do not rise: {budget['mismatch']}"]
    return [spent]


def market_lines(symbol: str, market: Mapping[str, Any]) -> list[str]:
    """Tell one market."""
    if "levers" not in market:
        return [f"{symbol}: {market['why']}"]
    heading = ("lever", "on chain", "scheduled", "wanted", "why")
    rows = [heading, *(_row(name, lever) for name, lever in market["levers"].items())]
    return [
        f"{symbol}: {market['session']}",
        *(f"  {line}" for line in columns(rows)),
        f"  measured    {_measured(market['measured'])}",
        f"  effort      {percent_text(market['effort_ppm'])} % (100 is the largest rebate, 200 all)",
        f"  budget      {_budget(market['budget'])}",
        f"  next write  {market['next_write']}",
        f"  next ramp   {_ramp(market['next_ramp'])}",
        f"  next event  {_event(market['next_event'])}",
    ]


def _row(name: str, lever: Mapping[str, Any]) -> tuple[str, ...]:
    unit = next(key for key in lever if key.startswith("on_chain_")).removeprefix("on_chain_")
    values = (lever[f"{which}_{unit}"] for which in ("on_chain", "scheduled", "wanted"))
    return (name, *(_value(value, unit) for value in values), lever["why"])


def _value(value: int | None, unit: str) -> str:
    if value is None:
        return UNKNOWN
    if unit == "ppm":
        return f"{percent_text(value)} %"
    if unit == "ppb_per_hour":
        return f"{decimal_text(value, PPB_OF_PERCENT)} %/h"
    return f"{money_text(value)} USD"


def _measured(found: Mapping[str, Any]) -> str:
    target = (
        f"wanted {money_text(found['target_depth_atoms'])} USD a side within 25 bp and a spread of"
        f" {percent_text(found['target_spread_ppm'])} %"
    )
    if "why_unknown" in found:
        return f"unknown: {found['why_unknown']}; {target}"
    return (
        f"bids {money_text(found['bid_depth_atoms'])}, asks {money_text(found['ask_depth_atoms'])}"
        f" USD, spread {percent_text(found['spread_ppm'])} %; {target}"
    )


def _budget(budget: Mapping[str, Any]) -> str:
    largest = (
        f"rebate up to {percent_text(budget['largest_rebate_ppm'])} %, by the pace"
        f" {percent_text(budget['paced_rebate_ppm'])} %"
    )
    if "spent_atoms" not in budget:
        return f"{largest}: {budget['why']}"
    passed, whole = budget["off_hours_passed_seconds"], budget["off_hours_seconds"]
    return (
        f"spent {money_text(budget['spent_atoms'])} of {money_text(budget['weekly_atoms'])} USD,"
        f" {passed} of {whole} s off hours passed; {largest}"
    )


def _ramp(ramp: Mapping[str, Any] | None) -> str:
    if ramp is None:
        return "none in the calendar"
    return (
        f"{ramp['from']} to {ramp['to']}, {_moment(ramp['starts_seconds'])} to"
        f" {_moment(ramp['stops_seconds'])}"
    )


def _event(event: Mapping[str, Any] | None) -> str:
    if event is None:
        return "none known"
    felt = ", felt now" if event["is_felt"] else ""
    name = event["name"] or event["kind"]
    return f"{name} {event['symbol'] or 'for all'}, {_moment(event['starts_seconds'])}{felt}"


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M} UTC"
