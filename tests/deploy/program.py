"""What the files of deploy/ are compared with: the program's own arguments, settings and folders."""

import argparse
import shlex
from pathlib import Path
from typing import Final, cast

from config.loader import load
from config.settings import Settings
from keepers.cli import COMMANDS
from keepers.commands import check, run
from keepers.duty_choice import DUTIES
from runtime.supervise import CANCEL_SECONDS
from tests.deploy.strict_yaml import Tree, documents

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
OURS: Final = tuple(
    path
    for folder in ("systemd", "docker", "kubernetes")
    for path in sorted((DEPLOY / folder).rglob("*"))
    # What an operator laid there is ignored by git, and none of ours.
    if path.is_file() and "secrets" not in path.relative_to(DEPLOY).parts
)
_ADDERS: Final = {"run": run.add_arguments, "check": check.add_arguments}


def parsed(words: list[str]) -> argparse.Namespace:
    """Read a command line behind `bellkeeper` as the program would; SystemExit if it would not."""
    assert words[0] in COMMANDS
    parser = argparse.ArgumentParser()
    _ADDERS[words[0]](parser)
    return parser.parse_args(words[1:])


def keeper_words(command_line: str) -> list[str]:
    """Give what stands behind `python -m keepers` in a shell's line."""
    words = shlex.split(command_line.replace("$ARGUMENTS", " ".join(DUTIES)))
    assert words[1:3] == ["-m", "keepers"]
    return words[3:]


def profile(path: Path) -> Settings:
    """Load a profile as the program would, without this machine's environment."""
    return load(path, environment={}).settings


def longest_stop_seconds(settings: Settings) -> float:
    """Say how long a stop may take until the program ends itself the hard way."""
    return settings.supervision.drain_seconds + CANCEL_SECONDS


def tree(path: Path) -> dict[str, Tree]:
    """Read a file of one YAML document."""
    (document,) = documents(path.read_text())
    return document


def at(found: Tree, *keys: str | int) -> Tree:
    """Go down a tree; KeyError, IndexError or AssertionError where there is nothing."""
    for key in keys:
        if isinstance(key, int):
            assert isinstance(found, list)
            found = found[key]
        else:
            assert isinstance(found, dict)
            found = found[key]
    return found


def maps(found: Tree) -> list[dict[str, Tree]]:
    """Take a list of maps."""
    assert isinstance(found, list)
    assert all(isinstance(item, dict) for item in found)
    return cast("list[dict[str, Tree]]", found)


def texts(found: Tree) -> list[str]:
    """Take a list of texts."""
    assert isinstance(found, list)
    assert all(isinstance(item, str) for item in found)
    return cast("list[str]", found)
