"""`bellkeeper explain ACCOUNT`: the verdict on an account with every intermediate number.

Reads the account and all that it is judged on at one sealed block, judges it with the keeper's own
code, and compares with the exchange's own verdict: exit code 2 if they differ. Where the profile's
keeper runs the duty deleverage, it is asked for the account's place in the queue.
"""

import argparse
import asyncio
from typing import Any

from config.settings import Settings
from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.asking import ask_keeper
from keepers.commands.node import connected, exchange_of
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from risk.deleverage_queue import BUCKETS
from risk.explain import Explanation, explain
from risk.liquidation import LiquidationTerms, backstop_state, judge_liquidation
from risk.margin import margin_state
from risk.units import AccountId, account_label, parse_account
from runtime.errors import OperatorError
from venues.exchange.chain import read_sealed_head


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    add_json_argument(parser)
    parser.add_argument("account", metavar="ACCOUNT", help="0xowner/subaccount")


def run(arguments: argparse.Namespace) -> int:
    """Explain the account."""
    try:
        account = parse_account(arguments.account)
    except ValueError as error:
        raise OperatorError(f"{error}: take it from `bellkeeper journal show`") from error
    settings = load_config(arguments).settings
    block, explanation, differs = asyncio.run(_read(settings, account))
    queue = _queue(settings, account)
    report: dict[str, object] = {
        "block": block,
        "summary": explanation.summary,
        "agrees_with_exchange": not differs,
        "deleverage_queue": queue,
        "sections": [
            {
                "title": section.title,
                "lines": [
                    {"label": line.label, "value": line.value, "unit": line.unit}
                    for line in section.lines
                ],
            }
            for section in explanation.sections
        ],
    }
    text = [explanation.summary, f"(at block {block})"]
    for section in explanation.sections:
        text += ["", section.title]
        text += columns(
            [(f"  {line.label}", f"{line.value} {line.unit}".rstrip()) for line in section.lines]
        )
    if queue:
        text += ["", "Deleverage queue", *map(_place, queue)]
    text += ["", differs or "The exchange's own verdict is the same, to the atom."]
    write_report(arguments, report, text)
    return EXIT_CHECK_FAILED if differs else EXIT_GOOD


def _queue(settings: Settings, account: AccountId) -> list[dict[str, Any]] | None:
    """Ask the profile's keeper; None when there is none that knows."""
    try:
        told = ask_keeper(settings.http.listen, f"/deleverage/{account_label(account)}")
    except OperatorError:
        return None
    positions: list[dict[str, Any]] | None = told.get("positions")
    return positions


def _place(each: dict[str, Any]) -> str:
    if each["rank"] is None:
        return f"  {each['market']} {each['side']}: in no danger as things stand"
    return (
        f"  {each['market']} {each['side']}: bucket {each['bucket']} of {BUCKETS}, place"
        f" {each['rank'] + 1} of {each['count']} (bucket {BUCKETS} is taken first)"
    )


async def _read(settings: Settings, account: AccountId) -> tuple[int, Explanation, str]:
    async with connected(settings) as transports:
        exchange = exchange_of(settings, transports)
        head = await read_sealed_head(transports.pool)
        at = head.number
        pool = await exchange.backstop_account()
        page = await exchange.page([account, pool], block=at)
        held, backstop = page.accounts.accounts()
        markets = await exchange.markets(block=at)
        terms = LiquidationTerms(
            markets=markets,
            rules=await exchange.rules(block=at),
            backstop=backstop_state(margin_state(backstop, markets, page.timestamp)),
            insurance_fund=(await exchange.pools(block=at)).insurance_fund,
            now=page.timestamp,
        )
        theirs = await exchange.account_state(account, block=at)
    ours = margin_state(held, markets, terms.now)
    verdicts = {
        each.position.market: judge_liquidation(ours, each.position.market, terms)
        for each in ours.positions
    }
    same = (ours.equity, ours.maintenance_margin) == (theirs.equity, theirs.maintenance_margin)
    differs = (
        ""
        if same
        else f"DIFFERENT from the exchange's own verdict: equity {theirs.equity} atoms, maintenance"
        f" margin {theirs.maintenance_margin} atoms. Stop the keeper and find out why."
    )
    return at, explain(ours, terms, verdicts), differs
