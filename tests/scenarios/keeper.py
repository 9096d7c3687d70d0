"""The real program as a process beside a real node: start it, kill it, ask it."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_keyfile import create_keyfile_json

from tests.anvil import Anvil, free_port
from tests.venues.exchange.contracts.harness import Exchange

# The well-known key of anvil's account 8, the harness's "liquidator".
LIQUIDATOR_KEY: Final = bytes.fromhex(
    "dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"
)
PASSWORD: Final = "correct horse"
ROOT: Final = Path(__file__).parents[2]


def write_keystore(folder: Path) -> tuple[Path, Path]:
    """Write the liquidator's keystore and password file."""
    keystore, password = folder / "keeper.json", folder / "keeper.password"
    document = create_keyfile_json(LIQUIDATOR_KEY, PASSWORD.encode(), iterations=2)
    keystore.write_text(json.dumps(document))
    password.write_text(PASSWORD)
    keystore.chmod(0o600)
    password.chmod(0o600)
    return keystore, password


def write_profile(folder: Path, anvil: Anvil, exchange: str, **network: object) -> Path:
    """Write a profile for the node and the exchange; `network` overrides that section."""
    keystore, password = write_keystore(folder)
    facts: dict[str, object] = {"name": "scenario", "chain_id": 31337, **network}
    endpoint = facts.pop(
        "endpoint",
        f'{{ name = "node", http_url = "{anvil.http_url}", ws_url = "{anvil.websocket_url}",'
        " calls_per_second = 5000.0, ws_messages_per_second = 5000.0 }",
    )
    lines = [f"{key} = {json.dumps(value)}" for key, value in facts.items()]
    path = folder / "profile.toml"
    path.write_text(
        "\n".join(
            [
                "[network]",
                *lines,
                f"endpoints = [{endpoint}]",
                "[exchange]",
                f'address = "{exchange}"',
                "[keys.urgent]",
                f'keystore = "{keystore}"',
                f'password_file = "{password}"',
                "[sender]",
                "confirmations = 1",
                "[liquidation]",
                "warm_up_updates = 1",
                "[http]",
                f'listen = "127.0.0.1:{free_port()}"',
                "[journal]",
                f'path = "{folder / "journal.sqlite"}"',
            ]
        )
    )
    return path


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program to its end."""
    return subprocess.run(
        [sys.executable, "-m", "keepers", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass(slots=True)
class KeeperProcess:
    """`bellkeeper run` as a process of its own."""

    profile: Path
    log: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Start it; its lines go to the log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "keepers", "run",
                    "--config", str(self.profile), *self.options,
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """Kill it without a word, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def terminate(self) -> int:
        """Ask it to stop; give its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def page(self, path: str) -> Any:
        """Fetch a page of its HTTP; None while it does not listen."""
        listen = next(
            line.split('"')[1]
            for line in self.profile.read_text().splitlines()
            if line.startswith("listen")
        )
        try:
            with urllib.request.urlopen(f"http://{listen}{path}", timeout=2) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
        except OSError:
            return None
        return json.loads(text) if text.startswith("{") else text

    def wait_ready(self) -> None:
        """Wait until it says that it is ready."""
        wait_until(lambda: bool((self.page("/readyz") or {}).get("ready")), "the keeper is ready")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"expected within {seconds} s that {what}"
        time.sleep(0.05)


def position_size(exchange: Exchange, account: int) -> int:
    """Read what an account still holds in the first market."""
    return int(exchange.position(account)["size"])
