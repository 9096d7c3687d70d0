"""A keeper that is aborted leaves no image of its memory; another process of the same user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ABORT = """
import os, resource
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
{guard}
os.abort()
"""
GUARD = "from runtime.no_core_dump import forbid_core_dumps; forbid_core_dumps()"
ROOT = Path(__file__).parents[2]


def is_dumped(folder: Path, guard: str) -> bool:
    """Abort a process in a folder; say whether the kernel dumped it."""
    script = ABORT.format(guard=guard)
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert os.WIFSIGNALED(status)
    return os.WCOREDUMP(status)


def test_no_dump_is_written(tmp_path: Path) -> None:
    if not is_dumped(tmp_path, guard=""):
        pytest.skip("this machine dumps no process at all: nothing to compare with")
    for path in tmp_path.iterdir():
        path.unlink()
    assert not is_dumped(tmp_path, GUARD)
    assert list(tmp_path.iterdir()) == []


def test_the_kernel_knows() -> None:
    script = f"{GUARD}; import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert told.stdout.strip() == "0"
