"""The program: `bellkeeper COMMAND …`.

Exit codes: 0 good, 1 bug (with a traceback), 2 a check failed, 78 operator error (one sentence on
standard error that says what to do), 130 interrupted.
Commands are found by name when they are called, so that `bellkeeper config show` does not load what
`run` needs, and so that the drills, which stand above this room, can be commands too.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

from runtime.errors import OperatorError

EXIT_GOOD: Final = 0
EXIT_CHECK_FAILED: Final = 2
EXIT_OPERATOR: Final = 78
EXIT_INTERRUPTED: Final = 130

COMMANDS: Final = {
    "run": ("keepers.commands.run", "run the daemons of one or more duties"),
    "check": ("keepers.commands.check", "verify chain, contract, roles, keys and clocks"),
    "explain": ("keepers.commands.explain", "print the verdict on one account, number by number"),
    "explain-price": (
        "keepers.commands.explain_price",
        "print what makes a market's price: every input, weight and rejection",
    ),
    "audit": ("keepers.commands.audit", "prove solvency at a block, from the chain alone"),
    "vouch": ("keepers.commands.vouch", "say that a far price is true, for some minutes"),
    "actions": (
        "keepers.commands.actions",
        "import and show corporate actions; approve, abort or resume one",
    ),
    "events": ("keepers.commands.events", "list dated events, or import a published calendar"),
    "halt": ("keepers.commands.halt", "order a market, or all, to be halted"),
    "reduce-only": ("keepers.commands.reduce_only", "order a market, or all, to be reduce-only"),
    "resume": ("keepers.commands.resume", "lift what was ordered, or halted by hand"),
    "plan": ("keepers.commands.plan", "list, show, rehearse, start or stop an emergency plan"),
    "incentives": (
        "keepers.commands.incentives",
        "show each market's levers and why, or simulate weekends",
    ),
    "deleverage": (
        "keepers.commands.deleverage",
        "show who would be deleveraged first, in fifths, and what a next move would ask for",
    ),
    "admin": (
        "keepers.commands.admin",
        "what was asked of a running keeper; resync, pause or resume a lane, set the log level",
    ),
    "notify": ("keepers.commands.notify", "send a test notice through each channel"),
    "status": ("keepers.commands.status", "ask a running keeper how it is"),
    "sessions": ("keepers.commands.sessions", "print when the underlying markets open and close"),
    "journal": ("keepers.commands.journal", "show what was decided, or judge it again"),
    "config": ("keepers.commands.config", "show the effective settings"),
    "exchange": ("keepers.commands.exchange", "deploy the exchange"),
    "incentives simulate": (
        "drills.incentives_command",
        "what the incentives would have done on a weekend, and whether it helped",
    ),
    "backtest-mark": (
        "drills.backtest_command",
        "how well the weekend mark would have foreseen the open",
    ),
    "advise": (
        "drills.advise_command",
        "what margins, bounds and weekend leverage the gaps of the past ask for",
    ),
    "attack-drills": (
        "drills.attacks_command",
        "what known attacks on the price would do",
    ),
    "deleverage-drill": (
        "drills.deleverage_command",
        "a day at the scale of 10 October 2025, deleveraged under both policies",
    ),
    "observe": (
        "drills.observe_command",
        "a real Prometheus beside a real keeper: does every fault raise its alerts, and no other",
    ),
    "drill": (
        "drills.drill_command",
        "play a scenario against the whole system, in memory or on a chain, and report it",
    ),
    "demo": ("drills.demo_command", "a weekend with bad news on a real chain, in two minutes"),
}


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's own arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; give the exit code. Raises OperatorError for what the operator must mend."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except OperatorError as error:
        sys.stderr.write(f"bellkeeper: {error}\n")
        return EXIT_OPERATOR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (`| head`) went away: that is its right.
        sys.stderr.close()
        return EXIT_GOOD


def _dispatch(arguments: list[str]) -> int:
    overview = argparse.ArgumentParser(
        prog="bellkeeper",
        description="Risk and liquidation keeper network for 24/7 equity perpetuals.",
        epilog="Exit codes: 0 good, 1 bug, 2 check failed, 78 operator error.",
    )
    commands = overview.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, summary) in COMMANDS.items():
        commands.add_parser(name, help=summary, add_help=False)
    # A rehearsal may be a command's second word: keepers know nothing of drills.
    words = 2 if " ".join(arguments[:2]) in COMMANDS else 1
    chosen = overview.parse_args([" ".join(arguments[:words])] if arguments else [])
    rest = arguments[words:]
    module, summary = COMMANDS[chosen.command]
    command = cast("Command", importlib.import_module(module))
    parser = argparse.ArgumentParser(prog=f"bellkeeper {chosen.command}", description=summary)
    command.add_arguments(parser)
    return command.run(parser.parse_args(rest))
