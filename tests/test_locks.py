"""What is installed is what was looked at: every package pinned, with hashes, from nowhere in particular."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s=*]+( ; .+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def wrong_lines(text: str) -> list[str]:
    """Give the lines that are neither a pinned requirement nor a hash of one, and pins without any."""
    lines = text.splitlines()
    following = [*lines[1:], ""]
    return [
        line
        for line, after in zip(lines, following, strict=True)
        if not HASH.fullmatch(line)
        and not (REQUIREMENT.fullmatch(line) and HASH.fullmatch(after))
        and not line.startswith("#")
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_pinned_with_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "==" in text
    assert "://" not in text
    assert wrong_lines(text) == []


@pytest.mark.parametrize(
    "line",
    ["aiohttp>=3", "aiohttp==3.14.5", "--index-url https://example.org", "aiohttp @ file:///tmp/x"],
)
def test_would_see_what_is_not(line: str) -> None:
    assert wrong_lines(line) == [line]
