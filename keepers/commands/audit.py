"""`bellkeeper audit`: prove the exchange's solvency at one block, from the chain alone.

For the operator, and for an outsider who has a server's URL and the exchange's address in a profile:
no key is needed and nothing of a running keeper is asked. Every atom since the exchange was created
is explained by its events, or else since an earlier block. Exit code 0 if all twelve invariants hold,
2 if one is broken or unknown.
"""

import argparse
import asyncio
from dataclasses import dataclass, replace

from config.settings import Settings
from keepers.approved import approved_by
from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.audit_text import report_of, text_of
from keepers.commands.node import connected
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    load_config,
    write_report,
)
from keepers.signing import exchange_address
from monitors.solvency_trail import Pin, read_all
from risk.solvency import prove
from risk.solvency_finding import Finding
from risk.solvency_flows import FlowCount
from risk.solvency_rules import SolvencyRules
from risk.solvency_sheet import GENESIS, BalanceSheet
from risk.units import Ppm, Seconds
from runtime.clock import SystemClock
from runtime.errors import OperatorError, TransientError
from venues.exchange.abi import load_abi
from venues.exchange.solvency_reads import ReadSettings, SolvencyReads

LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What was asked for."""

    block: int | None
    since: int | None
    code_hash: bytes | None
    rules: SolvencyRules


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    add_json_argument(parser)
    parser.add_argument(
        "--block", default=LATEST, metavar="N", help="a sealed block, or latest (default)"
    )
    parser.add_argument(
        "--since",
        type=int,
        metavar="N",
        help="explain the events since this block only (default: since the exchange was created)",
    )
    parser.add_argument(
        "--code-hash", metavar="0x…", help="the approved code (default: the shipped contract)"
    )
    parser.add_argument(
        "--bound-ppm", type=int, default=50_000, metavar="PPM", help="the discovery bound"
    )
    parser.add_argument(
        "--price-age",
        type=int,
        default=60,
        metavar="SECONDS",
        help="oldest price of a market that trades",
    )


def run(arguments: argparse.Namespace) -> int:
    """Audit; exit code 2 when something is not proven."""
    order = _order(arguments)
    settings = load_config(arguments).settings
    sheet, findings = asyncio.run(_audit(settings, order))
    write_report(arguments, report_of(sheet, findings), text_of(sheet, findings))
    return EXIT_GOOD if all(finding.holds for finding in findings) else EXIT_CHECK_FAILED


def _order(arguments: argparse.Namespace) -> _Order:
    text = arguments.block
    if text != LATEST and not text.isdecimal():
        raise OperatorError(f"expected --block as a number or latest, found {text!r}: mend it")
    code_hash = None
    if arguments.code_hash is not None:
        try:
            code_hash = bytes.fromhex(arguments.code_hash.removeprefix("0x"))
        except ValueError:
            code_hash = b""
        if len(code_hash) != 32:
            raise OperatorError(
                f"expected --code-hash as 32 bytes in hex, found {arguments.code_hash!r}: mend it"
            )
    try:
        rules = SolvencyRules(
            discovery_bound=Ppm(arguments.bound_ppm), price_age=Seconds(arguments.price_age)
        )
    except ValueError as error:
        raise OperatorError(f"{error}: mend --bound-ppm") from error
    return _Order(
        block=None if text == LATEST else int(text),
        since=arguments.since,
        code_hash=code_hash,
        rules=rules,
    )


async def _audit(settings: Settings, order: _Order) -> tuple[BalanceSheet, tuple[Finding, ...]]:
    address = exchange_address(settings)
    async with connected(settings) as transports:
        reads = SolvencyReads(
            transports.pool,
            address=address,
            abi=load_abi(),
            clock=SystemClock(),
            # Nobody else is in a hurry here: as fast as the profile allows.
            settings=ReadSettings(
                pages_per_second=settings.network.endpoints[0].calls_per_second,
                gas=settings.network.view_gas,
            ),
        )
        try:
            return await _prove(reads, settings, order)
        except TransientError as error:
            raise OperatorError(
                f"expected to read the exchange at one block, but {error}: for an old block give a"
                " server that keeps old states, or name a newer block"
            ) from error


async def _prove(
    reads: SolvencyReads, settings: Settings, order: _Order
) -> tuple[BalanceSheet, tuple[Finding, ...]]:
    newest = await reads.head()
    if order.block is not None and order.block > newest.number:
        raise OperatorError(
            f"expected --block up to {newest.number}, the newest sealed one, found {order.block}"
        )
    at = newest if order.block is None else await reads.head(order.block)
    created = settings.exchange.deployed_at_block
    since = created - 1 if order.since is None else order.since
    if order.since is not None and not created <= order.since < at.number:
        raise OperatorError(
            f"expected --since from {created} to {at.number - 1}, found {order.since}: name a block"
            " after the exchange was created and before the one that is audited"
        )
    approved = approved_by(settings, code_hash=order.code_hash)
    holders = set(approved.roles.values()) | await reads.granted(created, at.number)
    previous = GENESIS
    if order.since is not None:
        pin = Pin(at=await reads.head(order.since), suspects=frozenset(holders))
        previous = (await read_all(reads, pin, order.rules, None)).sheet
    pin = Pin(at=at, suspects=frozenset(holders))
    sheet = (await read_all(reads, pin, order.rules, previous.claims)).sheet
    markets = previous.markets or {}
    count = FlowCount(
        {number: (each.mark, each.open_interest) for number, each in markets.items()},
        first=since + 1,
    )
    for event in await reads.events(since + 1, at):
        count.add(event)
    sheet = replace(sheet, flows=count.flows(at.number))
    symbols = [market.symbol for market in (sheet.markets or {}).values()]
    approved = approved_by(settings, symbols, code_hash=order.code_hash)
    return sheet, prove(sheet, previous, approved, order.rules)
