"""What docs/deployment.md tells people to type exists, and its backup is one."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from config.loader import PROFILES_DIRECTORY
from keepers.cli import COMMANDS
from runtime.clock import SystemClock
from runtime.journal import Journal
from tests.deploy.program import ROOT, profile

PAGE: Final = (ROOT / "docs" / "deployment.md").read_text()
ADDRESS: Final = "0x" + "11" * 20


def test_every_link_and_every_folder_of_it_is_there() -> None:
    links = set(re.findall(r"\]\(([a-z_]+\.md)\)", PAGE))
    assert "configuration.md" in links
    for link in links:
        assert (ROOT / "docs" / link).is_file(), link
    folders = set(re.findall(r"(?<![\w/])(deploy/[\w./-]*\w|tests/[\w./]*\w)", PAGE))
    assert "deploy/docker/compose.yml" in folders
    laid_by_the_operator = {"deploy/docker/secrets"}
    patterns = {"deploy/kubernetes/overlays"}
    for path in folders - laid_by_the_operator - patterns:
        assert (ROOT / path).exists(), path
    assert "(deployment.md)" in (ROOT / "docs" / "operators.md").read_text()


def test_every_command_of_it_is_one_of_the_program() -> None:
    named = {match for match in re.findall(r"`bellkeeper ([a-z-]+)[ `]", PAGE) if match != "run"}
    assert {"check", "plan", "audit"} <= named
    assert named <= set(COMMANDS)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal that is open for writing, its newest part not yet in the file."""
    opened = Journal.open(tmp_path / "bellkeeper.sqlite", SystemClock())
    opened.open_lane("urgent", address=ADDRESS, chain_id=31337)
    opened.adopt_nonce("urgent", 7)
    return opened


def test_the_backup_of_a_journal_in_use_can_be_opened_and_knows_its_nonces(
    journal: Journal, tmp_path: Path
) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    copy = tmp_path / "copy.sqlite"
    subprocess.run([sys.executable, "-c", script, tmp_path / "bellkeeper.sqlite", copy], check=True)
    journal.close()
    restored = Journal.open(copy, SystemClock())
    (lane,) = restored.lanes()
    restored.close()
    assert (lane.address, lane.next_nonce) == (ADDRESS, 7)


def test_the_question_about_gas_fits_the_journal(journal: Journal, tmp_path: Path) -> None:
    journal.close()
    (question,) = re.findall(r'sqlite3 -readonly \S+ "(SELECT [^"]+)"', PAGE)
    database = sqlite3.connect(tmp_path / "bellkeeper.sqlite")
    assert database.execute(question).fetchall() == []
    database.close()


def test_the_ceiling_of_a_transactions_cost_is_what_the_settings_give() -> None:
    settings = profile(PROFILES_DIRECTORY / "mainnet.toml")
    wei = settings.liquidation.max_gas_per_transaction * settings.sender.max_fee_per_gas_wei
    assert wei == settings.deleverage.max_gas_per_transaction * settings.sender.max_fee_per_gas_wei
    assert wei == 15 * 10**14
    assert "0.0015 of the native coin" in PAGE
    assert f"{settings.sender.max_fee_per_gas_wei:,} wei" in PAGE
