"""`bellkeeper status`: ask a running keeper, over its own HTTP, how it is."""

import argparse
import json

from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.asking import ask_keeper
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what the keeper says of itself; exit code 2 while it is not ready."""
    listen = load_config(arguments).settings.http.listen
    ready = ask_keeper(listen, "/readyz")
    status = ask_keeper(listen, "/status")
    reasons: dict[str, str] = ready["reasons"]
    text = ["ready" if ready["ready"] else "not ready"]
    text += [f"  {name}: {reason}" for name, reason in reasons.items()]
    text += columns([(name, _plain(value)) for name, value in status.items()])
    write_report(arguments, {"ready": ready["ready"], "reasons": reasons, **status}, text)
    return EXIT_GOOD if ready["ready"] else EXIT_CHECK_FAILED


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
