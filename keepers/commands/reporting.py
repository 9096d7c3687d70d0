"""Arguments and output that the commands share: `--config`, `--json`, tables of text."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.loader import LoadedConfig, load
from runtime.errors import OperatorError


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--config FILE`."""
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="the profile (TOML)"
    )


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--json FILE`."""
    parser.add_argument(
        "--json", metavar="FILE", help="also write the report as JSON; - for standard output alone"
    )


def load_config(arguments: argparse.Namespace) -> LoadedConfig:
    """Read the profile that the arguments name; the environment is looked at here and nowhere else."""
    return load(arguments.config, environment=os.environ)


def write_report(
    arguments: argparse.Namespace, report: Mapping[str, object], text: Sequence[str]
) -> None:
    """Print the text, or with `--json -` the JSON alone; with `--json FILE` do both."""
    document = json.dumps(report, indent=2, sort_keys=True, default=str) + "\n"
    if arguments.json == "-":
        sys.stdout.write(document)
        return
    for line in text:
        print(line)
    if arguments.json is None:
        return
    try:
        Path(arguments.json).write_text(document)
    except OSError as error:
        raise OperatorError(
            f"expected to write the report to {arguments.json}, but {error.strerror}:"
            " name a file in a folder that exists and may be written"
        ) from error


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Line up rows of text in columns; the last column is left as long as it is."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
