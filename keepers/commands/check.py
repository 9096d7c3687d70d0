"""`bellkeeper check`: is everything as it must be before a keeper runs; what to do about each failure."""

import argparse
import asyncio

from config.settings import Settings
from keepers.checks import Checkup, Finding
from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.node import connected, exchange_of
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from runtime.clock import SystemClock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check; exit code 2 when something is not as it must be."""
    findings = asyncio.run(_findings(load_config(arguments).settings))
    failed = [finding for finding in findings if not finding.is_good]
    text = columns([(_mark(finding), finding.name, finding.found) for finding in findings])
    text += [f"  {finding.name}: {finding.advice}" for finding in failed]
    text.append(f"{len(findings)} checks, {len(failed)} failed")
    report = {
        finding.name: {
            "good": finding.is_good,
            "found": finding.found,
            "advice": "" if finding.is_good else finding.advice,
        }
        for finding in findings
    }
    write_report(arguments, {"checks": report, "failed": len(failed)}, text)
    return EXIT_CHECK_FAILED if failed else EXIT_GOOD


def _mark(finding: Finding) -> str:
    return "ok  " if finding.is_good else "FAIL"


async def _findings(settings: Settings) -> list[Finding]:
    async with connected(settings) as transports:
        checkup = Checkup(
            settings=settings,
            transports=transports,
            exchange=exchange_of(settings, transports),
            clock=SystemClock(),
        )
        return [finding async for finding in checkup.findings()]
