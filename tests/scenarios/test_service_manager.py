"""The real program under something that listens as systemd does."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import Scene


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(60)
        yield receiver


def heard_until(receiver: socket.socket, word: str) -> list[str]:
    """Give every word up to the message that holds `word`, and that message's."""
    words: list[str] = []
    while word not in words:
        words += receiver.recv(4096).decode().split("\n")
    return words


def test_systemd_hears_ready_alive_and_stopping(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "600000")
    with listening(tmp_path / "notify") as receiver:
        keeper = scene.keeper()
        keeper.start()
        start = heard_until(receiver, "READY=1")
        assert (keeper.page("/readyz") or {}).get("ready") is True
        assert start.count("READY=1") == 1
        assert any(word.startswith("STATUS=not ready: feed") for word in start)
        assert "EXTEND_TIMEOUT_USEC=60000000" in start
        assert "READY=1" not in heard_until(receiver, "WATCHDOG=1")
        assert keeper.terminate() == 0
        assert "STOPPING=1" in heard_until(receiver, "STOPPING=1")


def test_a_stopped_loop_is_silent(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "600000")
    with listening(tmp_path / "notify") as receiver:
        keeper = scene.keeper()
        keeper.start()
        heard_until(receiver, "READY=1")
        assert keeper.process is not None
        # Nothing of it runs from here on, as in a loop that never comes back.
        os.kill(keeper.process.pid, signal.SIGSTOP)
        _, status = os.waitpid(keeper.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        receiver.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                receiver.recv(4096)
        receiver.settimeout(2)
        with pytest.raises(TimeoutError):
            receiver.recv(4096)
        os.kill(keeper.process.pid, signal.SIGCONT)
        assert "WATCHDOG=1" in heard_until(receiver, "WATCHDOG=1")
