"""`bellkeeper config show`: the effective settings, and where each came from. Secrets are redacted."""

import argparse

from config.show import effective
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True)
    show = actions.add_parser("show", help="print every setting, its value and its source")
    add_config_argument(show)
    add_json_argument(show)


def run(arguments: argparse.Namespace) -> int:
    """Print the settings."""
    rows = effective(load_config(arguments))
    report = {row.key: {"value": row.value, "source": row.source} for row in rows}
    text = columns([("setting", "value", "source"), *((r.key, r.value, r.source) for r in rows)])
    write_report(arguments, report, text)
    return 0
