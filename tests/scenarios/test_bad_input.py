"""Whatever an operator gets wrong is one sentence on standard error and exit code 78."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.clock import SystemClock
from runtime.journal import Journal
from tests.anvil import Anvil, running_anvil
from tests.damage import blank_page_of
from tests.scenarios.keeper import LIQUIDATOR_KEY, PASSWORD, command, write_profile

NOWHERE = "0x00000000000000000000000000000000000000aa"


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil(block_time_seconds=0.1, accounts=1) as anvil:
        yield anvil


class _WebSite(http.server.BaseHTTPRequestHandler):
    """A server that answers everything with a page, as a gateway's error does."""

    def do_POST(self) -> None:
        page = b"<html><title>Just a moment...</title></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


@pytest.fixture(scope="module")
def web_site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _WebSite)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def only(profile: Path, old: str, new: str) -> Path:
    """Change one thing in a profile that is right otherwise."""
    text = profile.read_text()
    assert text.count(old) == 1, text
    profile.write_text(text.replace(old, new))
    return profile


Change = Callable[[Path], object]
CASES: dict[str, tuple[Change, str]] = {
    "wrong chain id": (
        lambda path: only(path, "chain_id = 31337", "chain_id = 4326"),
        "expected chain 4326",
    ),
    "no code at the address": (lambda _: None, "found no code there"),
    "no address": (lambda path: only(path, f'address = "{NOWHERE}"', ""), "[exchange] address"),
    "an unknown key": (
        lambda path: only(path, "warm_up_updates", "warmup_updates"),
        "liquidation.warmup_updates",
    ),
    "a negative value": (
        lambda path: only(path, "warm_up_updates = 1", "warm_up_updates = -1"),
        "liquidation.warm_up_updates",
    ),
    "a zero where none may be": (
        lambda path: only(path, "confirmations = 1", "confirmations = 0"),
        "sender.confirmations",
    ),
    "a keystore that is no JSON": (
        lambda path: (path.parent / "keeper.json").write_text("a key"),
        "is not JSON",
    ),
    "a keystore that is not there": (
        lambda path: (path.parent / "keeper.json").unlink(),
        "keeper.json",
    ),
    "a keystore that others can read": (
        lambda path: (path.parent / "keeper.json").chmod(0o644),
        "chmod 600",
    ),
    "a wrong password": (
        lambda path: (path.parent / "keeper.password").write_text("wrong"),
        "does not open the keystore",
    ),
    "no WebSocket in the profile": (
        lambda path: only(path, path.read_text().split("ws_url")[1].split(", ws_m")[0], ' = ""'),
        "ws_url",
    ),
    "a journal in a folder that is not there": (
        lambda path: only(path, "journal.sqlite", "missing/journal.sqlite"),
        "missing",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_exit_78(case: str, anvil: Anvil, tmp_path: Path) -> None:
    change, words = CASES[case]
    profile = write_profile(tmp_path, anvil, NOWHERE)
    change(profile)
    answer = command("run", "--config", str(profile))
    sentences = [line for line in answer.stderr.splitlines() if line.startswith("bellkeeper: ")]
    assert answer.returncode == 78, answer.stderr
    assert len(sentences) == 1, answer.stderr
    assert words in sentences[0]
    assert "Traceback" not in answer.stderr
    for secret in (LIQUIDATOR_KEY.hex(), PASSWORD):
        assert secret not in answer.stderr + answer.stdout


def test_a_server_that_answers_with_a_page_is_named(
    anvil: Anvil, web_site: str, tmp_path: Path
) -> None:
    endpoint = f'{{ name = "gateway", http_url = "{web_site}" }}'
    profile = write_profile(tmp_path, anvil, NOWHERE, endpoint=endpoint, require_websocket=False)
    answer = command("run", "--config", str(profile))
    assert answer.returncode == 78, answer.stderr
    assert "expected a JSON-RPC node" in answer.stderr
    assert "HTML" in answer.stderr


def test_a_node_without_websocket_is_named(anvil: Anvil, web_site: str, tmp_path: Path) -> None:
    endpoint = (
        f'{{ name = "node", http_url = "{anvil.http_url}",'
        f' ws_url = "{web_site.replace("http", "ws")}" }}'
    )
    profile = write_profile(tmp_path, anvil, NOWHERE, endpoint=endpoint)
    answer = command("run", "--config", str(profile))
    assert answer.returncode == 78, answer.stderr
    assert "expected a WebSocket" in answer.stderr


def test_check_says_what_to_do_and_exits_with_2(anvil: Anvil, tmp_path: Path) -> None:
    profile = write_profile(tmp_path, anvil, NOWHERE)
    answer = command("check", "--config", str(profile))
    assert answer.returncode == 2, answer.stderr
    assert "no code at" in answer.stdout
    assert "bellkeeper exchange deploy" in answer.stdout


def test_check_reads_every_page_of_the_journal(anvil: Anvil, tmp_path: Path) -> None:
    profile, path = write_profile(tmp_path, anvil, NOWHERE), tmp_path / "journal.sqlite"
    with Journal.open(path, SystemClock()) as journal:
        journal.note("admin/next", "1")
    assert (
        "every page is whole, 0 intents in flight"
        in command("check", "--config", str(profile)).stdout
    )
    blank_page_of(path, "transitions_by_subject")
    answer = command("check", "--config", str(profile))
    assert answer.returncode == 2, answer.stderr
    assert "restore the journal from the backup" in answer.stdout
