"""Every test that the security page names exists: a claim does not outlive its proof."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "security.md"


def named_tests(text: str) -> list[tuple[str, str]]:
    """Give file and name of each test; a name without a file is in the file named last, or behind it."""
    found, last = [], ""
    for match in re.finditer(
        r"`(?:([\w/]*test_\w+\.py))?::(test_\w+)`(?: \((test_\w+\.py)\))?", text
    ):
        last = match[1] or match[3] or last
        found.append((match[3] or last, match[2]))
    return found


def test_every_named_test_is_there() -> None:
    named = named_tests(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 30
    missing = [(file, name) for file, name in named if not _exists(file, name)]
    assert missing == []


def test_a_test_that_is_gone_would_be_seen() -> None:
    assert named_tests("`test_roles.py::test_a` and `::test_b`, `::test_c` (test_x.py)") == [
        ("test_roles.py", "test_a"),
        ("test_roles.py", "test_b"),
        ("test_x.py", "test_c"),
    ]
    assert not _exists("test_roles.py", "test_nobody_wrote")


def _exists(file: str, name: str) -> bool:
    paths = [ROOT / file] if "/" in file else (ROOT / "tests").rglob(file)
    definition = re.compile(rf"^(async )?def {name}\(", re.MULTILINE)
    return any(path.exists() and definition.search(path.read_text()) for path in paths)
