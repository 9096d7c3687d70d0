"""Operators ask a running keeper, which is then killed: what was asked holds, and people were told."""

import json
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.scenarios.conftest import Scene
from tests.scenarios.keeper import KeeperProcess, command, position_size, wait_until


class _Chat(BaseHTTPRequestHandler):
    """Keeps the lines that it is posted."""

    lines: list[str]

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.lines.append(json.loads(self.rfile.read(size))["text"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


@pytest.fixture
def chat() -> Iterator[tuple[str, list[str]]]:
    lines: list[str] = []
    handler = type("Chat", (_Chat,), {"lines": lines})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/T0PSECRET", lines
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "admin.sock"


@pytest.fixture
def keeper(scene: Scene, chat: tuple[str, list[str]], socket: Path) -> KeeperProcess:
    keeper = scene.keeper()
    url = scene.folder / "slack.url"
    url.touch(mode=0o600)
    url.write_text(chat[0])
    with keeper.profile.open("a") as file:
        file.write(f'\n[admin]\nsocket = "{socket}"\n[notify.slack]\nurl_file = "{url}"\n')
    keeper.start()
    keeper.wait_ready()
    return keeper


def ask(keeper: KeeperProcess, *words: str) -> str:
    done = command("admin", *words, "--config", str(keeper.profile))
    assert done.returncode == 0, done.stderr
    return done.stdout


def sample(keeper: KeeperProcess, name: str) -> float:
    """Read a metric; 0 while the keeper does not show it."""
    lines = str(keeper.page("/metrics")).splitlines()
    found = [line for line in lines if line.startswith(f"bellkeeper_{name} ")]
    return float(found[0].split()[-1]) if found else 0.0


def test_a_pause_outlives_a_kill_and_a_resync_brings_a_fresh_snapshot(
    scene: Scene, keeper: KeeperProcess, chat: tuple[str, list[str]], socket: Path
) -> None:
    trader = scene.open_position(1)
    assert "signs nothing new" in ask(keeper, "pause-lane", "urgent", "--reason", "key rotation")
    wait_until(lambda: any("asked for pause-lane" in line for line in chat[1]), "people were told")
    keeper.kill()
    # A killed process leaves its socket, and nobody answers on it: it is replaced.
    assert socket.is_socket()
    keeper.start()
    wait_until(
        lambda: (
            "key rotation"
            in (keeper.page("/readyz") or {}).get("reasons", {}).get("lane_urgent", "")
        ),
        "the restarted keeper knows of the pause",
    )
    scene.fall(to=93)
    wait_until(
        lambda: sample(keeper, 'sender_refusals_total{lane="urgent",refusal="lane_halted"}') > 0,
        "the keeper wanted to liquidate and the lane refused",
    )
    assert position_size(scene.exchange, trader) == 10 * 10**8

    ask(keeper, "resync", "--reason", "drill")
    wait_until(
        lambda: sample(keeper, 'feed_resyncs_total{reason="start"}') == 2,
        "the feed began anew",
    )
    ask(keeper, "resume-lane", "urgent", "--reason", "rotated")
    keeper.wait_ready()
    scene.fall(to=92)
    wait_until(
        lambda: position_size(scene.exchange, trader) < 10 * 10**8, "the account was liquidated"
    )
    shown = ask(keeper, "list", "--json", "-")
    recent = json.loads(shown)["recent"]
    assert [(each["action"], each["reason"], each["fate"]) for each in recent] == [
        ("resume-lane", "rotated", "done"),
        ("resync", "drill", "done"),
        ("pause-lane", "key rotation", "done"),
    ]
    assert keeper.terminate() == 0
    assert not socket.exists()
    told = "\n".join(chat[1])
    assert told.count("the keeper has started") == 2
    assert "asked for pause-lane (key rotation), done" in told
    assert "asked for resync (drill), done" in told
    assert chat[1][-1].endswith("the keeper is stopping")
    assert "T0PSECRET" not in keeper.log.read_text()
