"""Where a tool cannot be had, nothing passes silently: the test skips in words, and fails in CI."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.monitoring import tools

SCRIPT = tools.ROOT / ".ci" / "monitoring-tools"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "BROUGHT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("nowhere")
def test_a_missing_tool_skips_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="expected promtool, found none"):
        tools.tool("promtool")


@pytest.mark.usefixtures("nowhere")
def test_a_missing_tool_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="nothing was checked"):
        tools.tool("amtool")


def test_set_up_says_so_where_nothing_can_be_fetched(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci")
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "mkdir", "rm"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    done = subprocess.run(
        [tmp_path / "bin" / "bash", tmp_path / ".ci" / "monitoring-tools"],
        env={**os.environ, "PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "NOT checked" in done.stderr
    assert not (tmp_path / ".tools" / "prometheus" / "bin").exists()


def test_set_up_takes_the_machines_own_tools(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci")
    (tmp_path / "own").mkdir()
    for name in ("promtool", "amtool"):
        own = tmp_path / "own" / name
        own.write_text("#!/bin/sh\n")
        own.chmod(0o755)
    done = subprocess.run(
        ["bash", tmp_path / ".ci" / "monitoring-tools"],
        env={**os.environ, "PATH": f"{tmp_path / 'own'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    brought = tmp_path / ".tools" / "prometheus" / "bin"
    assert (brought / "promtool").resolve() == tmp_path / "own" / "promtool"
