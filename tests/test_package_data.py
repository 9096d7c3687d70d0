"""What the program reads beside its code is installed with it: a wheel without it would break far from here."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("config", "drills", "keepers", "monitors", "risk", "runtime", "venues")
READ_BY_PEOPLE = {".py", ".md"}


def forgotten(package_to_patterns: dict[str, list[str]]) -> list[str]:
    """Name the files of the rooms that no pattern of the package data takes along."""
    folders = {
        ROOT / name.replace(".", "/"): patterns for name, patterns in package_to_patterns.items()
    }
    files = [
        path
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*"))
        if path.is_file() and path.suffix not in READ_BY_PEOPLE and "__pycache__" not in path.parts
    ]
    return [
        str(path.relative_to(ROOT))
        for path in files
        if not any(
            path.is_relative_to(folder) and fnmatch(str(path.relative_to(folder)), _flat(pattern))
            for folder, patterns in folders.items()
            for pattern in patterns
        )
    ]


def _flat(pattern: str) -> str:
    return pattern.replace("**/", "*")


def test_every_file_that_is_read_is_taken_along() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert forgotten(told["tool"]["setuptools"]["package-data"]) == []


def test_a_forgotten_one_would_be_seen() -> None:
    assert "keepers/page/page.css" in forgotten({"config": ["**/*.toml"]})
