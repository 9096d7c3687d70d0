"""`bellkeeper notify test`: one notice through each channel of the profile, for real, and what became of it."""

import argparse
import asyncio
from typing import Final

import aiohttp

from config.settings import Settings
from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from keepers.notify.channels import CHANNELS, open_channels
from keepers.notify.opening import source_of
from runtime.clock import SystemClock
from runtime.errors import OperatorError, TransientError
from runtime.notify.notice import Channel, Kind, Notice, NotTakenError, Severity

SENT: Final = "sent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do, and its arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    summary = "send one notice through each channel, and say what became of it"
    test = verbs.add_parser("test", help=summary, description=summary)
    add_config_argument(test)
    test.add_argument("--channel", choices=CHANNELS, help="this one alone")
    add_json_argument(test)


def run(arguments: argparse.Namespace) -> int:
    """Send; exit code 2 when a channel did not take it."""
    settings = load_config(arguments).settings
    outcomes = asyncio.run(_send(settings, arguments.channel))
    write_report(arguments, {"channels": outcomes}, columns(list(outcomes.items())))
    is_good = all(outcome == SENT for outcome in outcomes.values())
    return EXIT_GOOD if is_good else EXIT_CHECK_FAILED


async def _send(settings: Settings, only: str | None) -> dict[str, str]:
    clock = SystemClock()
    async with aiohttp.ClientSession() as session:
        channels = open_channels(settings.notify, session, clock)
        chosen = [each for name, each in channels.items() if only in {None, name}]
        if not chosen:
            named = ", ".join(channels) or "none"
            raise OperatorError(
                f"expected a channel in [notify] ({named}), found no {only or 'channel'}: add a"
                " table such as [notify.slack]"
            )
        notice = Notice(
            key="test",
            kind=Kind.TOLD,
            severity=Severity.INFO,
            sentence="this is a test of the keeper's notices; nothing has happened",
            source=source_of(settings),
            at_seconds=int(clock.now()),
        )
        return {each.channel.name: await _outcome(each.channel, notice) for each in chosen}


async def _outcome(channel: Channel, notice: Notice) -> str:
    try:
        await channel.send(notice)
    except TransientError as error:
        return f"not sent: {error}; a running keeper would try again"
    except NotTakenError as error:
        return f"refused: {error}"
    return SENT
