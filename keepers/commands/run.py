"""`bellkeeper run [DUTY …]`: the daemon."""

import argparse

import uvloop

from keepers.bootstrap import RunOptions, run_daemon
from keepers.commands.reporting import add_config_argument, load_config
from keepers.duty_choice import DUTIES
from runtime.errors import OperatorError
from runtime.logging import configure_logging
from runtime.no_core_dump import forbid_core_dumps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    parser.add_argument(
        "duties",
        nargs="*",
        metavar="DUTY",
        help=f"which duties: {', '.join(DUTIES)} (all that the profile is set up for)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="judge, plan and journal; sign and send nothing"
    )
    parser.add_argument(
        "--acknowledge-foreign-nonces",
        action="store_true",
        help="go on although somebody else used a key's nonces, after you found out who",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT, then drain; exit code 0 after a clean stop."""
    for duty in arguments.duties:
        if duty not in DUTIES:
            raise OperatorError(
                f"expected duties among {', '.join(DUTIES)}, found {duty!r}: leave it out"
            )
    forbid_core_dumps()
    settings = load_config(arguments).settings
    as_json = {"json": True, "text": False}.get(settings.log.format)
    configure_logging(level=settings.log.level, as_json=as_json)
    options = RunOptions(
        duties=frozenset(arguments.duties),
        is_dry_run=arguments.dry_run,
        acknowledge_foreign=arguments.acknowledge_foreign_nonces,
    )
    uvloop.run(run_daemon(settings, options))
    return 0
