"""The units say what the program does, and systemd itself finds nothing amiss."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from keepers.cli import EXIT_OPERATOR
from runtime.sd_notify import START_GRACE_SECONDS, ServiceManager
from tests.deploy.program import DEPLOY, ROOT, keeper_words, longest_stop_seconds, parsed, profile

FOLDER: Final = DEPLOY / "systemd"
KEEPER: Final = FOLDER / "bellkeeper@.service"
CHECK: Final = FOLDER / "bellkeeper-check@.service"
INSTALLED: Final = "/opt/bellkeeper/"
ANALYZE: Final = shutil.which("systemd-analyze")
needs_analyze = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not here: the units are NOT checked by systemd"
)


def settings_of(unit: Path, section: str = "Service") -> dict[str, list[str]]:
    """Read one section of a unit: every value of every key, in order."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif line and not line.startswith("#") and current == section:
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def only(unit: Path, key: str) -> str:
    (value,) = settings_of(unit)[key]
    return value


def test_starts_the_program_with_arguments_that_it_takes() -> None:
    arguments = parsed(keeper_words(only(KEEPER, "ExecStart")))
    assert arguments.config == Path("/etc/bellkeeper/%i.toml")
    assert "solvency" in arguments.duties
    assert not arguments.dry_run
    assert parsed(keeper_words(only(CHECK, "ExecStart"))).config == arguments.config


def test_an_operators_error_is_not_restarted_and_everything_else_is() -> None:
    assert only(KEEPER, "RestartPreventExitStatus") == str(EXIT_OPERATOR)
    assert only(KEEPER, "Restart") == "on-failure"
    assert settings_of(KEEPER, "Unit")["StartLimitIntervalSec"] == ["0"]


def test_systemd_waits_longer_than_the_program_takes() -> None:
    stop = longest_stop_seconds(profile(FOLDER / "example.toml"))
    assert int(only(KEEPER, "TimeoutStopSec")) > stop
    # Until the loop turns nobody asks for more time; from then on each word asks for so much.
    assert int(only(KEEPER, "TimeoutStartSec")) >= START_GRACE_SECONDS
    watchdog_seconds = int(only(KEEPER, "WatchdogSec"))
    assert ServiceManager(watchdog_seconds=watchdog_seconds).pause_seconds * 3 <= watchdog_seconds
    assert only(KEEPER, "Type") == "notify"


@pytest.mark.parametrize("unit", [KEEPER, CHECK], ids=["keeper", "check"])
def test_runs_as_nobody_special_and_dumps_no_core(unit: Path) -> None:
    assert only(unit, "User") not in {"", "root", "0"}
    assert only(unit, "NoNewPrivileges") == "yes"
    assert only(unit, "CapabilityBoundingSet") == ""
    assert only(unit, "ProtectSystem") == "strict"
    assert only(unit, "LimitCORE") == "0"
    assert only(unit, "LoadCredential") == "key:/etc/bellkeeper/%i.credentials"
    assert settings_of(unit)["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]


def test_the_check_runs_in_the_keepers_sandbox() -> None:
    keeper, check = settings_of(KEEPER), settings_of(CHECK)
    ours = {"TimeoutStartSec", "Type", "ExecStart", "Environment", "RuntimeDirectoryPreserve"}
    assert {key: value for key, value in check.items() if key not in ours} == {
        key: keeper[key] for key in check if key not in ours
    }
    assert "SystemCallFilter" in check


@pytest.mark.parametrize("unit", [KEEPER, CHECK], ids=["keeper", "check"])
def test_every_path_of_the_installation_is_in_the_repository(unit: Path) -> None:
    named = [
        word.removeprefix("file://")
        for section in ("Unit", "Service")
        for values in settings_of(unit, section).values()
        for value in values
        for word in value.split()
        if word.removeprefix("file://").startswith(INSTALLED)
    ]
    ours = [word.removeprefix(INSTALLED) for word in named if ".venv" not in word]
    assert len(ours) == 2
    for path in ours:
        assert (ROOT / path).is_file(), path
    assert os.access(ROOT / "deploy/systemd/private-credentials", os.X_OK)


def test_the_example_fits_the_unit() -> None:
    settings = profile(FOLDER / "example.toml")
    urgent = settings.keys.urgent
    assert urgent is not None
    runtime = Path("/run") / only(KEEPER, "RuntimeDirectory").replace("%i", "main")
    state = Path("/var/lib") / only(KEEPER, "StateDirectory").replace("%i", "main")
    assert urgent.keystore is not None
    assert urgent.password_file is not None
    assert {urgent.keystore.parent, urgent.password_file.parent} == {runtime}
    assert settings.journal.path.parent == state
    assert settings.http.listen.startswith("127.0.0.1:")


def test_credentials_become_private_copies_under_their_own_names(tmp_path: Path) -> None:
    credentials, runtime = tmp_path / "credentials", tmp_path / "runtime"
    credentials.mkdir()
    runtime.mkdir()
    (credentials / "key_urgent.password").write_text("correct horse")
    # As newer versions of systemd show it to the unit's user.
    (credentials / "key_urgent.password").chmod(0o440)
    (credentials / "other").write_text("not of the folder")
    lay_private(credentials, runtime)
    (copy,) = runtime.iterdir()
    assert copy.name == "urgent.password"
    assert copy.read_text() == "correct horse"
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_duty_without_keys_has_no_credentials(tmp_path: Path) -> None:
    credentials, runtime = tmp_path / "credentials", tmp_path / "runtime"
    credentials.mkdir()
    runtime.mkdir()
    lay_private(credentials, runtime)
    assert list(runtime.iterdir()) == []


def lay_private(credentials: Path, runtime: Path) -> None:
    subprocess.run(
        [FOLDER / "private-credentials"],
        env={
            "PATH": os.environ["PATH"],
            "CREDENTIALS_DIRECTORY": str(credentials),
            "RUNTIME_DIRECTORY": str(runtime),
        },
        check=True,
    )


def analyzed(unit: Path, folder: Path, *arguments: str, extra: str = "") -> tuple[int, str]:
    """Let systemd look at a unit whose programs exist on this machine."""
    lines = [
        f"{line.partition('=')[0]}=/bin/true" if line.startswith("Exec") else line
        for line in unit.read_text().splitlines()
    ]
    copy = folder / unit.name
    copy.write_text("\n".join(lines).replace("[Service]", f"[Service]\n{extra}"))
    assert ANALYZE is not None
    answer = subprocess.run(
        [ANALYZE, *arguments, copy], capture_output=True, text=True, check=False
    )
    return answer.returncode, answer.stderr


@needs_analyze
@pytest.mark.parametrize("unit", [KEEPER, CHECK], ids=["keeper", "check"])
def test_systemd_finds_nothing_amiss(unit: Path, tmp_path: Path) -> None:
    verify = ("verify", "--man=no", "--recursive-errors=no")
    assert analyzed(unit, tmp_path, *verify) == (0, "")
    # It says so, and ends well, of a key that it does not know: the words are the check.
    assert "Nonsense" in analyzed(unit, tmp_path, *verify, extra="Nonsense=1")[1]


@needs_analyze
@pytest.mark.parametrize("unit", [KEEPER, CHECK], ids=["keeper", "check"])
def test_systemds_exposure_stays_low(unit: Path, tmp_path: Path) -> None:
    # Tenths: 1.2 of 10 when this was written; what is left is the network that a keeper needs.
    assert analyzed(unit, tmp_path, "security", "--offline=yes", "--threshold=13")[0] == 0
