"""promtool and amtool: those that `.ci/monitoring-tools` brought, or the machine's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
BROUGHT = ROOT / ".tools" / "prometheus" / "bin"


def tool(name: str) -> str:
    """Give the path of a tool; without one the test says so and skips, in CI it fails."""
    found = shutil.which(name, path=str(BROUGHT)) or shutil.which(name)
    if found is None:
        words = f"expected {name}, found none: run .ci/monitoring-tools, or install it; nothing was checked"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return found


def run(name: str, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a tool and give what it said."""
    return subprocess.run(
        [tool(name), *map(str, arguments)], input=given, capture_output=True, text=True, check=False
    )


def assert_well(done: subprocess.CompletedProcess[str]) -> None:
    """Assert that a tool found nothing wrong."""
    assert done.returncode == 0, done.stdout + done.stderr
